# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs where, as a table for people: the hosts' answers put together. Pure logic."""

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode

# By host: what module_utils/_platform_state.py returned, or a failed result where it returned nothing.
Answers = dict[str, dict[str, Any]]


def age(since: str, now_seconds: float) -> str:
    """Say how long ago a UTC time (``2026-11-24T12:55:24``) was, in the largest fitting unit; ``-`` for none."""
    if not since or since.startswith("0001"):
        return "-"
    then = datetime.datetime.fromisoformat(since).replace(tzinfo=datetime.timezone.utc).timestamp()
    seconds = max(0, int(now_seconds - then))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def short_image(reference: str) -> str:
    """Return the last part of a reference with its tag, or the first 12 characters of its digest."""
    name = reference.rpartition("/")[2]
    head, _at, digest = name.partition("@sha256:")
    return f"{head}@{digest[:12]}" if digest else name


def table(rows: list[list[str]]) -> list[str]:
    """Lay rows out in columns as wide as their widest cell; the last column is as long as it is."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)), row[-1]]).rstrip()
        for row in rows
    ]


def no_answer(answer: dict[str, Any]) -> str:
    """Say why a host gave no answer, in one line; empty where it gave one."""
    if "swarm" in answer:
        return ""
    said = str(answer.get("msg") or "it was not asked")
    return " ".join(said.partition("\nNext:")[0].split())[:200]


def silent_hosts(answers: Answers, command: str) -> dict[str, str]:
    """Say which hosts did not answer, and how ``command`` goes on without them.

    :returns: ``{message, next_command}``; both empty where all answered.
    """
    silent = {host: no_answer(answer) for host, answer in answers.items() if no_answer(answer)}
    if not silent:
        return {"message": "", "next_command": ""}
    message = "; ".join(f"{host}: {reason}" for host, reason in silent.items())
    limit = ":".join(["all", *(f"!{host}" for host in silent)])
    return {
        "message": message,
        "next_command": f"""start the host, or go on without it: {command} ARGS="--limit '{limit}'\"""",
    }


def acting_manager(answers: Answers, managers: list[str]) -> dict[str, str]:
    """Find a manager through which the Swarm can be changed.

    :returns: ``{host, code, message}``: ``code`` is empty, or E_NO_QUORUM, E_DOCKER, E_HOST_UNREACHABLE, E_NO_RELEASE or E_INVENTORY with a message.
    """
    asked = [host for host in managers if host in answers]
    for host in asked:
        if "services" in (answers[host].get("swarm") or {}):
            return {"host": host, "code": "", "message": ""}
    nothing = {
        "host": "",
        "code": ErrorCode.E_INVENTORY.value,
        "message": "no host of the group swarm_managers is in this run",
    }
    for host in asked:
        answer = answers[host]
        swarm = answer.get("swarm") or {}
        if swarm.get("error"):
            return {"host": "", "code": ErrorCode.E_NO_QUORUM.value, "message": f"{host}: {swarm['error']}"}
        if no_answer(answer):
            nothing = {
                "host": "",
                "code": ErrorCode.E_HOST_UNREACHABLE.value,
                "message": f"{host}: {no_answer(answer)}",
            }
        elif answer.get("engine_error"):
            nothing = {"host": "", "code": ErrorCode.E_DOCKER.value, "message": f"{host}: {answer['engine_error']}"}
        elif nothing["code"] == ErrorCode.E_INVENTORY.value:
            message = f"{host} is no manager of a Swarm ({swarm['state']}): the platform was not deployed here"
            nothing = {"host": "", "code": ErrorCode.E_NO_RELEASE.value, "message": message}
    return nothing


