# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the operating verbs: thin names for pure Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils import _logs, _operations, _platform_status


def answers(hostvars: Mapping[str, Any], hosts: list[str], variable: str) -> dict[str, dict[str, Any]]:
    """Collect what each host registered under a name; a host that never came to it answers with an empty mapping."""
    return {host: hostvars[host].get(variable) or {} for host in hosts}


def failed_answers(answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return which hosts did not do what they were asked.

    :returns: ``reasons``, a sentence per host, and ``code``, the first one's error code.
    """
    bad = {host: answer for host, answer in answers.items() if answer.get("failed") or answer.get("unreachable")}
    codes = [answer.get("error_code") or "E_HOST_UNREACHABLE" for answer in bad.values()]
    reasons = [f"{host}: {str(answer.get('msg') or 'no answer').splitlines()[0]}" for host, answer in bad.items()]
    return {"reasons": reasons, "code": codes[0] if codes else ""}


def merged_logs(answers: dict[str, dict[str, Any]], lines: int) -> list[str]:
    """Merge what each host read, then say which hosts and services are missing."""
    found = {host: answer["lines"] for host, answer in answers.items() if answer.get("lines")}
    silent = {
        host: str(answer.get("msg") or "it was not asked") for host, answer in answers.items() if "lines" not in answer
    }
    return _logs.merge(found, lines) + [f"{host}: no logs: {reason}" for host, reason in silent.items()]


def any_of(groups: list[str]) -> str:
    """Return the host pattern for all hosts of these groups.

    A playbook's first ``hosts`` uses it for what it does beside: Ansible imports the filters of a collection where the first one is
    used. In ``hosts`` that is once, before it forks; in a task it is once per task and host, 0.2 s each.
    """
    return ":".join(groups)


class FilterModule:
    """Registers the filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file by name."""
        return {
            "acting_manager": _platform_status.acting_manager,
            "answers": answers,
            "any_of": any_of,
            "drain_plan": _operations.drain_plan,
            "failed_answers": failed_answers,
            "kept_replicas": _operations.kept_replicas,
            "limit_problem": _operations.limit_problem,
            "merged_logs": merged_logs,
            "paths_problem": _operations.paths_problem,
            "removal_plan": _operations.removal_plan,
            "remains_lines": _operations.remains_lines,
            "scale_plan": _operations.scale_plan,
            "silent_hosts": _platform_status.silent_hosts,
            "status_lines": _platform_status.status_lines,
            "turns_plan": _operations.turns_plan,
            "uneven_services": _operations.uneven_services,
            "unknown_service": _operations.unknown_service,
            "with_replicas": _operations.with_replicas,
        }
