# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.mongodb_drift: its work without the cost of packing a module."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.halobuzz.platform.plugins.module_utils._mongodb_state import argument_spec
from ansible_collections.halobuzz.platform.plugins.plugin_utils.lean import connection_failure, execute_lean_module


class ActionModule(ActionBase):
    """Compare the replica set with what is wanted."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            return {**result, **execute_lean_module(self, "_mongodb_state", argument_spec(), task_vars)}
        except AnsibleConnectionFailure as error:
            return {**result, **connection_failure(self, task_vars, error)}
