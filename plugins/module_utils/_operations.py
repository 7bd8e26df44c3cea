# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operating verbs decide before they change anything. Pure logic."""

from __future__ import annotations

import difflib
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.module_utils._host_state import OUT_FOR_LABEL
from ansible_collections.halobuzz.platform.plugins.module_utils._platform_status import table
from ansible_collections.halobuzz.platform.plugins.module_utils._stack import SCALED_LABEL

_MIB = 1024 * 1024


def unknown_service(name: str, known: list[str]) -> str:
    """Return what to say of a service name that does not exist, with the nearest one; empty for one that does."""
    if name in known:
        return ""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"there is no {name!r}.{f' Did you mean {near[0]!r}?' if near else ''} There are: {', '.join(known)}"


def limit_problem(play_hosts: list[str], platform_hosts: list[str]) -> str:
    """Return why a verb that acts on the whole platform must not run with so few hosts; empty where it may.

    A dead host may be left out, which is what its error advises. Naming one host of three and stopping all of them is a trap.
    """
    left_out = [host for host in platform_hosts if host not in play_hosts]
    if 2 * len(left_out) < len(platform_hosts):
        return ""
    return f"--limit leaves out {', '.join(left_out)}"


def _refusal(code: ErrorCode, message: str, next_command: str = "") -> dict[str, Any]:
    return {
        "code": code.value,
        "message": message,
        "next_command": next_command,
        "changed": False,
        "argv": [],
        "replicas": 0,
    }


def _replicas_of(given: object) -> int | None:
    text = str(given).strip()
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= 10_000 else None


