# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.container_logs: read, redact, and follow where that is asked for."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.module_utils import _logs
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.module_utils._redact import redact
from ansible_collections.halobuzz.platform.plugins.plugin_utils.lean import run_lean

display = Display()

_POLL_SECONDS = 1.0


class ActionModule(ActionBase):
    """Read the last log lines of this host's containers, or print new ones for a while."""

    _requires_connection = True
    _VALID_ARGS = frozenset(("stack", "data", "service", "lines", "since", "redacted", "follow_seconds", "cursors"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = self._task.args
        try:
            since_seconds = _logs.seconds_of(str(args.get("since") or "0"))
        except ValueError as error:
            result.update(failure(ErrorCode.E_VARIABLES, f"since: {error}", "make logs ARGS='-e logs_since=10m'"))
            return result
        parameters = {
            "stack": str(args["stack"]),
            "data": [str(name) for name in args.get("data") or []],
            "service": str(args.get("service") or ""),
            "lines": int(args.get("lines") or 50),
            "since_seconds": since_seconds,
            "cursors": {str(key): str(value) for key, value in (args.get("cursors") or {}).items()},
        }
        follow_seconds = float(args.get("follow_seconds") or 0)
        answer = (
            self._follow(parameters, follow_seconds, task_vars) if follow_seconds else self._read(parameters, task_vars)
        )
        result.update(answer)
        if answer.get("error"):
            result.update(failure(ErrorCode.E_DOCKER, f"{task_vars.get('inventory_hostname')}: {answer['error']}"))
        result["changed"] = False
        return result

    def _read(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        secrets = [str(secret) for secret in self._task.args.get("redacted") or []]
        answer = run_lean(self, "_logs", parameters, task_vars)
        for line in answer.get("lines") or []:
            line[2] = redact(line[2], secrets)
        return answer

    def _follow(self, parameters: dict[str, Any], seconds: float, task_vars: dict[str, Any]) -> dict[str, Any]:
        host = str(task_vars.get("inventory_hostname"))
        until = time.monotonic() + seconds
        while True:
            answer = self._read(parameters, task_vars)
            if answer.get("failed") or answer.get("error"):
                return answer
            lines = sorted(answer.pop("lines"), key=lambda line: line[0])
            for text in _logs.rendered([(stamp, source, host, text) for stamp, source, text in lines]):
                display.display(text)
            parameters["cursors"] = answer["cursors"]
            left = until - time.monotonic()
            if left <= 0:
                return {**answer, "lines": []}
            time.sleep(min(_POLL_SECONDS, left))
