# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.variables_check."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible_collections.halobuzz.platform.plugins.module_utils import _variables
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.module_utils._variables import Option, Problem

COLLECTION = Path(__file__).resolve().parents[2]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is eight times as fast


def _load(path: Path) -> Any:
    with path.open(encoding="utf-8") as handle:
        return yaml.load(handle, Loader=_Loader)  # noqa: S506 - it is a safe loader


def load_specs(collection: Path) -> tuple[list[str], dict[str, Any]]:
    """Return the names of all roles, and the argument specifications of those that have one."""
    roles = sorted(path.name for path in (collection / "roles").iterdir() if path.is_dir())
    files = {role: collection / "roles" / role / "meta" / "argument_specs.yml" for role in roles}
    return roles, {role: _load(path)["argument_specs"] for role, path in files.items() if path.exists()}


def resolve(name: str) -> str:
    """Return the IP address of a name as the controller sees it, or an empty text."""
    try:
        return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        return ""


def controller_problems(production: bool) -> list[Problem]:
    """Find settings of this controller that would leave secrets on the hosts or in the log."""
    found = []
    if production and boolean(os.environ.get("ANSIBLE_DEBUG", "no"), strict=False):
        found.append(Problem("ANSIBLE_DEBUG", (), "prints secrets in production", "unset ANSIBLE_DEBUG"))
    if production and constants.DEFAULT_KEEP_REMOTE_FILES:
        reason = "leaves modules with their secrets on the hosts"
        found.append(Problem("ANSIBLE_KEEP_REMOTE_FILES", (), reason, "unset ANSIBLE_KEEP_REMOTE_FILES"))
    return found


class ActionModule(ActionBase):
    """Compare the inventory with what the roles know."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("groups", "roles_by_group", "report_problems"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        hosts: list[str] = list(task_vars["ansible_play_hosts_all"])
        roles, specs = load_specs(COLLECTION)
        options = _variables.known_options(specs)
        raw = {host: self._inventory_variables(host, task_vars) for host in hosts}
        values, problems = self._evaluate(raw, options, task_vars)
        renamed = _load(COLLECTION / "meta" / "renamed_variables.yml")["renamed_variables"]
        problems += _variables.find_missing(raw, options, self._roles_of_hosts(hosts, values, task_vars))
        problems += _variables.find_invalid(values, options)
        group_problems, warnings = _variables.find_group_problems(
            task_vars["groups"], self._task.args["groups"], values
        )
        problems += group_problems
        problems += _variables.find_address_problems(
            {host: values[host].get("platform_address") for host in hosts},
            {host: str(raw[host].get("ansible_host") or host) for host in hosts},
            resolve,
        )
        environments = {host_values.get("platform_environment", "production") for host_values in values.values()}
        problems += controller_problems(production="production" in environments)
        result["only_unknown_names"] = not problems
        problems = _variables.find_unknown(raw, options, roles, renamed) + problems
        warnings += _variables.find_lookalikes(raw, options, roles)
        if boolean(self._task.args.get("report_problems", False)):
            result["problems"] = _variables.as_dicts(problems, len(hosts))
        elif problems:
            code, text = _variables.error_text(problems, len(hosts))
            result.update(failure(code, text, self._next(code, task_vars)))
        result["warnings"] = warnings
        addresses = {str(host_values.get("platform_address") or "") for host_values in values.values()}
        result["variables"] = {
            "hosts": len(hosts),
            "known": len(options),
            "problems": len(problems),
            "names": sorted(address for address in addresses if address and not _variables.is_ip(address)),
        }
        return result

    def _next(self, code: ErrorCode, task_vars: dict[str, Any]) -> str | None:
        if code is not ErrorCode.E_INVENTORY:
            return None
        sources = " ".join(f"-i {source}" for source in task_vars.get("ansible_inventory_sources") or [])
        return f"ansible-inventory {sources} --graph; compare with inventories/single_host/hosts.yml"

    def _inventory_variables(self, host: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return what inventory and ``--extra-vars`` say about a host, without defaults and registered results."""
        hostvars = task_vars["hostvars"]
        manager = getattr(hostvars, "_variable_manager", None)
        registered = (getattr(manager, "_nonpersistent_fact_cache", None) or {}).get(host) or {}
        return {name: value for name, value in hostvars.raw_get(host).items() if name not in registered}

    def _evaluate(
        self, raw: Mapping[str, Mapping[str, Any]], options: Mapping[str, Option], task_vars: dict[str, Any]
    ) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
        """Evaluate the variables that a role knows; what cannot be evaluated is a problem."""
        values: dict[str, dict[str, Any]] = {}
        found = []
        looked_up: dict[str, Any] = {}  # a lookup may ask a secret store: once, not once per host
        for host, variables in raw.items():
            templar = Templar(loader=self._loader, variables={**variables, "hostvars": task_vars["hostvars"]})
            values[host] = {}
            for name in variables.keys() & options.keys():
                text = variables[name] if isinstance(variables[name], str) else ""
                is_lookup = "lookup(" in text or "query(" in text
                try:
                    if is_lookup and text in looked_up:
                        values[host][name] = looked_up[text]
                        continue
                    values[host][name] = templar.template(variables[name])
                except AnsibleError as error:
                    reason = self._undefined(str(error), options)
                    if reason:
                        found.append((host, name, reason, "correct the expression, or what it refers to"))
                    continue
                if is_lookup:
                    looked_up[text] = values[host][name]
        return values, _variables._by_problem(found)

    @staticmethod
    def _undefined(text: str, options: Mapping[str, Option]) -> str:
        """Say why an expression has no value; empty where it refers to a role's default, which only the role sees."""
        name = re.search(r"'(\w+)' is undefined", text)
        if name and name.group(1) in options:
            return ""
        if name:
            return f"refers to {name.group(1)}, which is not set"
        # The error's first line says the reason; more could quote the value.
        return f"cannot be evaluated: {text.splitlines()[0][:200].rstrip('.')}"

    def _roles_of_hosts(
        self, hosts: list[str], values: Mapping[str, Mapping[str, Any]], task_vars: dict[str, Any]
    ) -> dict[str, set[str]]:
        external = {
            entry["group"]
            for entry in self._task.args["groups"]
            if entry.get("unless") and any(host_values.get(entry["unless"]) for host_values in values.values())
        }
        roles: dict[str, set[str]] = {host: set() for host in hosts}
        for group, names in self._task.args["roles_by_group"].items():
            if group in external:
                continue
            for host in task_vars["groups"].get(group) or []:
                if host in roles:
                    roles[host].update(names)
        return roles
