# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that derive the development environment from the service catalogue: thin names for pure Python."""

from __future__ import annotations

from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils import _compose


class FilterModule:
    """Registers the filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file by name."""
        return {
            "compose_containers": _compose.wanted_containers,
            "compose_health_checks": _compose.health_checks,
            "compose_health_lines": _compose.health_lines,
            "completed_secrets": _compose.completed_secrets,
            "database_settings": _compose.database_settings,
            "missing_secrets": lambda kept, services: [n for n in _compose.secret_names(services) if not kept.get(n)],
            "render_compose": lambda services, **settings: _compose.render_compose(services, settings),
        }
