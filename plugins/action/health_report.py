# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.health_report: put the hosts' reports together, print, write, judge."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.module_utils import _health
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure

display = Display()

_COLOURS = {"✅": "green", "❌": "red", "⚠️": "yellow"}


def answer_of(host: str, result: dict[str, Any] | None) -> _health.HostAnswer:
    """Turn the registered result of ``health_info`` on a host into its report, or into why there is none.

    :param result: what the task registered; None where the host never came to it.
    """
    result = result or {}
    if isinstance(result.get("health"), dict):
        return {"host": host, "health": result["health"], "problem": None}
    said = _health.clean(result.get("msg") or "it was not asked")
    if "Timed out after" in said:
        said = f"no report in {said.partition('Timed out after ')[2].split(' ')[0]} s: the host hangs or is overloaded"
    unknown: _health.Problem = {"reason": "module", "error": said, "next_command": "make health ARGS=-vvv"}
    return {"host": host, "health": None, "problem": result.get("problem") or unknown}


def write_report(directory: str, report: _health.Report, now_seconds: float) -> None:
    """Write ``health.json`` and ``health.prom`` into ``directory``, each replaced as a whole.

    :raises OSError: the directory cannot be made or written.
    """
    folder = Path(directory).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "health.json": json.dumps(report, indent=2, ensure_ascii=False) + "\n",
        "health.prom": _health.prometheus_text(report, now_seconds),
    }
    for name, text in texts.items():
        draft = folder / f".{name}.{os.getpid()}"
        draft.write_text(text, encoding="utf-8")
        draft.replace(folder / name)


class ActionModule(ActionBase):
    """Aggregate, print, write; fail where the platform is not healthy."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("hosts", "result_variable", "managers", "directory", "fail_when_unhealthy"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self._task.args
        hostvars = task_vars["hostvars"]
        answers = [answer_of(host, hostvars[host].get(arguments["result_variable"])) for host in arguments["hosts"]]
        report = _health.combine(answers, arguments["managers"])
        for line in _health.lines(report):
            display.display(line, color=_COLOURS.get(line.split(" ", 1)[0]))
        result["changed"] = False
        if arguments.get("directory") and not self._task.check_mode:
            try:
                write_report(str(arguments["directory"]), report, time.time())
            except OSError as error:
                place = f"{arguments['directory']}: {error.strerror}"
                result.update(failure(ErrorCode.E_FILE_INVALID, place, "correct health_report_dir"))
                return result
        if not report["healthy"] and arguments.get("fail_when_unhealthy", True):
            # Without the report: a failed task prints its whole result, and people have just read it.
            first = report["causes"][0]
            more = f" and {_health.counted(len(report['causes']) - 1, 'more cause')}" if report["causes"][1:] else ""
            message = f"{first['text']}{more}; the report above has all"
            result.update(failure(ErrorCode.E_UNHEALTHY, message, first["next_command"]))
            return result
        return {**result, "report": report}