def _service_lines(swarm: dict[str, Any], stack: str, now: float) -> list[str]:
    if not swarm["services"]:
        return ["No service runs: the platform is stopped, or was never deployed (make up, make deploy-prod)."]
    rows = [["SERVICE", "RUNNING", "NODE", "STATE", "SINCE", "IMAGE", "RELEASE"]]
    errors: dict[int, str] = {}
    for service in swarm["services"]:
        name = service["name"].removeprefix(f"{stack}_")
        running = service["current"] + service["old"]
        state = service["update"] if service["update"] not in ("", "completed") else ""
        scaled = " (scaled)" if "halobuzz.scaled" in service["labels"] else ""
        rows.append(
            [
                name,
                f"{running}/{service['wanted']}{scaled}",
                "",
                state,
                "",
                short_image(service["image"]),
                service["labels"].get("halobuzz.spec", "")[:12],
            ]
        )
        for task in sorted(service["tasks"], key=lambda one: (one["slot"], one["node"])):
            slot = f"{name}.{task['slot']}" if task["slot"] else name
            rows.append(
                [
                    f"  {slot}",
                    "" if task["current"] else "old",
                    task["node"],
                    task["state"],
                    age(task["since"], now),
                    "",
                    "",
                ]
            )
            if task["state"] not in ("running", "starting", "preparing") and task["error"]:
                errors[len(rows)] = f"    {task['error'][:160]}"
        if service["failures"]:
            last = service["failures"][-1]
            code = f" (exit code {last['exit_code']})" if last["exit_code"] else ""
            errors[len(rows)] = (
                f"    last error, {age(last['since'], now)} ago on {last['node']}: {last['error'][:160]}{code}"
            )
    lines: list[str] = []
    for number, line in enumerate(table(rows), start=1):
        lines.append(line)
        if number in errors:
            lines.append(errors[number])
    return lines


def _data_lines(answers: Answers, expected: dict[str, list[str]]) -> list[str]:
    rows = [["DATA TIER", "HOST", "STATE", "SINCE"]]
    for host, names in expected.items():
        answer = answers.get(host, {})
        for name in names:
            if no_answer(answer) or answer.get("engine_error"):
                rows.append([name, host, "unknown", ""])
                continue
            container = answer["containers"].get(name)
            if container is None:
                rows.append([name, host, "absent", ""])
                continue
            code = f" (exit code {container['exit_code']})" if container["state"] == "exited" else ""
            role = f", {container['role'] or 'no answer'}" if "role" in container else ""
            rows.append([name, host, container["state"] + role + code, age(container["since"], answer["now"])])
    return table([rows[0], *sorted(rows[1:])]) if len(rows) > 1 else []


def _node_lines(swarm: dict[str, Any]) -> list[str]:
    rows = [["SWARM NODE", "ROLE", "AVAILABILITY", "STATE"]]
    for node in swarm["nodes"]:
        rows.append(
            [node["name"], node["role"] + (" (leader)" if node["leader"] else ""), node["availability"], node["state"]]
        )
    return table(rows)


def _local_lines(answers: Answers) -> list[str]:
    rows = [["CONTAINER", "HOST", "STATE"]]
    for host, answer in answers.items():
        rows += [
            [task["name"], host, task["status"]] for task in answer.get("tasks") or [] if task["state"] == "running"
        ]
    return table(rows) if len(rows) > 1 else ["No container of a service runs on the hosts that answered."]


def status_lines(answers: Answers, stack: str, managers: list[str], expected: dict[str, list[str]]) -> list[str]:
    """Return the whole report.

    :param managers: inventory names of the managers, in the order in which they are believed.
    :param expected: data tier containers by host.
    """
    acting = acting_manager(answers, managers)
    silent = {host: no_answer(answer) for host, answer in answers.items() if no_answer(answer)}
    broken = {host: answer["engine_error"] for host, answer in answers.items() if answer.get("engine_error")}
    seen_by = f", as {acting['host']} sees it" if acting["host"] else ""
    lines = [f"Platform {stack}: {len(answers) - len(silent)} of {len(answers)} hosts answer{seen_by}", ""]
    if acting["host"]:
        answer = answers[acting["host"]]
        lines += _service_lines(answer["swarm"], stack, answer["now"])
    else:
        lines += [
            f"The Swarm cannot be read: {acting['message']}",
            "What the hosts themselves run:",
            "",
            *_local_lines(answers),
        ]
    data = _data_lines(answers, expected)
    lines += ["", *data] if data else []
    if acting["host"]:
        lines += ["", *_node_lines(answers[acting["host"]]["swarm"])]
    troubles = [f"{host}: {reason}" for host, reason in silent.items()]
    troubles += [f"{host}: E_DOCKER: the Docker engine does not answer: {reason}" for host, reason in broken.items()]
    return lines + (["", *troubles] if troubles else [])
