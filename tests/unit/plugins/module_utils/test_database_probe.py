# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judging logins; the lab's own databases are asked by tests/e2e/test_config_check.py."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._database_probe import (
    FAILED,
    NOT_CHECKED,
    PASSED,
    judge_mongodb_login,
    main,
    probe_mongodb,
    probe_redis,
)


def login(role: str, *actions: str, database: str = "halobuzz") -> dict[str, Any]:
    return {
        "authenticatedUsers": [{"user": "application", "db": "admin"}],
        "authenticatedUserRoles": [{"role": role, "db": database}],
        "authenticatedUserPrivileges": [
            {"resource": {"db": database, "collection": ""}, "actions": list(actions)},
            {"resource": {"db": database, "collection": "system.js"}, "actions": ["find"]},
        ],
    }


READ_WRITE = ("find", "insert", "update", "remove", "createIndex", "listCollections")


@pytest.mark.parametrize(
    ("info", "state", "reason"),
    [
        (login("readWrite", *READ_WRITE), PASSED, "readWrite@halobuzz"),
        (login("ownRole", *READ_WRITE), PASSED, "ownRole@halobuzz"),
        (login("read", "find"), FAILED, "may not insert, update, remove, createIndex in halobuzz"),
        (login("readWrite", *READ_WRITE, database="other"), FAILED, "may not find"),
        (login("backup", "find", database=""), FAILED, "may not insert, update, remove, createIndex in halobuzz"),
        (login("root", *READ_WRITE), FAILED, "is an administrator (root@halobuzz)"),
        (login("readWriteAnyDatabase", *READ_WRITE), FAILED, "is an administrator"),
        ({"authenticatedUsers": []}, FAILED, "nobody is logged in"),
    ],
)
def test_a_login_must_be_enough_and_not_too_much(info: dict[str, Any], state: str, reason: str) -> None:
    found = judge_mongodb_login("halobuzz", info)
    assert found[0] == state
    assert reason in found[1]


def test_who_does_not_answer_is_not_checked() -> None:
    login = "application:secret-word"
    assert probe_redis(f"redis://{login}@127.0.0.1:9", 1)[0] == NOT_CHECKED
    uri = f"mongodb://{login}@127.0.0.1:9/halobuzz"
    outcomes = main({"databases": {"MONGODB_URI": ["mongodb", uri]}, "timeout_seconds": 0.3})["outcomes"]
    assert outcomes["MONGODB_URI"][0] == NOT_CHECKED
    assert "secret-word" not in str(outcomes)


@pytest.mark.parametrize("uri", ["mongodb://u:p@w@h/x", "mongodb://u:p@127.0.0.1:9", "no uri", "mongodb://h/?bad"])
def test_a_uri_that_no_driver_takes_fails_without_its_words(uri: str) -> None:
    state, reason, _fix = probe_mongodb(uri, 0.3)
    assert state == FAILED
    assert uri not in reason


def test_a_redis_url_that_cannot_be_read_fails() -> None:
    for url in ("redis://u:pa/ss@h:6379", "redis://[u:p@h"):
        assert probe_redis(url, 0.3)[0] == FAILED
