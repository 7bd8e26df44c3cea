# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.health_info: a host that cannot be asked is an answer too."""

from __future__ import annotations

import re
import socket
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.halobuzz.platform.plugins.module_utils import _health, _health_arguments
from ansible_collections.halobuzz.platform.plugins.plugin_utils.lean import execute_lean_module

# A connection that SSH keeps open to a host that has died hangs for a minute (ServerAliveInterval of ansible.cfg, six
# times), so this module can open its own, and notices after 10 s when the host dies meanwhile. SSH takes the first value of
# an option: the user's own arguments stay in force behind these.
OWN_CONNECTION = "-o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=5 -o ServerAliveCountMax=2"


def _port_problem(address: str, port: int) -> str:
    """Say why a connection to an SSH port fails, from the controller, or that it does not; port 0: SSH goes another way."""
    if not port:
        return "ssh could not connect"
    try:
        socket.create_connection((address, port), timeout=3).close()
    except socket.gaierror:
        return "ssh could not connect"  # a name that only ssh_config knows
    except OSError as error:
        return error.strerror or "it does not answer"
    return "its port answers, SSH does not let us in"


def unreachable(message: str, address: str, user: str, port: int = 22) -> _health.Problem:
    """Turn the words of a failed SSH connection into a finding: the reason alone, and the command that shows it."""
    error = re.sub(r"^connect to host \S+ port \d+: ", "", message.strip().rpartition("ssh: ")[2])
    # The checks carry passwords, so Ansible hides what ssh said; the port itself holds no secret.
    if "censored" in message:
        error = _port_problem(address, port)
    if "privilege escalation prompt" in message:
        error = "it let us in, but sudo did not answer in time: overloaded, or sudo wants a password"
    command = f"ssh {user + '@' if user else ''}{address} true"
    return {"reason": "unreachable", "error": _health.clean(error, 160), "next_command": command}


def broken(result: dict[str, Any]) -> _health.Problem:
    """Turn a module result without a report into a finding: a host that was never deployed to, or anything else."""
    said = " ".join(str(result.get(key) or "") for key in ("msg", "module_stderr", "module_stdout"))
    if result.get("rc") == 127 or "No such file or directory" in said or "not found" in said:
        error = "the platform's Python is missing: nothing was ever deployed to this host"
        return {"reason": "module", "error": error, "next_command": "make deploy-prod"}
    error = f"its checks could not run: {_health.clean(said)}"
    return {"reason": "module", "error": error, "next_command": "make health ARGS=-vvv"}


class ActionModule(ActionBase):
    """Run the checks; with ``report_problems`` return what went wrong with the host instead of losing it."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        if boolean(self._task.args.get("own_connection", False)) and self._connection.transport == "ssh":
            self._connection.set_option("ssh_args", f"{OWN_CONNECTION} {self._connection.get_option('ssh_args') or ''}")
        if not self._task.args.get("report_problems"):
            return {**result, **self._run_checks(task_vars)}
        try:
            answer = self._run_checks(task_vars)
        except AnsibleConnectionFailure as error:
            address = str(self._play_context.remote_addr or task_vars.get("ansible_host"))
            user = str(task_vars.get("ansible_user") or "")
            options = ("ssh_args", "ssh_common_args", "ssh_extra_args")
            proxied = any("Proxy" in str(self._connection.get_option(option) or "") for option in options)
            port = 0 if proxied else int(self._play_context.port or 22)
            return {**result, "changed": False, "problem": unreachable(str(error), address, user, port)}
        if isinstance(answer.get("health"), dict):
            return {**result, **answer}
        return {**result, "changed": False, "problem": broken(answer)}

    def _run_checks(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run them on the host.

        :raises AnsibleConnectionFailure: the host cannot be reached.
        """
        spec = _health_arguments.argument_spec()
        return execute_lean_module(self, "_health_checks", spec, task_vars, _health_arguments.passwords)
