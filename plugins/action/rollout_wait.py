# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.rollout_wait: poll, show progress, judge, explain."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.module_utils._redact import redact
from ansible_collections.halobuzz.platform.plugins.module_utils._rollout import is_settled, judge
from ansible_collections.halobuzz.platform.plugins.plugin_utils.lean import ENGINE_PATIENCE_SECONDS, run_lean

display = Display()

_POLL_SECONDS = 1.0
# A task that ends is still counted for its drain and its end, and an update takes a moment to begin: what lasts longer is Swarm's mistake.
_SURPLUS_SECONDS = 20.0
# An engine that comes back tells of its tasks one by one. Until all have had the time, one of them looks like a crash.
_CRASH_SECONDS = 5.0
_RESTART_ENDS = ("surplus", "stalled")


def progress_line(service: dict[str, Any], seconds: float) -> str:
    """Say how far one service is, in one line."""
    verdict = {"done": "done", "running": "…", "surplus": "…", "stalled": "…", "failed": "FAILED"}[judge(service)]
    old = f", {service['old']} old" if service["old"] else ""
    doing = "complete" if service["mode"] == "job" else "running"
    trouble = f", {len(service['failures'])} failed task(s)" if service["failures"] else ""
    return f"  {seconds:5.0f} s  {service['name']}: {service['current']} of {service['wanted']} {doing}{old}{trouble} {verdict}"


def failed_ids(services: list[dict[str, Any]]) -> set[str]:
    """Return the ids of all failed tasks of present specifications."""
    return {task["id"] for service in services for task in service["failures"] if task["current"]}


def crashed(services: list[dict[str, Any]], replaced: Collection[str], known: set[str]) -> set[str]:
    """Return the names of services of which a new task has failed, though Swarm may have watched it to the end and be content.

    Where tasks of several services failed on one host, it was the host or its engine.

    :param replaced: names of those that count; the others may still be of a version that crashes, which is to be replaced.
    :param known: ids of tasks that had failed before.
    """
    on_host: dict[str, set[str]] = {}
    for service in services:
        for task in service["failures"]:
            if service["mode"] != "job" and task["current"] and task["state"] == "failed" and task["id"] not in known:
                on_host.setdefault(task["node"], set()).add(service["name"])
    return {name for names in on_host.values() if len(names) == 1 for name in names if name in replaced}


def explain(service: dict[str, Any], logs: list[str], secrets: list[str], has_crashed: bool = False) -> str:
    """Say why one service is not there: Swarm's reason, and the failing task's last lines without secrets."""
    doing = "complete" if service["mode"] == "job" else "running"
    reason = service["update_message"] or service["update"] or "not converged"
    if has_crashed:
        reason = "a new task ended by itself"
    lines = [f"{service['name']}: {service['current']} of {service['wanted']} {doing}; {reason}"]
    for task in service["failures"][-1:]:
        code = f" (exit code {task['exit_code']})" if task["exit_code"] else ""
        lines.append(f"  last failed task on {task['node']}: {task['error']}{code}")
    lines += ["  | " + redact(line, secrets) for line in logs]
    return "\n".join(lines)


def canaries_hold(services: list[dict[str, Any]], since: dict[str, float], now: float, seconds: float) -> bool:
    """Return whether each service that is not done has had a new task for some seconds.

    :param since: when each service's first new task was seen, kept from call to call; a service that has none (any more) is taken out.
    """
    for service in services:
        if service["current"]:
            since.setdefault(service["name"], now)
        else:
            since.pop(service["name"], None)
    return all(judge(service) == "done" or now - since.get(service["name"], now) >= seconds for service in services)


