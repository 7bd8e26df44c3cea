# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.config_probe: providers are asked from here, databases from the task's host."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.module_utils import _env_file
from ansible_collections.halobuzz.platform.plugins.module_utils._database_probe import NOT_CHECKED, PASSED
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.module_utils._variables import nearest
from ansible_collections.halobuzz.platform.plugins.plugin_utils import config_probes
from ansible_collections.halobuzz.platform.plugins.plugin_utils.config_probes import DATABASES, PROBES
from ansible_collections.halobuzz.platform.plugins.plugin_utils.lean import execute_lean
from ansible_collections.halobuzz.platform.plugins.plugin_utils.refused import Refused

display = Display()
Found = dict[str, Any]


class ActionModule(ActionBase):
    """Ask providers and databases whether they accept what is set. Never fails because of what they say."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "probes": {"type": "list", "elements": "str", "required": True},
                "env_file": {"type": "path"},
                "settings": {"type": "dict", "default": {}},
                "secrets": {"type": "dict", "default": {}, "no_log": True},
                "addresses": {"type": "dict", "default": {}},
                "timeout_seconds": {"type": "float", "default": 10},
            }
        )
        values = self._values(options)
        wanted = _wanted(options["probes"], values)
        seconds = options["timeout_seconds"]
        with ThreadPoolExecutor(max_workers=len(PROBES)) as pool:
            asked = {
                name: pool.submit(_timed, name, values, options["addresses"].get(name, ""), seconds)
                for name in wanted
                if name in PROBES
            }
            found = self._databases([name for name in wanted if name in DATABASES], values, seconds, task_vars or {})
            found += [future.result() for future in asked.values()]
        for one in found:
            if one["state"] == PASSED:
                display.display(f"✅ {one['probe']}: {one['name']}: {one['reason']} ({one['seconds']:.1f} s)")
        result["probes"] = found
        return result

    def _values(self, options: dict[str, Any]) -> dict[str, str]:
        if options["env_file"]:
            try:  # what is wrong with the file itself is config_check's to say
                entries, _findings = _env_file.parse(Path(options["env_file"]).read_bytes())
            except OSError:
                return {}
            return {entry.name: entry.value for entry in entries}
        return {name: str(value) for name, value in {**options["settings"], **options["secrets"]}.items()}

    def _databases(
        self, wanted: list[str], values: dict[str, str], seconds: float, task_vars: dict[str, Any]
    ) -> list[Found]:
        names = [(probe, name) for probe in wanted for name in DATABASES[probe]]
        databases = {name: [probe, values[name]] for probe, name in names if values.get(name)}
        outcomes: dict[str, Any] = {}
        trouble = ""
        if databases:
            parameters = {"databases": databases, "timeout_seconds": seconds}
            host = self._task.delegate_to or task_vars.get("inventory_hostname")
            try:
                answer = execute_lean(self, "_database_probe", parameters, task_vars, packages=True)
                outcomes = answer.get("outcomes", {})
                trouble = f"{host} cannot ask: {answer.get('error_code', '')}"
            except AnsibleConnectionFailure:
                trouble = f"{host} is unreachable, and databases are asked from there"
        found = []
        for probe, name in names:
            silent = (NOT_CHECKED, trouble, "make health", 0.0)
            unset = (NOT_CHECKED, "not set", "set it, or leave this probe out", 0.0)
            state, reason, fix, took = outcomes.get(name, silent if name in databases else unset)
            found.append(_found(probe, name, (state, reason, fix), took))
        return found


def _wanted(asked_for: list[str], values: dict[str, str]) -> list[str]:
    """Return the names of the probes to run; ``all`` means all of whom anything is set.

    :raises Refused: a name that is none, with the nearest that is.
    """
    known = [*DATABASES, *PROBES]
    unknown = [name for name in asked_for if name not in (*known, "all")]
    if unknown:
        guesses = [f"{name} (did you mean {guess}?)" if (guess := nearest(name, known)) else name for name in unknown]
        reason = f"config_check_probes: no such probe: {', '.join(guesses)}"
        raise Refused(failure(ErrorCode.E_CONFIG, reason, f"all, or any of {', '.join(known)}"))
    if "all" not in asked_for:
        return [name for name in known if name in asked_for]
    needs = {**DATABASES, **{name: probe.needs for name, probe in PROBES.items()}}
    return [name for name in known if any(values.get(variable) for variable in needs[name])]


def _timed(name: str, values: dict[str, str], address: str, seconds: float) -> Found:
    began = time.monotonic()
    outcome = config_probes.ask(PROBES[name], values, address, seconds)
    return _found(name, PROBES[name].name, outcome, time.monotonic() - began)


def _found(probe: str, name: str, outcome: tuple[str, str, str], seconds: float) -> Found:
    state, reason, fix = outcome
    return {
        "probe": probe,
        "name": name,
        "state": state,
        "reason": reason,
        "fix": fix,
        "seconds": round(seconds, 2),
    }
