# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter ``drift_line``: one difference as one line for people."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: drift_line
short_description: Say one difference in one line
version_added: 0.1.0
author: HaloBuzz platform team (@halobuzz)
description:
  - Turns a record of RV(halobuzz.platform.drift#module:found) into the line that check mode prints.
positional: _input, where
options:
  _input:
    description: A record with C(what), C(name), C(now) and C(then).
    type: dict
    required: true
  where:
    description: The host, or what stands for it.
    type: str
    required: true
"""

EXAMPLES = r"""
lines: "{{ __docker_drift.found | map('halobuzz.platform.drift_line', inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: The line.
  type: str
"""


def drift_line(item: dict[str, str], where: str) -> str:
    """Return ``would change  where  what name: now -> then``."""
    return f"  would change  {where}  {item['what']} {item['name']}: {item['now']} -> {item['then']}"


class FilterModule:
    """Registers the filter."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file by name."""
        return {"drift_line": drift_line}
