# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health report: its types, what follows from what, and its three forms (for people, JSON, Prometheus). Pure.

One host's checks make a :class:`Health` (module ``health_info``); the hosts' reports together make a :class:`Report`
(action ``health_report``), where a symptom is told from its cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypedDict

CRITICAL = "critical"
WARNING = "warning"

# Causes in the order in which a person should look at them: what stands on something else comes after it.
_KINDS_BY_DEPTH = (
    "ssh",
    "module",
    "unit",
    "disk",
    "memory",
    "swarm",
    "mongodb",
    "redis",
    "container",
    "swarm_service",
    "http",
    "tls",
    "tcp",
    "clock",
    "load",
)


@dataclass
class Finding:
    """What one check found, before it is known which check it was and how long it took.

    ``reason`` is a short word for programs (empty where ok), ``detail`` a phrase for people; ``warnings`` are sentences
    about what works but should not stay so; ``facts`` are the figures behind the words.
    """

    ok: bool
    detail: str
    reason: str = ""
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class CheckResult(TypedDict):
    """One check of the report, as it leaves the host."""

    id: str
    kind: str
    title: str
    target: str
    scope: str  # platform: the same from every manager; host: about the host that ran it
    severity: str  # critical | warning
    host: str  # inventory name; empty until the hosts' reports are put together
    runs_on: str  # inventory name of the host behind the target, empty where it is not one host
    ok: bool
    latency_ms: int
    detail: str
    reason: str
    warnings: list[str]
    facts: dict[str, Any]


class Health(TypedDict):
    """The report of one host: what ``health_info`` returns as ``health``."""

    healthy: bool
    checks: list[CheckResult]
    summary: str
    duration_seconds: float


class Cause(TypedDict):
    """A failed check that nothing else explains, in words, with what to type next and what follows from it."""

    id: str
    text: str
    next_command: str
    symptoms: list[str]


class Report(TypedDict):
    """The report of all hosts."""

    healthy: bool
    summary: str
    duration_seconds: float
    seen_from: str  # the manager whose view of the platform this is, empty without one
    checks: list[CheckResult]
    causes: list[Cause]


class Problem(TypedDict):
    """Why a host has no report."""

    reason: str  # unreachable | module
    error: str
    next_command: str


class HostAnswer(TypedDict):
    """What came back from one host: its report, or why there is none."""

    host: str
    health: Health | None
    problem: Problem | None


def clean(text: object, limit: int = 300) -> str:
    """Make foreign text safe to print: one line, no control characters, at most ``limit`` characters."""
    printable = "".join(character if character.isprintable() else " " for character in str(text))
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def counted(number: int, noun: str) -> str:
    """Return ``1 check`` or ``2 checks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def is_healthy(checks: Iterable[CheckResult]) -> bool:
    """Say whether no critical check failed; failed checks of severity warning do not count."""
    return all(check["ok"] or check["severity"] != CRITICAL for check in checks)


def excuse_drained(checks: list[CheckResult]) -> list[CheckResult]:
    """Make a service's closed edge on a drained host a warning, as long as another edge answers: the host was drained to be closed."""
    drained = [host for check in checks if check["kind"] == "swarm" for host in check["facts"].get("drained") or []]
    served = {check["title"] for check in checks if check["kind"] == "http" and check["ok"]}
    return [
        {**check, "severity": WARNING, "reason": "drained", "detail": "drained"}
        if check["kind"] == "http" and not check["ok"] and check["runs_on"] in drained and check["title"] in served
        else check
        for check in checks
    ]


def summarise(checks: list[CheckResult], duration_seconds: float) -> Health:
    """Put one host's results together."""
    healthy = is_healthy(checks)
    failed = [check for check in checks if not check["ok"] and check["severity"] == CRITICAL]
    if healthy:
        summary = f"Healthy: {counted(len(checks), 'check')} in {duration_seconds:.1f} s"
    else:
        first = sorted(failed, key=_depth)[0]
        summary = f"NOT healthy: {_sentence(first)} ({len(failed)} of {counted(len(checks), 'check')} failed)"
    return {"healthy": healthy, "checks": checks, "summary": summary, "duration_seconds": round(duration_seconds, 2)}


# --- Cause and symptom ----------------------------------------------------------------------------------------------


def _depth(check: CheckResult) -> int:
    return _KINDS_BY_DEPTH.index(check["kind"]) if check["kind"] in _KINDS_BY_DEPTH else len(_KINDS_BY_DEPTH)


