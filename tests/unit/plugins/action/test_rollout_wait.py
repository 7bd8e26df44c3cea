# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed rollout says first, and when a canary has held."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.action import rollout_wait


def service(name: str, update: str, **changed: Any) -> dict[str, Any]:
    defaults = {"mode": "replicated", "wanted": 3, "current": 3, "old": 0, "stalled": False, "failures": []}
    return {"name": name, "update": update, "update_message": "", **defaults, **changed}


def test_the_failed_service_stands_before_one_that_only_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger keeps the first lines alone; the list comes sorted by name."""
    task = {"node": "node2", "error": "task: non-zero exit (1)", "exit_code": 1}
    services = [
        service("halobuzz_ai-engine", "updating", current=0),
        service("halobuzz_backend", "rollback_completed", failures=[task]),
        service("halobuzz_edge", "completed"),
    ]
    logs = {"halobuzz_backend": ["missing key of hunter2hunter2"]}
    monkeypatch.setattr(rollout_wait, "run_lean", lambda *_arguments: {"logs": logs, "down": ["node2"]})
    action = SimpleNamespace(_task=SimpleNamespace(args={"stack": "halobuzz", "redacted": ["hunter2hunter2"]}))
    message = rollout_wait.ActionModule._unhealthy(action, services, 4, {})["msg"]
    assert message.index("halobuzz_backend") < message.index("halobuzz_ai-engine")
    assert "halobuzz_edge" not in message
    assert "\nnode2: the Docker engine does not answer\n" in message
    assert "(exit code 1)" in message
    assert "missing key of" in message
    assert "hunter2" not in message


def failed_task(identity: str, node: str = "node1", **changed: Any) -> dict[str, Any]:
    return {"id": identity, "node": node, "state": "failed", "current": True, **changed}


def test_a_new_task_that_ends_after_it_was_watched_is_a_crash() -> None:
    edge = service("halobuzz_edge", "completed", failures=[failed_task("old", "node2")])
    backend = service("halobuzz_backend", "completed", failures=[failed_task("new")])
    names = ["halobuzz_edge", "halobuzz_backend"]
    known = rollout_wait.failed_ids([edge])
    assert known == {"old"}
    assert rollout_wait.crashed([edge, backend], names, known) == {"halobuzz_backend"}
    assert rollout_wait.crashed([edge, backend], names, {"old", "new"}) == set()
    assert rollout_wait.crashed([edge, backend], ["halobuzz_ai-engine"], known) == set()  # still of the version before
    waits = service("halobuzz_backend", "updating", failures=[failed_task("new", state="pending")])
    assert rollout_wait.crashed([edge, waits], names, known) == set()


def test_tasks_of_several_services_that_end_on_one_host_are_the_hosts_fault() -> None:
    edge = service("halobuzz_edge", "completed", failures=[failed_task("a")])
    one, both = [failed_task("b")], [failed_task("b"), failed_task("c", "node3")]
    names = ["halobuzz_backend"]
    assert rollout_wait.crashed([edge, service(*names, "updating", failures=one)], names, set()) == set()
    assert rollout_wait.crashed([edge, service(*names, "updating", failures=both)], names, set()) == set(names)


@pytest.mark.parametrize("crashes_fail", [True, False])
def test_the_wait_ends_with_the_crash_where_that_is_asked(crashes_fail: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = service("halobuzz_backend", "completed")
    crash = {**failed_task("new"), "error": "task: non-zero exit (1)", "exit_code": 1}
    polls = iter([whole, {**whole, "current": 2, "failures": [crash]}])
    last = {**whole, "failures": [crash]}
    clock = iter(range(10_000))
    monkeypatch.setattr(rollout_wait, "run_lean", lambda *_arguments: {"services": [next(polls, last)]})
    monkeypatch.setattr(rollout_wait.ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(rollout_wait.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(rollout_wait.time, "sleep", lambda _seconds: None)
    arguments = {"stack": "halobuzz", "deadline_seconds": 300, "stable_seconds": 3, "crashes_fail": crashes_fail}
    action = object.__new__(rollout_wait.ActionModule)
    action._task = SimpleNamespace(args=arguments, check_mode=False)
    done = action.run(None, {})
    assert bool(done.get("failed")) == crashes_fail
    assert ("a new task ended by itself" in done.get("msg", "")) == crashes_fail
    assert next(clock) < 60  # and not with the deadline


def test_a_canary_holds_when_it_has_run_long_enough_without_a_break() -> None:
    since: dict[str, float] = {}
    still, updating = (
        service("halobuzz_ai-engine", "completed"),
        service("halobuzz_backend", "updating", old=2, current=1),
    )
    hold = rollout_wait.canaries_hold
    assert not hold([still, {**updating, "current": 0, "old": 3}], since, now=1, seconds=8)
    assert not hold([still, updating], since, now=2, seconds=8)
    assert not hold([still, {**updating, "current": 0}], since, now=5, seconds=8)  # it crashed
    assert not hold([still, updating], since, now=6, seconds=8)
    assert not hold([still, updating], since, now=13, seconds=8)
    assert hold([still, updating], since, now=14, seconds=8)
