# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on one host, and on a manager what the Swarm knows: read in one pass for the operating verbs.

Standard library only: its source is piped to the host (plugin_utils/lean.py).
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._docker_engine import docker, filtered
from ansible_collections.halobuzz.platform.plugins.module_utils._rollout import summarise

_STACK_LABEL = "com.docker.stack.namespace"


def node_state(node: dict[str, Any]) -> dict[str, Any]:
    """Reduce one entry of ``GET /nodes``."""
    return {
        "name": node["Description"]["Hostname"],
        "role": node["Spec"]["Role"],
        "leader": bool((node.get("ManagerStatus") or {}).get("Leader")),
        "availability": node["Spec"]["Availability"],
        "state": node["Status"]["State"],
        "labels": node["Spec"].get("Labels") or {},
        "memory_bytes": node["Description"]["Resources"]["MemoryBytes"],
    }


def container_state(container: dict[str, Any]) -> dict[str, Any]:
    """Reduce one answer of ``GET /containers/NAME/json``; ``since`` is when it started or ended (UTC, to the second)."""
    state = container["State"]
    return {
        "state": state["Status"],
        "since": (state["StartedAt"] if state["Running"] else state["FinishedAt"])[:19],
        "exit_code": state["ExitCode"],
        "image": container["Config"]["Image"],
    }


def mongodb_role(port: int) -> str:
    """Ask the member on this host what it is: ``primary``, ``secondary``, ``other`` or, without an answer, an empty string.

    ``hello`` needs no login. The request is OP_MSG with one BSON document (MongoDB Manual, "Wire Protocol").
    """
    fields = b"\x10hello\0" + struct.pack("<i", 1) + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0"
    document = struct.pack("<i", len(fields) + 5) + fields + b"\0"
    request = struct.pack("<iiiiiB", 21 + len(document), 1, 0, 2013, 0, 0) + document
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            connection.sendall(request)
            answer = connection.recv(65536)
            while len(answer) < 4 or len(answer) < struct.unpack("<i", answer[:4])[0]:
                piece = connection.recv(65536)
                if not piece:
                    return ""
                answer += piece
    except OSError:
        return ""
    return role_of_hello(answer)


def role_of_hello(answer: bytes) -> str:
    """Read the member's role from the raw answer to ``hello``; booleans are ``\\x08NAME\\0`` and a byte (bsonspec.org)."""
    if b"\x08isWritablePrimary\0\x01" in answer:
        return "primary"
    return "secondary" if b"\x08secondary\0\x01" in answer else "other"


def task_container(container: dict[str, Any]) -> dict[str, str]:
    """Reduce one entry of ``GET /containers/json`` that belongs to a task."""
    name = container["Names"][0].lstrip("/").rpartition(".")[0]
    return {"name": name, "state": container["State"], "status": container["Status"]}


def read_swarm(stack: str, info: dict[str, Any]) -> dict[str, Any]:
    """Read services and nodes from a manager: ``{state, manager, services, nodes}``, or with ``error`` instead of the last two."""
    swarm = info["Swarm"]
    seen: dict[str, Any] = {"state": swarm["LocalNodeState"], "manager": bool(swarm["ControlAvailable"])}
    if not seen["manager"]:
        return seen
    label = f"{_STACK_LABEL}={stack}"
    status, body = docker(filtered("/services", label=[label]))
    if status != 200:
        return {**seen, "error": _reason(body)}
    services = json.loads(body)
    status, body = docker(filtered("/tasks", label=[label]))
    if status != 200:
        return {**seen, "error": _reason(body)}
    tasks = json.loads(body)
    status, body = docker("/nodes")
    if status != 200:
        return {**seen, "error": _reason(body)}
    nodes = json.loads(body)
    names = {node["ID"]: node["Description"]["Hostname"] for node in nodes}
    seen["services"] = [
        summarise(service, [task for task in tasks if task["ServiceID"] == service["ID"]], names)
        for service in sorted(services, key=lambda one: one["Spec"]["Name"])
    ]
    seen["nodes"] = sorted((node_state(node) for node in nodes), key=lambda node: node["name"])
    return seen


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()[:300]


def _names(path: str, key: str, stack: str) -> list[str]:
    status, body = docker(path)
    found = (json.loads(body) or []) if status == 200 else []
    entries = found.get(key) or [] if isinstance(found, dict) else found
    names = [entry["Name"] if "Name" in entry else entry["Spec"]["Name"] for entry in entries]
    return sorted(name for name in names if name.startswith(f"{stack}_"))


def folder_bytes(path: str) -> int:
    """Return how much a folder or file holds; links are not followed."""
    if os.path.islink(path) or not os.path.isdir(path):
        return os.lstat(path).st_size
    total = 0
    for folder, _folders, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                continue
    return total


def read_remains(stack: str, paths: list[str], manager: bool) -> dict[str, Any]:
    """Return what of the platform is on this host beside containers: paths with their sizes, and objects of the engine."""
    return {
        "paths": {path: folder_bytes(path) for path in paths if os.path.lexists(path)},
        "volumes": _names("/volumes", "Volumes", stack),
        "secrets": _names("/secrets", "", stack) if manager else [],
        "configs": _names("/configs", "", stack) if manager else [],
    }


def main(parameters: dict[str, Any]) -> dict[str, Any]:
    """Entry point on the host.

    :param parameters: ``{stack, containers: [name], paths: [path], mongodb_port}``; ``paths`` not empty asks for what destroy would
        delete too, ``mongodb_port`` not 0 for the role of a running container ``mongodb``.
    :returns: ``{now, engine_error, containers: {name: state or None}, tasks: [local task containers], swarm, remains}``.
    """
    stack = parameters["stack"]
    seen: dict[str, Any] = {
        "now": time.time(),
        "engine_error": "",
        "containers": {},
        "tasks": [],
        "swarm": {"state": "unknown", "manager": False},
    }
    status, body = docker("/info")
    if status != 200:
        seen["engine_error"] = _reason(body) or "no answer"
        names: list[str] = []
    else:
        names = parameters.get("containers") or []
    for name in names:
        found, answer = docker(f"/containers/{name}/json")
        seen["containers"][name] = container_state(json.loads(answer)) if found == 200 else None
    mongodb = seen["containers"].get("mongodb")
    if mongodb and mongodb["state"] == "running" and parameters.get("mongodb_port"):
        mongodb["role"] = mongodb_role(parameters["mongodb_port"])
    if status == 200:
        found, answer = docker(filtered("/containers/json", label=[f"{_STACK_LABEL}={stack}"]).replace("?", "?all=1&"))
        seen["tasks"] = [task_container(one) for one in json.loads(answer)] if found == 200 else []
        seen["swarm"] = read_swarm(stack, json.loads(body))
    if parameters.get("paths"):
        seen["remains"] = read_remains(stack, parameters["paths"], "services" in seen["swarm"])
    return seen
