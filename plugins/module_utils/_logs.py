# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last log lines of the platform's containers on one host, and their merging: reading at the edge, the rest pure.

Read from the containers' own engine, not through the Swarm: that works without quorum, and a dead task's last lines are there.
Standard library only: its source is piped to the host (plugin_utils/lean.py).
"""

from __future__ import annotations

import calendar
import json
import re
import time
from typing import Any
from urllib.parse import quote

from ansible_collections.halobuzz.platform.plugins.module_utils._docker_engine import docker
from ansible_collections.halobuzz.platform.plugins.module_utils._rollout import log_lines

_LONGEST_LINE = 2000
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9})Z ?")

# One line: ``[time (UTC, nanoseconds), source, text]``; the source is ``backend.2``, ``edge`` or ``mongodb``.
Line = list[str]


def seconds_of(duration: str) -> int:
    """Return the seconds of ``90s``, ``10m``, ``2h``, ``1d`` or a plain number.

    :raises ValueError: it is none of these.
    """
    found = re.fullmatch(r"(\d+)([smhd]?)", duration.strip())
    if not found:
        raise ValueError(f"{duration!r} is no duration: 90s, 10m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2] or "s"]


def source_of(container: dict[str, Any], stack: str, data: list[str]) -> tuple[str, str]:
    """Return ``(service, source)`` of one entry of ``GET /containers/json``, two empty strings where it is not ours."""
    labels = container.get("Labels") or {}
    name = container["Names"][0].lstrip("/")
    if labels.get("com.docker.stack.namespace") == stack:
        service = labels["com.docker.swarm.service.name"].removeprefix(f"{stack}_")
        slot = labels.get("com.docker.swarm.task.name", "").removeprefix(f"{stack}_{service}.").partition(".")[0]
        return service, f"{service}.{slot}" if slot.isdigit() else service
    return (name, name) if name in data else ("", "")


def stamped(line: str) -> tuple[str, str]:
    """Split a line of the engine into time and text; a line without a time has an empty one."""
    found = _STAMP.match(line)
    return (found[1], line[found.end() :]) if found else ("", line)


def unix_time(stamp: str) -> str:
    """Return ``seconds.nanoseconds`` of a time as the engine wants it in ``since``."""
    whole, _dot, rest = stamp.partition(".")
    return f"{calendar.timegm(time.strptime(whole, '%Y-%m-%dT%H:%M:%S'))}.{rest}"


def lines_of(stream: bytes, source: str, after: str) -> list[Line]:
    """Decode one container's answer; lines at or before ``after`` are left out, a line without a time takes the one before it."""
    found, last = [], after
    for line in log_lines(stream):
        stamp, text = stamped(line)
        if stamp and stamp <= after:
            continue
        last = stamp or last
        found.append([last, source, text[:_LONGEST_LINE]])
    return found


def main(parameters: dict[str, Any]) -> dict[str, Any]:
    """Entry point on the host.

    :param parameters: ``{stack, data: [container], service: name or "", lines, since_seconds, cursors: {container id: time}}``;
        with ``cursors`` (of an earlier answer) only what came since is read.
    :returns: ``{services: [name], lines: [Line], cursors, error}``.
    """
    started = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000000000"
    answer: dict[str, Any] = {
        "services": [],
        "lines": [],
        "cursors": dict(parameters.get("cursors") or {}),
        "error": "",
    }
    status, body = docker("/containers/json?all=1")
    if status != 200:
        return {**answer, "error": f"the Docker engine does not answer: {body.decode(errors='replace')[:200]}"}
    follow = bool(answer["cursors"])
    services: set[str] = set()
    for container in json.loads(body):
        service, source = source_of(container, parameters["stack"], parameters["data"])
        if not service:
            continue
        services.add(service)
        if parameters.get("service") and service != parameters["service"]:
            continue
        # A container that appears while following is read from the follower's first moment on.
        after = answer["cursors"].get(container["Id"]) or answer["cursors"].get("") or ""
        if follow:
            window = f"since={unix_time(after)}"
        else:
            window = f"tail={int(parameters['lines'])}"
            if parameters["since_seconds"]:
                window += f"&since={time.time() - parameters['since_seconds']:.3f}"
        status, body = docker(f"/containers/{quote(container['Id'])}/logs?stdout=1&stderr=1&timestamps=1&{window}")
        if status != 200:
            continue
        lines = lines_of(body, source, after)
        answer["lines"] += lines
        answer["cursors"][container["Id"]] = lines[-1][0] if lines and lines[-1][0] else after or started
    answer["cursors"].setdefault("", started)
    answer["services"] = sorted(services)
    return answer


def merge(by_host: dict[str, list[Line]], lines: int) -> list[str]:
    """Put the hosts' lines in the order of time, each service's last ``lines``, as ``backend.2@node1 | 12:55:24 text``."""
    every = sorted(
        ((stamp, source, host, text) for host, found in by_host.items() for stamp, source, text in found),
        key=lambda entry: entry[0],
    )
    kept: list[tuple[str, str, str, str]] = []
    left: dict[str, int] = {}
    for stamp, source, host, text in reversed(every):
        service = source.partition(".")[0]
        left[service] = left.get(service, lines) - 1
        if left[service] >= 0:
            kept.append((stamp, source, host, text))
    return rendered(list(reversed(kept)))


def rendered(entries: list[tuple[str, str, str, str]]) -> list[str]:
    """Render ``(time, source, host, text)`` with prefixes of one width."""
    width = max((len(source) + len(host) for _stamp, source, host, _text in entries), default=0) + 1
    return [f"{f'{source}@{host}'.ljust(width)} | {stamp[11:19]} {text}" for stamp, source, host, text in entries]
