# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one ``module_utils`` file, with those of our own that it imports, on a host in a single SSH exec.

For hot, read-only work. An ordinary module is packed by the controller, which costs it up to 0.8 s of CPU, and spends 120 ms on
the target compiling its imports; a standard-library file piped to ``python3 -IS -`` spends 10 ms (make bench NAME=deploy_noop
has what it saves in all). Parameters travel on standard input: nothing of them is seen in a process list, and no file is left
on the host.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible.plugins.action import ActionBase

# A restarting engine, or managers that elect a new leader, answer again within seconds: that long an action asks anew.
ENGINE_PATIENCE_SECONDS = 30.0

_MARK = "halobuzz-lean-result:"
_UTILS = "ansible_collections.halobuzz.platform.plugins.module_utils"
_OWN_IMPORT = re.compile(rf"^from {re.escape(_UTILS)}(?:\.(\w+) import|( import) ([\w, ]+)$)", re.MULTILINE)
# Runs on the host: makes each file a module under its own name, so that their imports of each other work as they stand.
_LOADER = """\
import json, sys, types
sources, util, parameters = json.loads({payload!r})
package = sys.modules[{package!r}] = types.ModuleType({package!r})
for name, source in sources:
    module = sys.modules[{package!r} + "." + name] = types.ModuleType({package!r} + "." + name)
    setattr(package, name, module)
    exec(compile(source, name + ".py", "exec"), module.__dict__)
print({mark!r} + json.dumps(getattr(package, util).main(parameters)))
"""


def _interpreter(action: ActionBase, task_vars: dict[str, Any]) -> str:
    value = str(action._templar.template(task_vars.get("ansible_python_interpreter")) or "")
    return value if value.startswith("/") else "/usr/bin/python3"


def sources_of(util: str, found: dict[str, str] | None = None) -> dict[str, str]:
    """Return the source of a file of module_utils and of those of our own that it imports, in the order to load them."""
    found = {} if found is None else found
    text = inspect.getsource(importlib.import_module(f"{_UTILS}.{util}"))
    for name, _import, names in _OWN_IMPORT.findall(text):
        for needed in [name] if name else names.split(", "):
            if needed not in found:
                sources_of(needed, found)
    found[util] = text
    return found


def _program(util: str, parameters: dict[str, Any]) -> str:
    # A Python literal of a JSON text, so that no value can end the program early.
    payload = json.dumps([list(sources_of(util).items()), util, parameters])
    return _LOADER.format(payload=payload, package=_UTILS, mark=_MARK)


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


def execute_lean(
    action: ActionBase, util: str, parameters: dict[str, Any], task_vars: dict[str, Any], packages: bool = False
) -> dict[str, Any]:
    """Do what :func:`run_lean` does, but leave a failed connection to the caller.

    :raises AnsibleConnectionFailure: the host cannot be reached.
    """
    host = str(task_vars.get("inventory_hostname"))
    done = action._low_level_execute_command(
        f"{_interpreter(action, task_vars)} {'-I' if packages else '-IS'} -",
        in_data=_program(util, parameters).encode(),
        sudoable=True,
    )
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


def run_lean(
    action: ActionBase, util: str, parameters: dict[str, Any], task_vars: dict[str, Any], packages: bool = False
) -> dict[str, Any]:
    """Run ``main(parameters)`` of ``module_utils/<util>.py`` on the task's host and return what it returns.

    :param action: the calling action plugin; its connection and become settings are used.
    :param util: name of a file below plugins/module_utils with ``main(dict) -> dict``.
    :param parameters: JSON-serialisable.
    :param packages: whether the file imports packages of the interpreter's environment, such as pymongo.
    :returns: the dictionary from ``main``; or ``{failed, error_code, msg}``, never an exception.
    """
    try:
        return execute_lean(action, util, parameters, task_vars, packages)
    except AnsibleConnectionFailure as error:
        return connection_failure(action, task_vars, error)


def execute_lean_module(
    action: ActionBase,
    util: str,
    argument_spec: dict[str, dict[str, Any]],
    task_vars: dict[str, Any],
    secrets: Callable[[dict[str, Any]], set[str]] | None = None,
) -> dict[str, Any]:
    """Do the work of the module of the task's own name by its file in module_utils, with its arguments checked here.

    Where pipelining is off the module itself runs: it calls the same ``main``.

    :param util: as for :func:`run_lean`; its ``main`` returns the module's result, ``failed`` included.
    :param secrets: returns the secrets in the arguments beside the values of ``no_log`` options; none of all these is in
        the answer.
    :raises AnsibleConnectionFailure: the host cannot be reached.
    """
    answer: dict[str, Any]
    if not action._is_pipelining_enabled("new", False):
        answer = action._execute_module(action._task.action, dict(action._task.args), task_vars=task_vars)
        return answer
    validation, arguments = action.validate_argument_spec(argument_spec=argument_spec)
    hidden = set(validation._no_log_values) | (secrets(arguments) if secrets else set())
    answer = execute_lean(action, util, arguments, task_vars, packages=True)
    safe: dict[str, Any] = remove_values(answer, hidden)
    return safe