def _sentence(check: CheckResult) -> str:
    where = (
        f" on {check['host']}"
        if check["host"] and check["scope"] == "host" and check["kind"] not in ("ssh", "module")
        else ""
    )
    target = f"{check['target']} " if check["kind"] in ("http", "tcp", "tls") else ""
    return f"{check['title']}{where}: {target}{check['detail']}"


def _candidates(check: CheckResult, failed: list[CheckResult]) -> list[CheckResult]:
    """Return the failed checks that would explain ``check``, best first."""

    def of(*kinds: str, **equal: str) -> list[CheckResult]:
        return [
            other
            for other in failed
            if other["kind"] in kinds and all(other[key] == value for key, value in equal.items())  # type: ignore[literal-required]
        ]

    kind, host = check["kind"], check["host"]
    if kind in ("container", "swarm", "swarm_service") and check["reason"] == "no_engine":
        return of("unit", host=host)
    if kind == "container":
        # A stopped database container and a database that nobody reaches are one finding, told where it matters more.
        return [other for other in of("mongodb", "redis") if other["facts"].get("container") == check["target"]]
    if kind == "swarm":
        unreachable = {other["host"] for other in of("ssh")}
        down = set(check["facts"].get("down") or [])
        return of("ssh") if down and down <= unreachable else []
    if kind == "swarm_service":
        return of("swarm") if check["reason"] == "no_quorum" else []
    if kind == "redis":
        return of("ssh", host=check["runs_on"])
    if kind == "mongodb":
        members = set(check["facts"].get("hosts") or [])
        dead = members & {other["host"] for other in of("ssh")}
        # Half of the members or more: the others are no majority.
        return of("ssh") if dead and 2 * len(dead) >= len(members) else []
    if kind == "http":
        silent = check["reason"] in ("no_answer", "refused", "hangs", "broken")
        behind = of("ssh", host=check["runs_on"]) if silent else []
        if check["reason"] in ("degraded", "status"):
            services = " ".join(check["facts"].get("services_down") or []).lower()
            if "database" in services or "mongo" in services:
                behind += of("mongodb")
            if "redis" in services:
                behind += of("redis")
        if check["reason"] == "hangs":
            behind += of("redis")
        if check["facts"].get("status") == 503 and not check["facts"].get("services_down"):
            # The edge's own answer: no replica is ready, and it cannot say why.
            behind += of("swarm_service", title=check["title"]) + of("redis", "mongodb")
        return behind + of("swarm_service", title="Edge") if check["reason"] == "refused" else behind
    return []


def blame(checks: list[CheckResult]) -> dict[str, str]:
    """Map the id of each failed check that follows from another to the id of that cause, which is no symptom itself."""
    failed = [check for check in checks if not check["ok"]]
    direct = {
        check["id"]: behind[0]["id"]
        for check in failed
        if (behind := [other for other in _candidates(check, failed) if other["id"] != check["id"]])
    }
    resolved = {}
    for symptom in direct:
        cause, seen = symptom, set()
        while cause in direct and cause not in seen:
            seen.add(cause)
            cause = direct[cause]
        resolved[symptom] = cause
    return resolved


def next_command(check: CheckResult) -> str:
    """Return what a person types to see or mend the cause behind a failed check."""
    kind, reason, host, target = check["kind"], check["reason"], check["host"], check["target"]
    if check["facts"].get("next_command"):
        return str(check["facts"]["next_command"])
    if kind == "mongodb":
        if reason == "no_client":
            return "make deploy-prod   (installs the host's Python)"
        if reason == "auth":
            return "compare mongodb_monitoring_user and its password with the inventory, then: make deploy-prod"
        if reason == "no_primary":
            return "wait 15 s and run make health again; then on a member: sudo docker logs --tail 50 mongodb"
        return "make up   (on a member: sudo docker logs --tail 50 mongodb)"
    if kind == "redis":
        container = check["facts"].get("container") or "redis"
        if reason == "auth":
            return "compare redis_monitoring_user and its password with the inventory, then: make deploy-prod"
        return f"make up   (on {check['runs_on'] or 'the Redis host'}: sudo docker logs --tail 50 {container})"
    if kind == "container":
        if reason == "no_engine":
            return f"on {host}: sudo systemctl status docker"
        if reason == "absent":
            return "make deploy-prod"
        return f"on {host}: sudo docker logs --tail 50 {target}; then: make up"
    if kind in ("swarm", "swarm_service") and reason in ("no_quorum", "no_engine"):
        return "start the missing managers; docs/operations/quorum.md"
    if kind == "swarm":
        return "on the node: sudo systemctl status docker"
    if kind == "swarm_service":
        return "make deploy-prod" if reason == "absent" else "make logs; make status"
    if kind == "unit":
        return f"on {host}: sudo systemctl status {target}; sudo journalctl -u {target} -n 50"
    if kind == "disk":
        return f"on {host}: df -h {target}; sudo docker system df"
    if kind == "memory":
        return f"on {host}: ps aux --sort=-rss | head; sudo docker stats --no-stream"
    if kind == "load":
        return f"on {host}: top -b -n 1 | head -20"
    if kind == "clock":
        return f"on {host}: timedatectl"
    if reason == "https_required":
        return "make deploy-prod   (renders the edge, which sets the header)"
    return "make status; make logs"


