# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.preflight_report."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.module_utils import _preflight
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import failure

display = Display()


class ActionModule(ActionBase):
    """Print one report about all hosts, and fail once when any of them has an error."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("probes", "title"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        probes = self._task.args["probes"]
        for line in _preflight.report_lines(probes, self._task.args["title"]):
            display.display(line)
        bad = _preflight.verdict(probes)
        if bad:
            result.update(failure(*bad))
        return result
