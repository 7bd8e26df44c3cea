# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The status report: what is healthy is short, what is not is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _platform_status as status
from ansible_collections.halobuzz.platform.plugins.module_utils._platform_state import (
    container_state,
    node_state,
    task_container,
)
from ansible_collections.halobuzz.platform.plugins.module_utils._rollout import summarise

RECORDED = Path(__file__).parents[2] / "fixtures" / "operations"
NOW = 1795525491.0  # 2026-11-24 13:04:51 UTC


def load(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


@pytest.fixture
def answers() -> dict[str, dict[str, Any]]:
    nodes = load("nodes")
    names = {node["ID"]: node["Description"]["Hostname"] for node in nodes}
    tasks = load("tasks")
    services = [
        summarise(one, [task for task in tasks if task["ServiceID"] == one["ID"]], names) for one in load("services")
    ]
    swarm = {"state": "active", "manager": True, "services": services, "nodes": [node_state(node) for node in nodes]}
    local = [task_container(one) for one in load("containers") if "com.docker.swarm.task.id" in one["Labels"]]
    data = {"mongodb": {**container_state(load("mongodb")), "role": "primary"}, "redis-queue": None}
    answer = {"now": NOW, "engine_error": "", "containers": data, "tasks": local, "swarm": swarm}
    return {"node1": answer, "node2": {**answer, "containers": {"mongodb": None}}}


def report(answers: dict[str, dict[str, Any]]) -> str:
    return "\n".join(
        status.status_lines(answers, "halobuzz", ["node1", "node2"], {"node1": ["mongodb"], "node2": ["mongodb"]})
    )


def test_report_names_services_tasks_data_and_nodes(answers: dict[str, dict[str, Any]]) -> None:
    text = report(answers)
    assert "2 of 2 hosts answer, as node1 sees it" in text
    assert "backend        3/3 " in text
    assert "backend@6bd980d60886" in text
    assert text.count("  backend.") == 3
    assert "mongodb    node1  running, primary" in text
    assert "mongodb    node2  absent" in text
    assert "manager (leader)" in text


def test_failed_task_is_named_with_node_and_exit_code(answers: dict[str, dict[str, Any]]) -> None:
    service = answers["node1"]["swarm"]["services"][0]
    service["failures"] = [{**service["tasks"][0], "error": "task: non-zero exit (1)", "exit_code": 1, "node": "node2"}]
    assert "ago on node2: task: non-zero exit (1) (exit code 1)" in report(answers)


def test_without_quorum_local_containers_are_listed(answers: dict[str, dict[str, Any]]) -> None:
    for answer in answers.values():
        answer["swarm"] = {"state": "active", "manager": True, "error": "The swarm does not have a leader."}
    text = report(answers)
    assert "The Swarm cannot be read: node1: The swarm does not have a leader." in text
    assert "halobuzz_backend." in text
    assert status.acting_manager(answers, ["node1", "node2"])["code"] == "E_NO_QUORUM"


def test_silent_host_is_named_and_the_next_manager_is_believed(answers: dict[str, dict[str, Any]]) -> None:
    answers["node1"] = {"failed": True, "msg": "E_HOST_UNREACHABLE: node1 (10.99.0.11): timed out\nNext: ssh"}
    text = report(answers)
    assert "1 of 2 hosts answer, as node2 sees it" in text
    assert "node1: E_HOST_UNREACHABLE: node1 (10.99.0.11): timed out" in text
    assert "mongodb    node1  unknown" in text


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"msg": "timed out"}, "E_HOST_UNREACHABLE"),
        ({"engine_error": "refused", "swarm": {"state": "unknown", "manager": False}}, "E_DOCKER"),
        ({"engine_error": "", "swarm": {"state": "inactive", "manager": False}}, "E_NO_RELEASE"),
    ],
)
def test_no_manager_has_a_reason(answer: dict[str, Any], code: str) -> None:
    assert status.acting_manager({"node1": answer}, ["node1"])["code"] == code
    assert status.acting_manager({"node2": answer}, ["node1"])["code"] == "E_INVENTORY"


@pytest.mark.parametrize(
    ("since", "text"),
    [
        ("2026-11-24T13:04:50", "1 s"),
        ("2026-11-24T13:03:00", "111 s"),
        ("2026-11-24T12:54:51", "10 min"),
        ("2026-11-24T10:04:51", "3 h"),
        ("2026-11-20T13:04:51", "4 d"),
        ("0001-01-01T00:00:00", "-"),
        ("", "-"),
    ],
)
def test_age_is_in_the_largest_fitting_unit(since: str, text: str) -> None:
    assert status.age(since, NOW) == text


def test_image_is_short() -> None:
    assert status.short_image("registry.x:5000/halobuzz/backend@sha256:" + "ab" * 32) == "backend@abababababab"
    assert status.short_image("registry.x:5000/mongo:7.0") == "mongo:7.0"


def test_silent_hosts_are_named_with_the_command_that_leaves_them_out() -> None:
    answers = {
        "node1": {"swarm": {}},
        "node2": {"msg": "no route\nNext: x"},
        "node3": {},
    }
    said = status.silent_hosts(answers, "make rollback")
    assert said["message"] == "node2: no route; node3: it was not asked"
    assert said["next_command"].endswith("""make rollback ARGS="--limit 'all:!node2:!node3'" """.strip())
    assert status.silent_hosts({"node1": {"swarm": {}}}, "make rollback") == {"message": "", "next_command": ""}
