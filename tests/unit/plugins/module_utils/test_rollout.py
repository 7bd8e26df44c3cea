# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rollout is judged by what runs, not by what Swarm claims. Cases are a recording of a real manager, changed by hand."""

from __future__ import annotations

import copy
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._rollout import is_settled, judge, log_lines, summarise

RECORDED = Path(__file__).parents[2] / "fixtures" / "docker_service_and_tasks.json"


@pytest.fixture
def recorded() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(RECORDED.read_text())
    return loaded


def summary(recorded: dict[str, Any]) -> dict[str, Any]:
    return summarise(recorded["service"], recorded["tasks"], recorded["nodes"])


def test_running_service_is_done(recorded: dict[str, Any]) -> None:
    seen = summary(recorded)
    assert (seen["wanted"], seen["current"], seen["old"]) == (3, 3, 0)
    assert {task["node"] for task in seen["tasks"]} <= {"node1", "node2", "node3"}
    assert judge(seen) == "done"


def test_tasks_of_another_image_are_old(recorded: dict[str, Any]) -> None:
    recorded["service"]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = "other@sha256:1"
    seen = summary(recorded)
    assert (seen["current"], seen["old"]) == (0, 3)
    assert judge(seen) == "stalled"  # nothing replaces them
    recorded["service"]["UpdateStatus"] = {"State": "updating"}
    assert judge(summary(recorded)) == "running"


def test_tasks_of_another_secret_are_old(recorded: dict[str, Any]) -> None:
    recorded["service"]["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"][0]["SecretName"] = "newer"
    assert summary(recorded)["old"] == 3


@pytest.mark.parametrize("state", ["paused", "rollback_started", "rollback_completed", "rollback_paused"])
def test_rollback_is_a_failure_although_swarm_says_converged(recorded: dict[str, Any], state: str) -> None:
    recorded["service"]["UpdateStatus"] = {"State": state, "Message": "update rolled back"}
    assert judge(summary(recorded)) == "failed"


def test_update_that_goes_on_is_not_done(recorded: dict[str, Any]) -> None:
    recorded["service"]["UpdateStatus"] = {"State": "updating"}
    assert judge(summary(recorded)) == "running"


def test_an_update_that_waits_for_a_node_that_is_down_is_stalled(recorded: dict[str, Any]) -> None:
    recorded["service"]["UpdateStatus"] = {"State": "updating"}
    lost = copy.deepcopy(recorded["tasks"][0])
    lost["DesiredState"], lost["Status"]["State"] = "shutdown", "starting"
    recorded["tasks"].append(lost)
    assert judge(summary(recorded)) == "running"
    seen = summarise(recorded["service"], recorded["tasks"], recorded["nodes"], (lost["NodeID"],))
    assert judge(seen) == "stalled"
    recorded["service"]["UpdateStatus"] = {"State": "completed"}
    seen = summarise(recorded["service"], recorded["tasks"], recorded["nodes"], (lost["NodeID"],))
    assert judge(seen) == "done"


def test_failed_task_is_kept_with_its_reason(recorded: dict[str, Any]) -> None:
    failed = copy.deepcopy(recorded["tasks"][0])
    failed["DesiredState"] = "shutdown"
    failed["Status"] = {"State": "failed", "Err": "task: non-zero exit (1)", "ContainerStatus": {"ExitCode": 1}}
    recorded["tasks"].append(failed)
    failure = summary(recorded)["failures"][-1]
    assert failure["error"] == "task: non-zero exit (1)"
    assert failure["exit_code"] == 1


def test_the_task_for_which_swarm_rolled_back_is_the_reason(recorded: dict[str, Any]) -> None:
    """After that, its specification is no more the service's: the message of 26.1.5 still names it."""
    task = copy.deepcopy(recorded["tasks"][0])
    task["ID"] = "yrjnpt10gw41g2u88oc6p27b6"
    task["Spec"]["ContainerSpec"]["Image"] = "registry.halobuzz.lab:5000/halobuzz/backend:bad"
    task["DesiredState"] = "shutdown"
    task["Status"] = {"State": "failed", "Err": "task: non-zero exit (1)", "ContainerStatus": {"ExitCode": 1}}
    recorded["tasks"].append(task)
    assert summary(recorded)["failures"] == []
    recorded["service"]["UpdateStatus"] = {
        "State": "rollback_completed",
        "Message": f"update rolled back due to failure or early termination of task {task['ID']}",
    }
    failure = summary(recorded)["failures"][-1]
    assert (failure["id"], failure["exit_code"]) == (task["ID"], 1)


def test_task_that_cannot_be_placed_is_a_reason(recorded: dict[str, Any]) -> None:
    task = recorded["tasks"][0]
    task["NodeID"] = ""
    task["Status"] = {"State": "pending", "Err": "no suitable node (insufficient resources on 3 nodes)"}
    seen = summary(recorded)
    assert "insufficient resources" in seen["failures"][-1]["error"]
    assert seen["failures"][-1]["node"] == "not placed"
    assert judge(seen) == "running"


def test_log_stream_is_decoded_and_cleaned() -> None:
    pieces = [b"one\ntwo \x1b[31mred\n", b"three"]
    stream = b"".join(struct.pack(">BxxxL", 1, len(piece)) + piece for piece in pieces)
    assert log_lines(stream) == ["one", "two red", "three"]


def test_torn_log_stream_is_no_crash() -> None:
    assert log_lines(b"\x01\x00\x00") == []
    assert log_lines(struct.pack(">BxxxL", 1, 100) + b"short") == ["short"]


def test_more_tasks_than_wanted_are_told_once_swarm_is_content(recorded: dict[str, Any]) -> None:
    twin = copy.deepcopy(next(task for task in recorded["tasks"] if task["Status"]["State"] == "running"))
    recorded["tasks"].append({**twin, "ID": "twin"})
    assert judge(summary(recorded)) == "surplus"
    recorded["service"]["UpdateStatus"] = {"State": "updating"}
    assert judge(summary(recorded)) == "running"


@pytest.mark.parametrize(
    ("state", "settled"), [("updating", False), ("rollback_started", False), ("paused", True), ("", True)]
)
def test_swarm_is_left_alone_while_it_changes_a_service(recorded: dict[str, Any], state: str, settled: bool) -> None:
    recorded["service"]["UpdateStatus"] = {"State": state}
    assert is_settled(summary(recorded)) is settled


@pytest.mark.parametrize(("state", "verdict"), [("running", "running"), ("complete", "done"), ("failed", "failed")])
def test_a_job_is_done_when_it_is_complete_and_failed_when_a_task_is(
    recorded: dict[str, Any], state: str, verdict: str
) -> None:
    recorded["service"]["Spec"]["Mode"] = {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
    recorded["service"].pop("UpdateStatus", None)
    task = next(task for task in recorded["tasks"] if task["Status"]["State"] == "running")
    task["DesiredState"], task["Status"]["State"] = "complete", state
    recorded["tasks"] = [task]
    assert judge(summary(recorded)) == verdict