class ActionModule(ActionBase):
    """Wait until every service of a stack runs what it should, or say why not."""

    _requires_connection = True
    _VALID_ARGS = frozenset(
        (
            "stack",
            "services",
            "deadline_seconds",
            "stable_seconds",
            "canary_seconds",
            "crashes_fail",
            "redacted",
            "settled_only",
        )
    )

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._task.check_mode:
            result["skipped"] = True
            return result
        args = self._task.args
        started = time.monotonic()
        deadline = started + float(args.get("deadline_seconds") or 300)
        shown: dict[str, str] = {}
        stable_since: float | None = None
        silent_since: float | None = None
        canary_seconds = float(args.get("canary_seconds") or 0)
        canary_since: dict[str, float] = {}
        known: set[str] | None = None
        crash_since: dict[str, float] = {}
        while True:
            answer = run_lean(self, "_rollout", {"stack": args["stack"]}, task_vars)
            now = time.monotonic()
            if answer.get("failed"):
                result.update(answer)
                return result
            if answer.get("error"):
                if silent_since is None:
                    display.display(
                        f"  {now - started:5.0f} s  {answer['error']}; asking again for {ENGINE_PATIENCE_SECONDS:.0f} s"
                    )
                silent_since = silent_since or now
                if now - silent_since > ENGINE_PATIENCE_SECONDS or now > deadline:
                    code = ErrorCode.E_NO_QUORUM if "leader" in answer["error"] else ErrorCode.E_DOCKER
                    result.update(failure(code, answer["error"]))
                    return result
                time.sleep(_POLL_SECONDS)
                continue
            silent_since = None
            everything = answer.get("services") or []
            services = self._chosen(everything)
            known = failed_ids(everything) if known is None else known
            for service in services:
                line = progress_line(service, now - started)
                if shown.get(service["name"]) != line[10:]:
                    shown[service["name"]] = line[10:]
                    display.display(line)
            verdicts = {judge(service) for service in services}
            settled = all(is_settled(service) or service["stalled"] for service in services)
            if args.get("settled_only") and (now > deadline or settled):
                return {**result, "changed": False, "services": services, "seconds": round(now - started, 1)}
            if args.get("settled_only"):
                time.sleep(_POLL_SECONDS)
                continue
            ended = crashed(everything, [one["name"] for one in services if args.get("crashes_fail")], known)
            crash_since = {name: crash_since.get(name, now) for name in ended}
            bad = {name for name, since in crash_since.items() if now - since >= _CRASH_SECONDS}
            if "failed" in verdicts or bad or now > deadline:
                result.update(self._unhealthy(services, now - started, task_vars, bad))
                return result
            if canary_seconds and canaries_hold(services, canary_since, now, canary_seconds):
                names = ", ".join(sorted(canary_since))
                display.display(
                    f"  {now - started:5.0f} s  {names}: one new task has run for {canary_seconds:.0f} s; the others follow"
                )
                result.update(changed=False, services=services, surplus=[], seconds=round(now - started, 1))
                return result
            if verdicts and verdicts <= {"done", *_RESTART_ENDS} and not crash_since:
                stable_since = stable_since or now
                needed = float(args.get("stable_seconds") or 0)
                if now - stable_since >= (needed if verdicts == {"done"} else max(needed, _SURPLUS_SECONDS)):
                    surplus = [service["name"] for service in services if judge(service) in _RESTART_ENDS]
                    result.update(changed=False, services=services, surplus=surplus, seconds=round(now - started, 1))
                    return result
            else:
                stable_since = None
            time.sleep(_POLL_SECONDS)

    def _chosen(self, services: list[dict[str, Any]]) -> list[dict[str, Any]]:
        names = self._task.args.get("services") or []
        stack = self._task.args["stack"]
        return [service for service in services if not names or service["name"].removeprefix(f"{stack}_") in names]

    def _unhealthy(
        self, services: list[dict[str, Any]], seconds: float, task_vars: dict[str, Any], bad: Collection[str] = ()
    ) -> dict[str, Any]:
        answer = run_lean(self, "_rollout", {"stack": self._task.args["stack"], "log_lines": 50}, task_vars)
        logs, down = answer.get("logs") or {}, answer.get("down") or []
        secrets = [str(secret) for secret in self._task.args.get("redacted") or []]
        # The cause first: what only waits its turn is no reason.
        late = sorted(
            (service for service in services if judge(service) != "done" or service["name"] in bad),
            key=lambda service: judge(service) != "failed" and service["name"] not in bad,
        )
        reasons = [
            explain(service, logs.get(service["name"], []), secrets, has_crashed=service["name"] in bad)
            for service in late
        ]
        # Its tasks fail with it, and what Swarm says of them does not name it.
        silent = [f"{', '.join(down)}: the Docker engine does not answer"] if down else []
        message = "\n".join([f"not healthy after {seconds:.0f} s", *silent, *reasons])
        return failure(ErrorCode.E_RELEASE_UNHEALTHY, message)
