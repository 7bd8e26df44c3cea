# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.show."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()


class ActionModule(ActionBase):
    """Print lines for people, as they are, on standard output."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("lines", "before", "after", "title"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        lines = self._task.args["lines"]
        for line in [lines] if isinstance(lines, str) else lines:
            display.display(str(line))
        result["changed"] = False
        before, after = self._task.args.get("before") or "", self._task.args.get("after") or ""
        if before != after:
            title = self._task.args.get("title") or ""
            result["diff"] = {"before": before, "after": after, "before_header": title, "after_header": title}
        return result
