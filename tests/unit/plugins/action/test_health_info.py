"""Action `health_info`: a host that cannot be asked, in words. Messages recorded from ansible-core 2.21.5."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.halobuzz.platform.plugins.action.health_info import (
    OWN_CONNECTION,
    ActionModule,
    broken,
    unreachable,
)

PIPELINED = 'Data could not be sent to remote host "10.99.0.39". Make sure this host can be reached over ssh: '


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (f"{PIPELINED}ssh: connect to host 10.99.0.39 port 22: Connection timed out\r\n", "Connection timed out"),
        ("Failed to connect to the host via ssh: ssh: connect to host h port 22: No route to host", "No route to host"),
        (
            "Failed to connect to the host via ssh: ops@10.99.0.13: Permission denied (publickey).",
            "ops@10.99.0.13: Permission denied (publickey).",
        ),
        (
            "Timeout (7s) waiting for privilege escalation prompt: ",
            "it let us in, but sudo did not answer in time: overloaded, or sudo wants a password",
        ),
    ],
)
def test_failed_connection_keeps_only_the_reason(message: str, error: str) -> None:
    problem = unreachable(message, "10.99.0.39", "ops")
    assert (problem["error"], problem["next_command"]) == (error, "ssh ops@10.99.0.39 true")


def test_bare_host_is_told_from_a_broken_one() -> None:
    missing = {"rc": 127, "module_stderr": "/bin/sh: 1: /opt/halobuzz/python/bin/python: not found\n", "msg": "x"}
    assert broken(missing)["next_command"] == "make deploy-prod"
    assert broken({"msg": "Traceback\x1b[2J"})["error"] == "its checks could not run: Traceback [2J"


def test_what_ansible_censors_is_asked_of_the_port() -> None:
    message = "Failed to connect to the host via ssh: <error censored due to no log>"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "SSH does not let us in" in unreachable(message, "127.0.0.1", "ops", port)["error"]
    assert unreachable(message, "127.0.0.1", "ops", port)["error"] == "Connection refused"
    assert unreachable(message, "127.0.0.1", "ops", 0)["error"] == "ssh could not connect"  # behind a proxy


@pytest.mark.parametrize(("asked", "own"), [(True, True), ("True", True), (False, False), (None, False)])
def test_the_open_connection_is_left_only_when_asked_to(
    asked: object, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"ssh_args": "-o ControlMaster=auto"}
    action = object.__new__(ActionModule)
    action._task = SimpleNamespace(args={"own_connection": asked} if asked is not None else {})
    action._connection = SimpleNamespace(transport="ssh", get_option=options.get, set_option=options.__setitem__)
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(ActionModule, "_run_checks", lambda *_arguments: {})
    action.run(None, {})
    assert options["ssh_args"] == (f"{OWN_CONNECTION} -o ControlMaster=auto" if own else "-o ControlMaster=auto")
