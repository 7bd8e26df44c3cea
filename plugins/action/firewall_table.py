# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.firewall_table: say what happens where the new rules keep us out."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure


class ActionModule(ActionBase):
    """Run the module; a connection that fails at the confirmation is the finding that the trial is for."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            result.update(self._execute_module(task_vars=task_vars))
        except AnsibleConnectionFailure as error:
            if self._task.args.get("state") != "confirmed":
                raise
            reason = " ".join(str(error).split())[:200]
            message = (
                f"under the new rules the host lets no new SSH connection in; it takes them back by itself. {reason}"
            )
            result.update(failure(ErrorCode.E_FIREWALL, message))
        return result
