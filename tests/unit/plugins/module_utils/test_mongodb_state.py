"""Reading a replica set: what can be seen without a server. The rest is seen on the lab (molecule, `growth` and `resilience`)."""

from __future__ import annotations

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _mongodb_state

PARAMETERS = {
    "members": ["127.0.0.1:1"],
    "replica_set": "halobuzz",
    "admin_user": "admin",
    "admin_password": "x",
    "users": [],
    "timeout_seconds": 1,
}


def test_a_silent_member_may_hold_the_data() -> None:
    answer = _mongodb_state.main(PARAMETERS)
    assert answer["failed"]
    assert answer["error_code"] == "E_MONGODB"
    assert "127.0.0.1:1 (ServerSelectionTimeoutError): it may hold the data" in answer["msg"]


def test_without_pymongo_the_next_command_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mongodb_state, "PYMONGO_FOUND", False)
    answer = _mongodb_state.main(PARAMETERS)
    assert answer["error_code"] == "E_PYTHON_MISSING"