# --- The hosts' reports together ------------------------------------------------------------------------------------


def _missing_host(host: str, problem: Problem) -> CheckResult:
    unreachable = problem["reason"] == "unreachable"
    return {
        "id": f"{host}/ssh" if unreachable else f"{host}/module",
        "kind": "ssh" if unreachable else "module",
        "title": host,
        "target": host,
        "scope": "host",
        "severity": CRITICAL,
        "host": host,
        "runs_on": host,
        "ok": False,
        "latency_ms": 0,
        "detail": f"unreachable over SSH ({problem['error']})" if unreachable else problem["error"],
        "reason": problem["reason"],
        "warnings": [],
        "facts": {"next_command": problem["next_command"]},
    }


def _no_view(managers: list[str], answers: list[HostAnswer]) -> list[CheckResult]:
    """Say that nobody could look at the platform as a whole; nothing where no manager was asked (``--limit``)."""
    asked = [answer["host"] for answer in answers if answer["host"] in managers]
    if not asked:
        return []
    detail = f"unknown: no manager could be asked ({', '.join(asked)})"
    return [
        {
            "id": "platform",
            "kind": "swarm",
            "title": "Platform",
            "target": "",
            "scope": "platform",
            "severity": CRITICAL,
            "host": "",
            "runs_on": "",
            "ok": False,
            "latency_ms": 0,
            "detail": detail,
            "reason": "no_view",
            "warnings": [],
            "facts": {"down": asked, "next_command": "bring back one manager, then: make health"},
        }
    ]


def _other_views(check: CheckResult, others: list[tuple[str, list[CheckResult]]]) -> list[str]:
    """Say which other managers see a network check differently: that is a fault between hosts, not of the target."""
    if check["kind"] not in ("http", "mongodb", "redis", "tcp", "tls"):
        return []
    differing = []
    for host, checks in others:
        for other in checks:
            if other["id"] == check["id"] and other["ok"] != check["ok"]:
                differing.append(f"{host} sees it otherwise: {other['detail']}")
    return differing


def combine(answers: list[HostAnswer], managers: list[str]) -> Report:
    """Put the hosts' reports together.

    Every manager looks at the platform in the same call as at itself, so that no second round is needed when one is
    dead: the first of ``managers`` that answered is believed, and where another sees something else that is a warning.

    :param answers: one per host of the play, in inventory order.
    :param managers: inventory names that could look at the whole platform, in the order of preference.
    """
    by_host = {answer["host"]: answer["health"] for answer in answers if answer["health"] is not None}
    views = [(host, by_host[host]["checks"]) for host in managers if host in by_host]
    views = [(host, checks) for host, checks in views if any(check["scope"] == "platform" for check in checks)]
    checks: list[CheckResult] = []
    if views:
        for check in views[0][1]:
            if check["scope"] == "platform":
                warnings = check["warnings"] + _other_views(check, views[1:])
                checks.append({**check, "host": views[0][0], "warnings": warnings})
    else:
        checks += _no_view(managers, answers)
    for answer in answers:
        if answer["problem"]:
            checks.append(_missing_host(answer["host"], answer["problem"]))
        for check in answer["health"]["checks"] if answer["health"] else []:
            if check["scope"] != "platform":
                checks.append({**check, "host": answer["host"], "id": f"{answer['host']}/{check['id']}"})
    duration = max([health["duration_seconds"] for health in by_host.values()], default=0.0)
    return _conclude(checks, duration, views[0][0] if views else "")