def _capacity_problem(service: dict[str, Any], replicas: int, swarm: dict[str, Any], reserve_mb: int) -> str:
    """Compare the memory limits of everything placed on the service's nodes with what these nodes have."""
    wanted_labels = [one.replace(" ", "") for one in service["constraints"]]
    nodes = [
        node
        for node in swarm["nodes"]
        if node["state"] == "ready"
        and node["availability"] == "active"
        and all(
            node["labels"].get(one.removeprefix("node.labels.").partition("==")[0]) == one.partition("==")[2]
            for one in wanted_labels
            if one.startswith("node.labels.")
        )
    ]
    room = sum(max(0, node["memory_bytes"] - reserve_mb * _MIB) for node in nodes)
    others = sum(
        one["memory_bytes"] * one["wanted"]
        for one in swarm["services"]
        if one["name"] != service["name"] and one["constraints"] == service["constraints"]
    )
    # An update starts a new task before it stops the old one.
    need = service["memory_bytes"] * (replicas + 1)
    if others + need <= room:
        return ""
    fits = max(0, (room - others) // service["memory_bytes"] - 1) if service["memory_bytes"] else 0
    return (
        f"{replicas} replicas of {service['memory_bytes'] // _MIB} MiB, and one more while updating, need {need // _MIB} MiB; "
        f"other services may use {others // _MIB} MiB; {len(nodes)} host(s) have {room // _MIB} MiB for services, "
        f"after {reserve_mb} MiB each for the system. {fits} replicas would fit"
    )


def scale_plan(
    swarm: dict[str, Any],
    stack: str,
    catalogue: list[dict[str, Any]],
    request: dict[str, Any],
) -> dict[str, Any]:
    """Decide on a change of replicas.

    :param swarm: ``{services, nodes}`` as a manager reported it (module_utils/_platform_state.py).
    :param request: ``{service, replicas, reserve_mb, edge_slots}`` as the person gave it; nothing of it is trusted.
    :returns: ``{code, message, next_command, changed, argv, replicas, label}``; ``code`` is empty where it may be done, ``argv`` is
        the ``docker service update`` that does it, ``label`` whether the number outlives the next deploy as a label.
    """
    names = [service["name"] for service in catalogue]
    name = str(request["service"])
    usage = "make scale ARGS='-e scale_service=backend -e scale_replicas=5'"
    if not name:
        return _refusal(ErrorCode.E_VARIABLES, f"scale_service is missing. There are: {', '.join(names)}", usage)
    if name in ("edge", "mongodb", "redis-queue", "redis-cache", "redis"):
        return _refusal(
            ErrorCode.E_UNKNOWN_SERVICE,
            f"{name} runs once per host of its inventory group and has no replicas. There are: {', '.join(names)}",
            "to have more of it, add a host to its group, then: make deploy-prod",
        )
    unknown = unknown_service(name, names)
    if unknown:
        return _refusal(ErrorCode.E_UNKNOWN_SERVICE, unknown)
    replicas = _replicas_of(request["replicas"])
    if replicas is None:
        if str(request["replicas"]).strip() == "0":
            return _refusal(
                ErrorCode.E_VARIABLES,
                "0 replicas means to stop the service",
                f"make down ARGS='-e stop_service={name}'",
            )
        return _refusal(
            ErrorCode.E_VARIABLES, f"scale_replicas is {request['replicas']!r}, no whole number above 0", usage
        )
    found = [service for service in swarm["services"] if service["name"] == f"{stack}_{name}"]
    if not found:
        return _refusal(ErrorCode.E_UNKNOWN_SERVICE, f"{name} is not deployed: the platform is stopped", "make up")
    service = found[0]
    record = next(one for one in catalogue if one["name"] == name)
    growing = replicas > service["wanted"]
    if growing and record.get("edge") and replicas + 1 > int(request["edge_slots"]):
        return _refusal(
            ErrorCode.E_CAPACITY,
            f"the edge has room for {request['edge_slots']} tasks of a service, one of them for updates",
            f"set edge_server_slots to {2 * replicas}, then: make deploy-prod, and scale again",
        )
    problem = _capacity_problem(service, replicas, swarm, int(request["reserve_mb"])) if growing else ""
    if problem:
        return _refusal(ErrorCode.E_CAPACITY, problem)
    label = replicas != int(record.get("replicas", 1))
    has_label = service["labels"].get(SCALED_LABEL)
    argv = ["docker", "service", "update", "--detach", "--quiet", f"--replicas={replicas}"]
    argv += [f"--label-add={SCALED_LABEL}={replicas}"] if label else [f"--label-rm={SCALED_LABEL}"] if has_label else []
    step = f"{service['wanted']} -> {replicas}" if service["wanted"] != replicas else f"stays at {replicas}"
    return {
        "code": "",
        "message": f"{name}: {step} replicas" + ("" if label else " (the catalogue's number)"),
        "next_command": "",
        "changed": service["wanted"] != replicas or has_label != (str(replicas) if label else None),
        "argv": [*argv, service["name"]],
        "replicas": replicas,
        "label": label,
    }


def _takes(node: dict[str, Any], service: dict[str, Any]) -> bool:
    """Whether Swarm may place a task of the service on the node, by label constraints and the node's state."""
    wanted = [one.replace(" ", "").partition("==") for one in service["constraints"] if one.startswith("node.labels.")]
    labels = node["labels"]
    fits = all(labels.get(name.removeprefix("node.labels.")) == value for name, _sign, value in wanted)
    return bool(node["state"] == "ready" and node["availability"] == "active" and fits)


def drain_plan(swarm: dict[str, Any], stack: str, host: str) -> dict[str, Any]:
    """Decide on taking a host out of service: what has to move, and whether something else can take it.

    A host that a killed run has left out of service counts as in service: it was to come back.

    :returns: ``{code, message, next_command, changed, services}``; ``services`` are those with tasks there, without the stack's prefix.
    """
    nodes = {node["name"]: node for node in swarm["nodes"]}
    refusal = {"next_command": "make status", "changed": False, "services": []}
    if host not in nodes:
        near = difflib.get_close_matches(host, nodes, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        message = f"there is no host {host!r} in the Swarm.{hint} There are: {', '.join(nodes)}"
        return {**refusal, "code": ErrorCode.E_INVENTORY.value, "message": message}
    others = [node for name, node in nodes.items() if name != host]
    homeless = [
        service["name"].removeprefix(f"{stack}_")
        for service in swarm["services"]
        if _takes({**nodes[host], "availability": "active"}, service)
        and not any(_takes(node, service) for node in others)
    ]
    if homeless:
        message = f"no other host can take {', '.join(homeless)}"
        return {
            **refusal,
            "code": ErrorCode.E_CAPACITY.value,
            "message": message,
            "next_command": "add a host, or end another host's drain",
        }
    moving = [
        service["name"].removeprefix(f"{stack}_")
        for service in swarm["services"]
        if service["mode"] == "replicated" and any(task["node"] == host for task in service["tasks"])
    ]
    changed = nodes[host]["availability"] != "drain" or OUT_FOR_LABEL in nodes[host]["labels"]
    text = (
        f"{host}: out of service; moves {', '.join(moving) or 'nothing'}"
        if changed
        else f"{host} is out of service already"
    )
    return {**refusal, "code": "", "message": text, "changed": changed, "services": moving}


def turns_plan(
    swarm: dict[str, Any], stack: str, wanted: str, platform: list[str], redis_hosts: list[str], nothing: str = ""
) -> dict[str, Any]:
    """Decide on work that stops hosts, one after the other.

    :param wanted: names separated by commas, or ``all``, as the person gave it.
    :param platform: all hosts; those outside the Swarm have nothing that could move.
    :param redis_hosts: hosts whose Redis has no other member to take over.
    :param nothing: what to say where no host is wanted; empty: that is a mistake.
    :returns: ``{code, message, next_command, hosts, lines}``; every host that cannot have its turn is in ``message``.
    """
    nodes = [node["name"] for node in swarm["nodes"]]
    known = [*nodes, *(host for host in platform if host not in nodes)]
    hosts = known if wanted.strip() == "all" else [name for name in wanted.replace(",", " ").split() if name]
    if not hosts and nothing:
        return {"code": "", "message": "", "next_command": "", "hosts": [], "lines": [nothing]}
    if not hosts:
        message = f"which hosts? There are: {', '.join(known)}, and all"
        return {
            **_refusal(ErrorCode.E_VARIABLES, message, "make reboot ARGS='-e host=node2'"),
            "hosts": [],
            "lines": [],
        }
    moves = {
        host: drain_plan(swarm, stack, host) for host in dict.fromkeys(hosts) if host in nodes or host not in known
    }
    refused = [plan for plan in moves.values() if plan["code"]]
    if refused and len(nodes) > 1:
        message = "\n".join(plan["message"] for plan in refused)
        return {**refused[0], "message": message, "hosts": [], "lines": []}
    lines = []
    for host in dict.fromkeys(hosts):
        if nodes == [host]:
            lines.append(f"{host}: restarts; there is no other host, so the whole platform is away meanwhile")
            continue
        moving = moves.get(host, {"services": []})["services"]
        lines.append(f"{host}: restarts; moves {', '.join(moving) or 'nothing'}")
        if host in redis_hosts:
            lines.append(f"{host} has the only Redis: requests are answered with 503 while it restarts")
    return {"code": "", "message": "", "next_command": "", "hosts": list(dict.fromkeys(hosts)), "lines": lines}


def removal_plan(
    swarm: dict[str, Any], stack: str, host: str, managers: list[str], data: dict[str, list[str]]
) -> dict[str, Any]:
    """Decide on taking a host out of the platform for good.

    :param managers: inventory names of the managers.
    :param data: what each host keeps on its disks, by host.
    :returns: ``{code, message, next_command, lines, changed, services}``.
    """
    if data.get(host):
        names = ", ".join(data[host])
        message = f"{host} keeps {names}, which would go with it"
        return {
            **_refusal(ErrorCode.E_CAPACITY, message, "move its data to another host first"),
            "lines": [],
            "services": [],
        }
    plan = drain_plan(swarm, stack, host)
    if plan["code"]:
        return {**plan, "lines": []}
    left = [manager for manager in managers if manager != host]
    if not left:
        message = f"{host} is the only manager"
        return {**plan, **_refusal(ErrorCode.E_NO_QUORUM, message, "make another host a manager first"), "lines": []}
    lines = [f"{host}: leaves for good; moves {', '.join(plan['services']) or 'nothing'}"]
    if host in managers:
        lines.append(f"{len(left)} managers stay; {(len(left) - 1) // 2} of them may fail")
    return {**plan, "lines": lines}


def uneven_services(swarm: dict[str, Any], stack: str) -> list[str]:
    """Return the services whose tasks would be spread better if they were placed anew.

    Swarm places a task once; a host that comes later, or comes back, stays empty until the next update.
    """
    found = []
    for service in swarm["services"]:
        hosts = [node["name"] for node in swarm["nodes"] if _takes(node, service)]
        counts = [sum(task["node"] == host for task in service["tasks"]) for host in hosts]
        if service["mode"] == "replicated" and counts and max(counts) - min(counts) > 1:
            found.append(service["name"].removeprefix(f"{stack}_"))
    return found


def with_replicas(stack_file: dict[str, Any], service: str, replicas: int, label: bool) -> dict[str, Any]:
    """Return a rendered stack with another number of replicas, so that a return to the last good release keeps the number."""
    entry = stack_file["services"][service]
    labels = {key: value for key, value in entry["deploy"].get("labels", {}).items() if key != SCALED_LABEL}
    if label:
        labels[SCALED_LABEL] = str(replicas)
    deploy = {**entry["deploy"], "replicas": replicas, "labels": labels}
    return {**stack_file, "services": {**stack_file["services"], service: {**entry, "deploy": deploy}}}


def kept_replicas(stack_file: dict[str, Any] | None) -> dict[str, str]:
    """Return the replicas that scale had set in a rendered stack, by service; none without a file."""
    services = (stack_file or {}).get("services", {})
    labels = {name: service["deploy"].get("labels", {}) for name, service in services.items()}
    return {name: found[SCALED_LABEL] for name, found in labels.items() if SCALED_LABEL in found}


def size(count: int) -> str:
    """Say a number of bytes in the unit that fits (KiB, MiB, GiB)."""
    for unit, one in (("GiB", 1024 * _MIB), ("MiB", _MIB)):
        if count >= one:
            return f"{count / one:.1f} {unit}"
    return f"{count / 1024:.0f} KiB"


def remains_lines(answers: dict[str, dict[str, Any]]) -> list[str]:
    """List what destroy would delete, one line per thing; empty where nothing is left."""
    rows: list[list[str]] = []
    shared: set[tuple[str, str]] = set()
    for host, answer in answers.items():
        swarm = answer.get("swarm") or {}
        remains = answer.get("remains") or {}
        # Every manager knows the same services and secrets: said once.
        shared |= {("service", service["name"]) for service in swarm.get("services") or []}
        shared |= {(kind[:-1], name) for kind in ("secrets", "configs") for name in remains.get(kind) or []}
        for name, container in (answer.get("containers") or {}).items():
            if container is not None:
                rows.append([host, "container", name, container["state"]])
        rows += [[host, "volume", name, ""] for name in remains.get("volumes") or []]
        rows += [[host, "path", path, size(count)] for path, count in (remains.get("paths") or {}).items()]
        if swarm.get("state") not in (None, "inactive", "unknown"):
            rows.append([host, "membership", "Swarm", swarm["state"]])
    rows = [["platform", what, name, ""] for what, name in sorted(shared)] + rows
    return table(rows) if rows else []


def paths_problem(paths: list[str]) -> str:
    """Return the first path that is too dangerous to delete: relative, or less than two folders deep."""
    for path in paths:
        parts = [part for part in path.split("/") if part]
        if not path.startswith("/") or len(parts) < 2 or ".." in parts:
            return f"{path!r} is not deleted: too near the root"
    return ""
