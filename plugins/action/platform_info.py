# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.platform_info: one lean read per host."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.halobuzz.platform.plugins.plugin_utils.lean import run_lean


class ActionModule(ActionBase):
    """Read what runs on the task's host; on a manager, what the Swarm knows."""

    _requires_connection = True
    _VALID_ARGS = frozenset(("stack", "containers", "paths", "mongodb_port"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        parameters: dict[str, Any] = {
            "stack": str(self._task.args["stack"]),
            "mongodb_port": int(self._task.args.get("mongodb_port") or 0),
        }
        parameters |= {key: [str(item) for item in self._task.args.get(key) or []] for key in ("containers", "paths")}
        result.update(run_lean(self, "_platform_state", parameters, task_vars or {}))
        result["changed"] = False
        return result