def _conclude(checks: list[CheckResult], duration: float, seen_from: str) -> Report:
    failed = [check for check in checks if not check["ok"] and check["severity"] == CRITICAL]
    blamed = blame(checks)
    by_id = {check["id"]: check for check in checks}
    causes: list[Cause] = []
    # What is wrong in the same way is one cause: two Redis instances, three services that were never deployed.
    alike: dict[str, list[CheckResult]] = {}
    for check in sorted((check for check in failed if check["id"] not in blamed), key=_depth):
        where = "" if check["kind"] in ("ssh", "module") else check["host"]
        alike.setdefault(f"{check['kind']} {check['detail']} {where}", []).append(check)
    for group in alike.values():
        ids = {check["id"] for check in group}
        symptoms = [by_id[symptom] for symptom, cause in blamed.items() if cause in ids]
        stopped = sorted({symptom["host"] for symptom in symptoms if symptom["kind"] == "container"})
        # A dead host takes its edge along, not the service, which has other edges.
        untold = ("container", "http") if group[0]["kind"] == "ssh" else ("container",)
        told = dict.fromkeys(symptom["title"] for symptom in symptoms if symptom["kind"] not in untold)
        titles = list(dict.fromkeys(check["title"] for check in group))
        text = _sentence({**group[0], "title": ", ".join(titles)})
        text += f"; its container is not running on {', '.join(stopped)}" if stopped else ""
        causes.append(
            {
                "id": group[0]["id"],
                "text": text,
                "next_command": next_command(group[0]),
                "symptoms": [title for title in told if title not in titles],
            }
        )
    count = counted(len(checks), "check")
    if failed:
        parts = [
            cause["text"] + (f" (and so {', '.join(cause['symptoms'])})" if cause["symptoms"] else "")
            for cause in causes
        ]
        # Late answers look like dead services: say so where the verdict is.
        busy = sorted({check["host"] for check in checks if check["reason"] == "overloaded"})
        doubt = f" ({', '.join(busy)} overloaded: what hangs may only be slow)" if busy else ""
        summary = f"NOT healthy: {'; '.join(parts)}. {len(failed)} of {count} failed{doubt}"
    else:
        summary = f"Healthy: {count} in {duration:.1f} s"
    return {
        "healthy": not failed,
        "summary": summary,
        "duration_seconds": round(duration, 2),
        "seen_from": seen_from,
        "checks": checks,
        "causes": causes,
    }


# --- For people -----------------------------------------------------------------------------------------------------


def _mark(checks: Iterable[CheckResult]) -> str:
    worst = "✅"
    for check in checks:
        if not check["ok"]:
            if check["severity"] == CRITICAL:
                return "❌"
            worst = "⚠️ "
    return worst


def _follow(checks: list[CheckResult], report: Report, blamed: dict[str, str]) -> list[str]:
    """Lines under a ❌: what to type where it is a cause, and where to look where it is a symptom."""
    failed = [check for check in checks if not check["ok"] and check["severity"] == CRITICAL]
    by_id = {check["id"]: check for check in report["checks"]}
    lines = []
    for check in failed:
        if check["id"] in blamed:
            cause = by_id[blamed[check["id"]]]
            if cause["title"] != check["title"]:
                lines.append(f"   follows from {cause['title']}")
        else:
            lines.append(f"   Next: {next_command(check)}")
    return list(dict.fromkeys(lines))


def _service_lines(title: str, checks: list[CheckResult], report: Report, blamed: dict[str, str]) -> list[str]:
    """A service that is reached over HTTP: one line for all its edges and its tasks, in the runbook's form."""
    doors = [check for check in checks if check["kind"] == "http"]
    tasks = [check for check in checks if check["kind"] == "swarm_service"]
    open_doors = [check for check in doors if check["ok"]]
    shut = [check for check in doors if not check["ok"]]
    # An edge on a dead host is that host's finding; the service is still served by the others.
    excused = [
        check
        for check in shut
        if check["reason"] == "drained" or (open_doors and _is_kind(report, blamed.get(check["id"]), "ssh"))
    ]
    wrong = [check for check in shut if check not in excused] + [check for check in tasks if not check["ok"]]
    notes = [check["detail"] for check in tasks]
    if open_doors:
        notes.append(f"{open_doors[0]['latency_ms']} ms")
    notes += [f"not through {check['runs_on']}" for check in excused]
    if not wrong:
        return [f"✅ {title}: {open_doors[0]['target']} ({', '.join(notes)})"]
    said = (
        [f"{check['target']} {check['detail']}" for check in _told_once(shut)]
        if not open_doors
        else [f"{open_doors[0]['target']}", *(f"not through {check['runs_on']}: {check['detail']}" for check in shut)]
    )
    said += notes if open_doors else [check["detail"] for check in tasks]
    return [f"{_mark(wrong)} {title}: {'; '.join(said)}", *_follow(wrong, report, blamed)]


