# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters over copies of a configuration: thin names for pure Python."""

from __future__ import annotations

from typing import Any

from ansible_collections.halobuzz.platform.plugins.plugin_utils import config_copy


class FilterModule:
    """Registers the filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file by name."""
        return {"config_copy": config_copy.closed, "config_copy_summary": config_copy.summary}
