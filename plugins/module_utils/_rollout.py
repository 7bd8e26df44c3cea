# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the services of a stack are: read from a manager's Docker engine, judged by pure functions.

Standard library only: its source is piped to the manager (plugin_utils/lean.py).
"""

from __future__ import annotations

import json
import re
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._docker_engine import docker, filtered, template_sha256

# Colours and cursor movements (ECMA-48 control sequences).
_TERMINAL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
# What Swarm says when it gives up an update (moby/swarmkit, manager/orchestrator/update). The task it names is of a specification that
# the service has no more once it is rolled back.
_BLAMED = re.compile(r"due to failure or early termination of task (\w+)")
# Task states before "running" (docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states).
_STARTING = ("new", "pending", "assigned", "accepted", "preparing", "ready", "starting")


def log_lines(stream: bytes) -> list[str]:
    """Decode the engine's multiplexed log stream: an 8-byte header, the last four of them the length, before each piece.

    Source: Docker Engine API, "Stream format" of ContainerAttach.
    """
    text, at = b"", 0
    while at + 8 <= len(stream):
        size = int.from_bytes(stream[at + 4 : at + 8], "big")
        text += stream[at + 8 : at + 8 + size]
        at += 8 + size
    lines = _TERMINAL.sub("", text.decode(errors="replace")).rstrip("\n").split("\n")
    return ["".join(char for char in line if char.isprintable() or char == "\t") for line in lines if line]


def summarise(
    service: dict[str, Any], tasks: list[dict[str, Any]], nodes: dict[str, str], down: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Reduce one service and its tasks to what a person or a gate needs.

    :param service: as from ``GET /services``.
    :param tasks: its tasks as from ``GET /tasks``.
    :param nodes: host names by node id.
    :param down: ids of nodes that do not answer.
    :returns: ``{name, image, template (its fingerprint), mode, wanted, current, old, update, stalled, tasks, failures, labels, memory_bytes, constraints}``.
        ``current`` counts running tasks of the present specification (of a job: complete ones), ``old`` running tasks of another,
        ``wanted`` is the number of tasks that should run, ``memory_bytes`` one task's limit (0: none). ``stalled`` says that Swarm does
        nothing although old tasks run, or that its update waits for a task that was starting on a node that is down now, which it does
        until that node is back (both seen on 26.1.5).
    """
    template = service["Spec"]["TaskTemplate"]
    mode = service["Spec"].get("Mode") or {}
    replicated = mode.get("Replicated")
    job = mode.get("ReplicatedJob")
    update = service.get("UpdateStatus") or {}
    blamed = _BLAMED.search(update.get("Message", ""))
    current = old = 0
    seen, failures, due, lost = [], [], 0, False
    for task in sorted(tasks, key=lambda one: one["CreatedAt"]):
        spec = task["Spec"]
        same = spec["ContainerSpec"] == template["ContainerSpec"] and spec.get("ForceUpdate", 0) == template.get(
            "ForceUpdate", 0
        )
        status = task["Status"]
        alive = task["DesiredState"] in ("running", "ready")
        due += task["DesiredState"] == "running" and same
        if alive and status["State"] == "running":
            current, old = current + same, old + (not same)
        current += bool(job and status["State"] == "complete")
        lost |= same and not alive and task.get("NodeID", "") in down and status["State"] in _STARTING
        entry = {
            "id": task["ID"],
            "slot": task.get("Slot", 0),
            "node": nodes.get(task.get("NodeID", ""), "not placed"),
            "state": status["State"],
            "wanted": task["DesiredState"],
            "since": status.get("Timestamp", "")[:19],
            "current": same,
            "error": status.get("Err") or status.get("Message") or "",
            "exit_code": (status.get("ContainerStatus") or {}).get("ExitCode"),
        }
        if alive:
            seen.append(entry)
        if (blamed and task["ID"] == blamed.group(1)) or (
            same
            and (
                status["State"] in ("failed", "rejected")
                or (alive and status["State"] == "pending" and status.get("Err"))
            )
        ):
            failures.append(entry)
    return {
        "name": service["Spec"]["Name"],
        "image": template["ContainerSpec"]["Image"],
        "template": template_sha256(service),
        "mode": "job" if job else "replicated" if replicated else "global",
        "wanted": job["TotalCompletions"] if job else replicated["Replicas"] if replicated else due,
        "current": current,
        "old": old,
        "update": update.get("State", ""),
        "stalled": lost if update.get("State") == "updating" else old > 0,
        "update_message": update.get("Message", ""),
        "tasks": seen,
        "failures": failures,
        "labels": service["Spec"].get("Labels") or {},
        "memory_bytes": ((template.get("Resources") or {}).get("Limits") or {}).get("MemoryBytes", 0),
        "constraints": (template.get("Placement") or {}).get("Constraints") or [],
    }


