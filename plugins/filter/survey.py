# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the role survey: thin names for pure Python."""

from __future__ import annotations

from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils import _survey


class FilterModule:
    """Registers the filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file by name."""
        return {
            "answering_manager": _survey.answering_manager,
            "as_wanted": _survey.as_wanted,
            "label_drift": _survey.label_drift,
            "one_wish": _survey.one_wish,
            "survey_lines": _survey.survey_lines,
        }
