# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.refuse."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure


class ActionModule(ActionBase):
    """Fail with a documented error code."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("code", "message", "next_command"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            code = ErrorCode(str(self._task.args["code"]))
        except ValueError as error:
            raise AnsibleActionFail(f"{error}: no documented error code") from None
        result.update(failure(code, str(self._task.args["message"]), self._task.args.get("next_command") or None))
        return result