def is_settled(service: dict[str, Any]) -> bool:
    """Whether Swarm is neither updating the service nor rolling it back.

    Whoever changes the service before that may leave two tasks in one slot, and Swarm never ends the second (seen on 26.1.5).
    """
    return service["update"] not in ("updating", "rollback_started")


def judge(service: dict[str, Any]) -> str:
    """Say how far one summarised service is.

    :returns: ``done``, ``running``, ``failed``, or what only a restart of the service ends: ``surplus`` (Swarm is content with more
        tasks than wanted) and ``stalled`` (see :func:`summarise`); both are so for a moment in any update.
    """
    if service["update"] in ("paused", "rollback_started", "rollback_completed", "rollback_paused"):
        return "failed"
    if service["mode"] == "job" and service["failures"]:
        return "failed"
    if service["stalled"]:
        return "stalled"
    if is_settled(service) and not service["old"] and service["current"] > service["wanted"]:
        return "surplus"
    if service["update"] == "updating" or service["old"] or service["current"] != service["wanted"]:
        return "running"
    return "done"


def read_logs(task_id: str, lines: int, since: float = 0) -> list[str]:
    """Return the last lines of one task, from whichever node it ran on."""
    query = f"/tasks/{task_id}/logs?stdout=1&stderr=1&tail={lines}" + (f"&since={since:.3f}" if since else "")
    status, body = docker(query)
    return log_lines(body) if status == 200 else [f"(no logs: {body.decode(errors='replace').strip()[:200]})"]


def main(parameters: dict[str, Any]) -> dict[str, Any]:
    """Entry point on the manager.

    :param parameters: ``{stack, log_lines}``; ``log_lines`` > 0 also fetches the last lines of the newest failed task of each service.
    :returns: ``{services: [summary], logs: {service: [line]}, down: [name of a node that does not answer]}`` or ``{error: reason}``.
    """
    label = f"com.docker.stack.namespace={parameters['stack']}"
    answers = []
    for path in (filtered("/services", label=[label]), filtered("/tasks", label=[label]), "/nodes"):
        status, body = docker(path)
        if status != 200:
            return {"error": body.decode(errors="replace").strip()[:300]}
        answers.append(json.loads(body))
    services, tasks, all_nodes = answers
    nodes = {node["ID"]: node["Description"]["Hostname"] for node in all_nodes}
    down = tuple(node["ID"] for node in all_nodes if node["Status"]["State"] == "down")
    summaries = []
    for service in sorted(services, key=lambda one: one["Spec"]["Name"]):
        own = [task for task in tasks if task["ServiceID"] == service["ID"]]
        summaries.append(summarise(service, own, nodes, down))
    logs = {}
    if parameters.get("log_lines"):
        for summary in summaries:
            if summary["failures"]:
                logs[summary["name"]] = read_logs(summary["failures"][-1]["id"], parameters["log_lines"])
    return {"services": summaries, "logs": logs, "down": sorted(nodes[node] for node in down)}
