# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.drift: hash contents here, probe the host once, show what would change."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.filter.drift_line import drift_line
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.plugin_utils.lean import ENGINE_PATIENCE_SECONDS, run_lean

display = Display()


def without_contents(wanted: dict[str, Any]) -> dict[str, Any]:
    """Replace each file's ``content`` by its SHA-256: a read needs no more, and contents may be secret."""
    files = []
    for entry in wanted.get("files") or []:
        bare = {key: value for key, value in entry.items() if key not in ("content", "secret_content", "validate")}
        for key in ("content", "secret_content"):
            if key in entry:
                bare["sha256"] = hashlib.sha256(str(entry[key]).encode()).hexdigest()
        files.append(bare)
    return {**wanted, "files": files}


class ActionModule(ActionBase):
    """Compare a role's wanted state with the host; in check mode that comparison is the answer."""

    _requires_connection = True
    _VALID_ARGS = frozenset(("wanted", "converged"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        wanted = without_contents(self._task.args["wanted"])
        answer = self._ask(wanted, task_vars)
        if answer.get("error"):
            display.display(f"  {answer['error']}; asking again for {ENGINE_PATIENCE_SECONDS:.0f} s")
        deadline = time.monotonic() + ENGINE_PATIENCE_SECONDS
        while answer.get("error") and time.monotonic() < deadline:
            time.sleep(1)
            answer = self._ask(wanted, task_vars)
        if answer.get("error"):
            result.update(failure(ErrorCode.E_NO_QUORUM, answer["error"]))
            return result
        result.update({key: value for key, value in answer.items() if key not in ("invocation", "_ansible_parsed")})
        if result.get("failed"):
            return result
        found = result["found"]
        lines = [drift_line(item, str(task_vars.get("inventory_hostname"))) for item in found]
        if self._task.args.get("converged") and found:
            result.update(failure(ErrorCode.E_NOT_CONVERGED, "still differs:\n" + "\n".join(lines)))
            return result
        if self._task.check_mode:
            result["changed"] = bool(found)
            for line in lines:
                display.display(line, color="yellow")
        return result

    def _ask(self, wanted: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if self._is_pipelining_enabled("new", False):
            return run_lean(self, "_host_state", {"wanted": wanted}, task_vars)
        answer: dict[str, Any] = self._execute_module(
            "halobuzz.platform.drift", {"wanted": wanted}, task_vars=task_vars
        )
        return answer
