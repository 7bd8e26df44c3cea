# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the host's own Docker engine, over its socket. Standard library only: travels with what needs it (plugin_utils/lean.py)."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from typing import Any
from urllib.parse import quote

DOCKER_SOCKET = "/var/run/docker.sock"


def docker(path: str, method: str = "GET", timeout_seconds: float = 20) -> tuple[int, bytes]:
    """Ask the engine's API; return ``(status, body)``, or ``(0, reason)`` where no engine answers.

    No API version is named: the engine answers in its own (docs.docker.com/reference/api/engine/#versioned-api).
    """
    connection = http.client.HTTPConnection("localhost", timeout=timeout_seconds)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(timeout_seconds)
    try:
        connection.sock.connect(DOCKER_SOCKET)
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error).encode()
    finally:
        connection.close()


def docker_json(path: str) -> tuple[int, Any]:
    """GET an API path; return ``(status, decoded body)``, or ``(0, None)`` where no engine answers."""
    status, body = docker(path)
    return status, json.loads(body or b"null") if status else None


def filtered(path: str, **filters: list[str]) -> str:
    """Return an API path with a ``filters`` query."""
    return f"{path}?filters={quote(json.dumps(filters))}"


def template_sha256(service: dict[str, Any]) -> str:
    """Return a fingerprint of how a service's tasks are run, as Swarm holds it.

    A rolling restart does not change it, nor does a stop and a start: the stack's network is another one then, of the same name, and
    Swarm names it by its id. One network more or less does.

    :param service: as from ``GET /services``.
    """
    template = {key: value for key, value in service["Spec"]["TaskTemplate"].items() if key != "ForceUpdate"}
    template["Networks"] = [
        {key: value for key, value in network.items() if key != "Target"} for network in template.get("Networks") or []
    ]
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
