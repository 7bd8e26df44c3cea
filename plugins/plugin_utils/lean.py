# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one ``module_utils`` file, with those of our own that it imports, on a host in a single SSH exec.

For hot, read-only work. An ordinary module spends 120 ms on the target compiling its imports; a standard-library file piped to
``python3 -IS -`` spends 10 ms (make bench NAME=deploy_noop has what it saves in all). Parameters travel on standard input: nothing of them is
seen in a process list, and no file is left on the host.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleConnectionFailure
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

_MARK = "halobuzz-lean-result:"
_UTILS = "ansible_collections.halobuzz.platform.plugins.module_utils."
_FUTURE = "from __future__ import annotations\n"
_OWN_IMPORT = re.compile(rf"^from {re.escape(_UTILS)}(\w+) import [^(\n]+\n", re.MULTILINE)


def _interpreter(task_vars: dict[str, Any]) -> str:
    value = str(task_vars.get("ansible_python_interpreter") or "")
    return value if value.startswith("/") else "/usr/bin/python3"


def _source(util: str, seen: set[str]) -> str:
    """Return a file's source with the sources of its own one-line imports from module_utils in front of it, each once."""
    seen.add(util)
    text = inspect.getsource(importlib.import_module(_UTILS + util))
    needed = [_source(name, seen) for name in _OWN_IMPORT.findall(text) if name not in seen]
    return "\n\n".join([*needed, _OWN_IMPORT.sub("", text)])


def _program(util: str, parameters: dict[str, Any]) -> str:
    # Only one such line may stand in a program, and at its top.
    source = _FUTURE + _source(util, set()).replace(_FUTURE, "")
    # The parameters are a Python literal of a JSON text, so that no value can end the program early.
    call = f"print({_MARK!r} + json.dumps(main(json.loads({json.dumps(parameters)!r}))))"
    return f"{source}\n\n{call}\n"


def connection_failure(action: ActionBase, task_vars: dict[str, Any], error: Exception) -> dict[str, object]:
    """Turn an SSH failure into the collection's own error: who, where, why, and the command that shows it."""
    host = str(task_vars.get("inventory_hostname"))
    address = str(action._play_context.remote_addr or task_vars.get("ansible_host") or host)
    user = str(task_vars.get("ansible_user") or "")
    text = " ".join(str(error).split())
    reason = text.split("ssh: ", 1)[-1].split(" debug1:", 1)[0][:300]
    command = f"ssh {user + '@' if user else ''}{address} true"
    refused = "Permission denied" in text or "Host key verification failed" in text
    code = ErrorCode.E_SSH_AUTH if refused else ErrorCode.E_HOST_UNREACHABLE
    return failure(code, f"{host} ({address}): {reason}", f"{command}   (or leave the host out: --limit 'all:!{host}')")


def run_lean(action: ActionBase, util: str, parameters: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
    """Run ``main(parameters)`` of ``module_utils/<util>.py`` on the task's host and return what it returns.

    :param action: the calling action plugin; its connection and become settings are used.
    :param util: name of a standard-library-only file below plugins/module_utils with ``main(dict) -> dict``.
    :param parameters: JSON-serialisable.
    :returns: the dictionary from ``main``; or ``{failed, error_code, msg}``, never an exception.
    """
    host = str(task_vars.get("inventory_hostname"))
    try:
        done = action._low_level_execute_command(
            f"{_interpreter(task_vars)} -IS -", in_data=_program(util, parameters).encode(), sudoable=True
        )
    except AnsibleConnectionFailure as error:
        return connection_failure(action, task_vars, error)
    for line in done["stdout"].splitlines():
        if line.startswith(_MARK):
            result: dict[str, Any] = json.loads(line[len(_MARK) :])
            return result
    said = (done["stderr"] + done["stdout"]).strip()
    if "sudo:" in said or "password is required" in said:
        return failure(ErrorCode.E_SUDO, f"{host}: {said[-300:]}")
    if done["rc"] == 127 or "No such file or directory" in said.splitlines()[-1:]:
        return failure(ErrorCode.E_PYTHON_MISSING, f"{host}: {said[-300:]}")
    return failure(ErrorCode.E_PROBE_FAILED, f"{host}: exit code {done['rc']}: {said[-600:]}")
