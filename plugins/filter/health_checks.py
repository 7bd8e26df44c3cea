# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From catalogue and inventory to the list of checks that one host runs. Pure: facts in, list out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

DOCUMENTATION = r"""
name: health_checks
short_description: Turn catalogue and inventory into a host's health checks
version_added: 0.1.0
description:
  - Returns the O(halobuzz.platform.health_info#module:checks) of one host. Swarm managers look at the whole platform,
    every host looks at itself.
author: HaloBuzz platform team (@halobuzz)
options:
  _input:
    description: The facts that the role C(health) puts together in its C(vars/main.yml).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Run this host's checks
  halobuzz.platform.health_info:
    checks: "{{ __health_facts | halobuzz.platform.health_checks }}"
"""

RETURN = r"""
_value:
  description: Checks for M(halobuzz.platform.health_info).
  type: list
  elements: dict
"""

Facts = dict[str, Any]
Check = dict[str, Any]

REDIS_HANG_HINT = "on this platform a readiness that hangs points to Redis"


def _uri_hosts(uri: str) -> str:
    """Return only the host names of a connection URI, even where its password is not percent-encoded: the rest is secret."""
    return re.split(r"[/?&#]", uri.partition("://")[2].rpartition("@")[2], maxsplit=1)[0]


def _url(address: str, port: int, path: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}{'' if port == 80 else f':{port}'}{path}"


def _service_checks(facts: Facts) -> list[Check]:
    checks: list[Check] = []
    # In a report the backend comes first, which the catalogue has last.
    for service in reversed(facts["services"]):
        edge = service.get("edge")
        if edge:
            checks += [
                {
                    "id": f"{service['name']}/http/{host}",
                    "kind": "http",
                    "title": service["title"],
                    "target": _url(address, int(edge["port"]), service["readiness_path"]),
                    "runs_on": host,
                    "hang_hint": REDIS_HANG_HINT,
                }
                for host, address in facts["edges"].items()
            ]
        checks.append(
            {
                "id": f"{service['name']}/tasks",
                "kind": "swarm_service",
                "title": service["title"],
                "target": f"{facts['stack']}_{service['name']}",
                "spread_hosts": len(facts["app_hosts"]),
            }
        )
    return checks


def _mongodb_checks(facts: Facts) -> list[Check]:
    mongodb = facts["mongodb"]
    check: Check = {
        "id": "mongodb",
        "kind": "mongodb",
        "title": "MongoDB",
        "lag_seconds_max": mongodb["lag_seconds_max"],
    }
    if mongodb["uri"]:
        return [{**check, "target": _uri_hosts(mongodb["uri"]), "uri": mongodb["uri"]}]
    if not mongodb["members"]:
        return []
    names = {f"{address}:{mongodb['port']}": host for host, address in mongodb["members"].items()}
    return [
        {
            **check,
            "target": mongodb["replica_set"],
            "hosts": list(names),
            "names": names,
            "container": "mongodb",
            "replica_set": mongodb["replica_set"],
            "user": mongodb["user"],
            "password": mongodb["password"],
        }
    ]


def _redis_checks(facts: Facts) -> list[Check]:
    redis = facts["redis"]
    check: Check = {"kind": "redis", "title": "Redis", "policy": "noeviction"}
    if redis["uri"]:
        return [{**check, "id": "redis", "target": _uri_hosts(redis["uri"]), "uri": redis["uri"]}]
    if not redis["host"]:
        return []
    user = {"user": redis["user"], "password": redis["password"], "runs_on": redis["host"]}
    return [
        {
            **check,
            **user,
            "id": "redis/queue",
            "name": "queue",
            "target": f"{redis['address']}:{redis['queue_port']}",
            "container": "redis-queue",
            "aof_expected": True,
        },
        {
            **check,
            **user,
            "id": "redis/cache",
            "name": "cache",
            "target": f"{redis['address']}:{redis['cache_port']}",
            "container": "redis-cache",
            "policy": "",
        },
    ]


def _platform_checks(facts: Facts) -> list[Check]:
    checks = _service_checks(facts) + _mongodb_checks(facts) + _redis_checks(facts)
    checks.append(
        {
            "id": "swarm",
            "kind": "swarm",
            "title": "Swarm",
            "target": facts["stack"],
            "nodes_wanted": facts["nodes_wanted"],
        }
    )
    if facts["edges"]:
        checks.append(
            {"id": "edge/tasks", "kind": "swarm_service", "title": "Edge", "target": f"{facts['stack']}_edge"}
        )
    return [{**check, "scope": "platform"} for check in checks]


def _host_checks(facts: Facts) -> list[Check]:
    host, limits = facts["host"], facts["limits"]
    disk = {
        "free_percent_warning": limits["disk_free_percent_warning"],
        "free_percent_critical": limits["disk_free_percent_critical"],
    }
    checks: list[Check] = [
        {"id": f"disk{path}", "kind": "disk", "title": f"Disk {path}", "target": path, **disk}
        for path in facts["disk_paths"]
    ]
    checks.append(
        {
            "id": "memory",
            "kind": "memory",
            "title": "Memory",
            "free_percent_warning": limits["memory_free_percent_warning"],
            "free_percent_critical": limits["memory_free_percent_critical"],
        }
    )
    checks.append({"id": "load", "kind": "load", "title": "CPU", "severity": "warning"})
    checks.append({"id": "clock", "kind": "clock", "title": "Clock", "severity": "warning"})
    checks.append({"id": "unit/docker", "kind": "unit", "title": "Docker", "target": "docker.service"})
    containers: list[str] = []
    if host in facts["mongodb"]["members"] and not facts["mongodb"]["uri"]:
        containers.append("mongodb")
    if host == facts["redis"]["host"] and not facts["redis"]["uri"]:
        containers += ["redis-queue", "redis-cache"]
    checks += [
        {"id": f"container/{name}", "kind": "container", "title": f"Container {name}", "target": name}
        for name in containers
    ]
    return checks


def health_checks(facts: Facts) -> list[Check]:
    """Return the checks of one host.

    :param facts: ``host`` (inventory name), ``managers``, ``app_hosts`` (names), ``edges`` (name to address),
        ``services`` (the catalogue), ``stack``, ``nodes_wanted``, ``mongodb`` and ``redis`` (how to reach them; ``uri``
        for external ones), ``limits`` (percent), ``disk_paths``, ``timeout_seconds``.
    """
    checks = _platform_checks(facts) if facts["host"] in facts["managers"] else []
    return [{"timeout_seconds": facts["timeout_seconds"], **check} for check in checks + _host_checks(facts)]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"health_checks": health_checks}
