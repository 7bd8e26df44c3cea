# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that derive the stack and its files from the service catalogue: thin names for pure Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ansible.errors import AnsibleFilterError
from ansible_collections.halobuzz.platform.plugins.module_utils import _environment, _stack

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


def told(function: Callable[..., _T], *arguments: Any) -> _T:
    """Call a function of ``_environment``; the problems that it raises become one templating error without any value."""
    try:
        return function(*arguments)
    except _environment.EnvironmentRefused as refused:
        raise AnsibleFilterError("E_VARIABLES: " + "; ".join(refused.problems)) from None


def environment_files(
    services: list[dict[str, Any]], environment: dict[str, str], secrets: dict[str, str]
) -> dict[str, str]:
    """See :func:`_environment.environment_files`."""
    return told(_environment.environment_files, services, environment, secrets)


class FilterModule:
    """Registers the filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file by name."""
        return {
            "drain_seconds": _stack.drain_seconds,
            "environment_files": environment_files,
            "in_dependency_order": _stack.in_dependency_order,
            "liveness_command": _stack.liveness_command,
            "migration_plan": lambda migrations, rendered, namespace, images: _stack.migration_plan(
                migrations, rendered, namespace, list(images)
            ),
            "pinned": _stack.pinned,
            "render_stack": lambda services, stack, **settings: _stack.render_stack(stack, services, settings),
            "scaled_replicas": _stack.scaled_replicas,
            "settings_changes": lambda record, *settings: _environment.settings_changes(
                record, told(_environment.settings_by_service, *settings)
            ),
            "settings_record": lambda *settings: _environment.settings_record(
                told(_environment.settings_by_service, *settings)
            ),
            "update_steps": _stack.update_steps,
            "update_order": _stack.update_order,
            "versioned_name": lambda content, stack, name: _stack.versioned_name(stack, name, content),
            "wanted_services": lambda rendered, stack, record_file="": _stack.wanted_services(
                stack, rendered, record_file
            ),
            "released_record": _stack.released_record,
        }