def _told_once(checks: list[CheckResult]) -> list[CheckResult]:
    """Keep the first check of each reason: three edges that all answer 503 are one sentence."""
    return list({check["reason"]: check for check in reversed(checks)}.values())[::-1]


def _is_kind(report: Report, check_id: str | None, kind: str) -> bool:
    return any(check["id"] == check_id and check["kind"] == kind for check in report["checks"])


def _group_line(title: str, checks: list[CheckResult], report: Report, blamed: dict[str, str]) -> list[str]:
    """Checks of one title, e.g. the two Redis instances."""
    wrong = [check for check in checks if not check["ok"]]
    if wrong:
        by_detail: dict[str, list[str]] = {}
        for check in wrong:
            by_detail.setdefault(check["detail"], []).append(str(check["facts"].get("name") or ""))
        text = "; ".join(f"{' and '.join(names)} {detail}".strip() for detail, names in by_detail.items())
    elif len(checks) > 1 or checks[0]["facts"].get("name"):
        text = f"Connected ({', '.join(str(check['facts'].get('name') or check['target']) for check in checks)})"
    else:
        text = checks[0]["detail"]
    return [f"{_mark(wrong)} {title}: {text}", *_follow(wrong, report, blamed)]


def _host_lines(host: str, checks: list[CheckResult], report: Report, blamed: dict[str, str]) -> list[str]:
    good = [check["detail"] for check in checks if check["ok"]]
    wrong = [check for check in checks if not check["ok"]]
    if not wrong:
        return [f"✅ {host}: {', '.join(good)}"]
    told = "; ".join(
        check["detail"] if check["kind"] in ("ssh", "module") else f"{check['title']}: {check['detail']}"
        for check in wrong
    )
    return [f"{_mark(wrong)} {host}: {told}", *_follow(wrong, report, blamed)]


def lines(report: Report) -> list[str]:
    """Return the report for people: the runbook's lines, the platform, the hosts, warnings, and the verdict last."""
    blamed = blame(report["checks"])
    platform: dict[str, list[CheckResult]] = {}
    hosts: dict[str, list[CheckResult]] = {}
    for check in report["checks"]:
        if check["scope"] == "platform":
            platform.setdefault(check["title"], []).append(check)
        else:
            hosts.setdefault(check["host"], []).append(check)
    text: list[str] = []
    for title, checks in platform.items():
        is_service = any(check["kind"] == "http" for check in checks)
        text += (_service_lines if is_service else _group_line)(title, checks, report, blamed)
    for host, checks in hosts.items():
        text += _host_lines(host, checks, report, blamed)
    for check in report["checks"]:
        where = f" on {check['host']}" if check["scope"] == "host" else ""
        text += [f"⚠️  {check['title']}{where}: {warning}" for warning in check["warnings"]]
    if not report["seen_from"] and not any(check["id"] == "platform" for check in report["checks"]):
        text.append("(Only hosts were looked at: no Swarm manager is within --limit.)")
    return [*text, report["summary"]]


# --- For programs ---------------------------------------------------------------------------------------------------


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def prometheus_text(report: Report, now_seconds: float) -> str:
    """Return the report in Prometheus' text exposition format, for node exporter's textfile collector.

    :param now_seconds: when the report was made, seconds since the epoch.
    """
    head = [
        "# HELP health_healthy 1 when no critical check failed.",
        "# TYPE health_healthy gauge",
        f"health_healthy {int(report['healthy'])}",
        "# HELP health_report_timestamp_seconds When the report was made.",
        "# TYPE health_report_timestamp_seconds gauge",
        f"health_report_timestamp_seconds {now_seconds:.0f}",
    ]
    flags = ["# HELP health_check_ok 1 when the check passed.", "# TYPE health_check_ok gauge"]
    times = [
        "# HELP health_check_latency_seconds How long the check took.",
        "# TYPE health_check_latency_seconds gauge",
    ]
    for check in report["checks"]:
        labels = ",".join(f'{name}="{_label(str(check[name]))}"' for name in ("id", "kind", "target", "severity"))
        flags.append(f"health_check_ok{{{labels}}} {int(check['ok'])}")
        times.append(f"health_check_latency_seconds{{{labels}}} {check['latency_ms'] / 1000:.3f}")
    return "\n".join(head + flags + times) + "\n"
