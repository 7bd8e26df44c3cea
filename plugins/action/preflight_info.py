# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.preflight_info: one exec on the host, the judgement here."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.halobuzz.platform.plugins.module_utils import _preflight
from ansible_collections.halobuzz.platform.plugins.plugin_utils.lean import connection_failure, run_lean

# Options that the host needs, with their defaults as documented in the module.
_PROBE: dict[str, Any] = {
    "directories": ["/"],
    "ports": [],
    "names": [],
    "registry": "",
    "images": [],
    "certificates": {},
    "credentials": {},
    "timeout_seconds": 4,
}
# Options that the judgement needs.
_RULES: dict[str, Any] = {
    "ports": [],
    "registry": "",
    "avx_needed": False,
    "clock_offset_max_seconds": 5,
    "time_sync_level": "warning",
}
_REQUIRED = ("thresholds", "supported_os", "platform_name")


class ActionModule(ActionBase):
    """Probe a host and judge what was read. A host that cannot be probed is a finding, not a failed task."""

    _requires_connection = True
    _VALID_ARGS = frozenset((*_RULES, *_PROBE, *_REQUIRED))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self._task.args
        host = str(task_vars["inventory_hostname"])
        parameters = {**_PROBE, **{key: arguments[key] for key in _PROBE if key in arguments}}
        before = time.time()
        answer = self._probe(parameters, task_vars)
        after = time.time()
        preflight: dict[str, Any] = {
            "host": host,
            "address": str(task_vars.get("ansible_host") or host),
            "error": None,
            "summary": "",
            "facts": {},
        }
        if answer.get("failed"):
            if "error_code" not in answer:
                return {**result, **answer}
            preflight["error"] = {"error_code": answer["error_code"], "msg": answer["msg"]}
            findings = [_preflight.from_failure(answer, host)]
        else:
            facts = answer["facts"]
            facts["clock"]["offset_seconds"] = _preflight.clock_offset_seconds(
                facts["clock"]["unix_time_seconds"], before, after
            )
            rules = {**_RULES, **{key: arguments[key] for key in (*_RULES, *_REQUIRED) if key in arguments}}
            findings = _preflight.evaluate(facts, rules)
            preflight.update(facts=facts, summary=_preflight.describe(facts))
        preflight["findings"] = _preflight.as_dicts(findings)
        result.update(changed=False, preflight=preflight)
        return result

    def _probe(self, parameters: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if self._is_pipelining_enabled("new", False):
            return run_lean(self, "_preflight_probe", parameters, task_vars)
        # Ansible hides every value of a no_log option wherever it stands in the answer: passwords only, or a user called
        # "root" would black out half of the facts.
        users = {address: user for address, (user, _password) in parameters["credentials"].items()}
        passwords = {address: password for address, (_user, password) in parameters["credentials"].items()}
        probe = {key: value for key, value in parameters.items() if key != "credentials"}
        try:
            answer: dict[str, Any] = self._execute_module(
                "halobuzz.platform.preflight_probe",
                {"probe": {**probe, "users": users}, "credentials": passwords},
                task_vars=task_vars,
            )
        except AnsibleConnectionFailure as error:
            return connection_failure(self, task_vars, error)
        return answer
