# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of ``health_info``, for the module and for the action that does its work."""

from __future__ import annotations

import urllib.parse
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._health_checks import CHECKS

_TEXTS = ("target", "runs_on", "name", "hang_hint", "container", "replica_set", "user", "policy")


def check_options() -> dict[str, dict[str, object]]:
    """Return the argument spec of one check."""
    options: dict[str, dict[str, object]] = {name: {"type": "str", "default": ""} for name in _TEXTS}
    options.update(
        id={"type": "str", "required": True},
        kind={"type": "str", "required": True, "choices": list(CHECKS)},
        title={"type": "str", "required": True},
        scope={"type": "str", "choices": ["platform", "host"], "default": "host"},
        severity={"type": "str", "choices": ["critical", "warning"], "default": "critical"},
        timeout_seconds={"type": "float", "default": 3},
        status={"type": "list", "elements": "int", "default": [200]},
        headers={"type": "dict", "default": {}},
        expected_fields={"type": "dict", "default": {}},
        ca_file={"type": "path"},
        server_name={"type": "str"},
        min_days={"type": "int", "default": 14},
        hosts={"type": "list", "elements": "str", "default": []},
        names={"type": "dict", "default": {}},
        lag_seconds_max={"type": "int", "default": 30},
        auth_source={"type": "str", "default": "admin"},
        password={"type": "str", "default": "", "no_log": True},
        uri={"type": "str", "default": "", "no_log": True},
        aof_expected={"type": "bool", "default": False},
        spread_hosts={"type": "int", "default": 1},
        nodes_wanted={"type": "int", "default": 0},
        free_percent_warning={"type": "float", "default": 15},
        free_percent_critical={"type": "float", "default": 5},
    )
    return options


def argument_spec() -> dict[str, dict[str, object]]:
    """Return the argument spec of the module."""
    return {
        "checks": {"type": "list", "elements": "dict", "required": True, "options": check_options()},
        "fail_when_unhealthy": {"type": "bool", "default": False},
        "report_problems": {"type": "bool", "default": False},
        "own_connection": {"type": "bool", "default": False},
        "wait_seconds": {"type": "float", "default": 0},
        "interval_seconds": {"type": "float", "default": 2},
    }


def passwords(arguments: dict[str, Any]) -> set[str]:
    """Return the passwords inside the checks' URIs, as written there and as meant."""
    uris = [check["uri"] for check in arguments["checks"] if check["uri"]]
    written = {urllib.parse.urlsplit(uri).password or "" for uri in uris} - {""}
    return written | {urllib.parse.unquote(password) for password in written}
