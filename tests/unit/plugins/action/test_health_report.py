"""Action `health_report`: what a host's registered result means, and the files it writes."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.halobuzz.platform.plugins.action.health_report import answer_of, write_report
from ansible_collections.halobuzz.platform.plugins.module_utils import _health

VARIABLES = {"ansible_host": "10.99.0.13", "ansible_user": "ops"}


def test_unreachable_host_gives_ssh_words_and_command() -> None:
    # recorded from ansible-core 2.21.5
    message = "Task failed: Failed to connect to the host via ssh: ssh: connect to host 10.99.0.13 port 22: No route to host\r\n"
    answer = answer_of("node3", {"unreachable": True, "msg": message, "failed": False}, VARIABLES)
    assert (answer["reason"], answer["next_command"]) == ("unreachable", "ssh ops@10.99.0.13 true")
    assert answer["error"] == "connect to host 10.99.0.13 port 22: No route to host"


def test_connection_that_hangs_is_unreachable() -> None:
    answer = answer_of("node3", {"timedout": {"frame": "x", "period": 15}, "msg": "Timed out"}, VARIABLES)
    assert answer["error"] == "10.99.0.13 does not answer in 15 s; the connection hangs"


def test_bare_host_is_told_from_a_broken_one() -> None:
    missing = {"rc": 127, "module_stderr": "/bin/sh: 1: /opt/halobuzz/python/bin/python: not found", "msg": "..."}
    assert answer_of("node1", missing, VARIABLES)["next_command"] == "make deploy-prod"
    assert answer_of("node1", {"msg": "Traceback"}, VARIABLES)["error"] == "its checks could not run: Traceback"
    assert answer_of("node1", None, VARIABLES)["error"] == "its checks could not run: it was not asked"


def test_report_files_are_written_whole(tmp_path: Path) -> None:
    report = _health.combine([answer_of("node3", {"unreachable": True, "msg": "ssh: no"}, VARIABLES)], [])
    write_report(str(tmp_path / "new"), report, 1.0)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["health.json", "health.prom"]
    assert json.loads((tmp_path / "new" / "health.json").read_text(encoding="utf-8")) == report
