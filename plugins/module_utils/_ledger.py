# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of releases: what was released, by whom, why, and what became of it. Pure logic.

One JSON object per line, each with the hash of the line before it, so a changed or missing line shows. Every manager keeps a copy
beside the files of the releases (``releases/<number>/``). A release is ``started`` and then ``active``, ``failed`` (everything is
back on the one before) or ``abandoned`` (its run was killed, and another one took over).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.module_utils._platform_status import table
from ansible_collections.halobuzz.platform.plugins.module_utils._stack import SCALED_LABEL, SPEC_LABEL

Event = dict[str, Any]
"""``{release, event, at, …}``; ``started`` also holds what the release is: ``{kind, of, version, commit, images, objects,
stack_sha256, edge_sha256, by, reason, schema_contract}``. ``of`` is the release whose files it runs: itself, but for a rollback."""

FIRST_HASH = "0" * 64


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def parse(text: str) -> tuple[list[Event], str]:
    """Read a ledger.

    :returns: the events up to the first line that is not as it was written, and a sentence about that line (empty: none).
    """
    events: list[Event] = []
    previous = FIRST_HASH
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            event = json.loads(line)
            fits = event["previous_hash"] == previous
        except (ValueError, KeyError, TypeError):
            fits = False
        if not fits:
            return events, f"line {number} was changed, or one before it is missing"
        events.append(event)
        previous = _hash(line)
    return events, ""


def added(text: str, event: Event) -> str:
    """Return the ledger with one more line."""
    lines = text.splitlines()
    chained = {**event, "previous_hash": _hash(lines[-1]) if lines else FIRST_HASH}
    return "".join(f"{line}\n" for line in [*lines, json.dumps(chained, sort_keys=True)])


def newest(texts: Iterable[str]) -> str:
    """Return the most complete of several copies: most whole lines, then the latest last line."""
    readable = []
    for text in texts:
        events, problem = parse(text)
        whole = "".join(f"{line}\n" for line in text.splitlines()[: len(events)]) if problem else text
        readable.append((len(events), events[-1]["at"] if events else "", whole))
    return max(readable, default=(0, "", ""))[2]


def releases(events: list[Event]) -> list[dict[str, Any]]:
    """Put the events of each release together, in order: ``started`` with ``result``, ``ended`` and ``error``."""
    found: dict[int, dict[str, Any]] = {}
    for event in events:
        if event["event"] == "started":
            found[event["release"]] = {**event, "result": "started", "ended": "", "error": ""}
        elif event["release"] in found:
            found[event["release"]].update(
                result=event["event"], ended=event["at"], error=event.get("error", ""), seconds=event.get("seconds", 0)
            )
    return list(found.values())


def next_number(events: list[Event]) -> int:
    """Return the number of the next release."""
    return max((int(event["release"]) for event in events), default=0) + 1


def _good(events: list[Event]) -> list[dict[str, Any]]:
    return [release for release in releases(events) if release["result"] == "active"]


def serving(events: list[Event]) -> int:
    """Return the release whose files run now, 0 for none: the one of the last release that became active."""
    good = _good(events)
    return int(good[-1]["of"]) if good else 0


def unfinished(events: list[Event]) -> dict[str, Any] | None:
    """Return the last release if nothing says how it ended: its run was killed."""
    known = releases(events)
    return known[-1] if known and known[-1]["result"] == "started" else None


def before(events: list[Event], number: int, only: str = "") -> int:
    """Return the last release before this one that ran something else, 0 for none.

    Looked up where the release was made, so that rolling back twice goes two back and never to and fro. Who deploys the same again, for
    instance to bring back what was changed by hand, makes a release that equals the one before: going there would change nothing.

    :param only: ``config``: something else means other settings.
    """
    parts = ("objects",) if only == "config" else ("stack_sha256", "edge_sha256")
    served: list[int] = []
    for release in _good(events):
        if release["release"] == number:
            break
        served.append(int(release["of"]))
    now = record(events, number)
    different = (
        one for one in reversed(served) if any(record(events, one).get(part) != now.get(part) for part in parts)
    )
    return next(different, 0)


def _contracts(events: list[Event], target: int, now: int) -> list[int]:
    """Return the releases after ``target`` up to ``now`` that took something out of the database's schema."""
    own = {release["release"]: release for release in _good(events) if release["of"] == release["release"]}
    return [number for number in own if target < number <= now and own[number].get("schema_contract")]


def rollback_plan(events: list[Event], wanted: str, only: str, kept: list[int]) -> dict[str, Any]:
    """Say which release a rollback goes to, or why it cannot.

    :param wanted: a release's number, or empty for the one that served before the present one.
    :param only: ``config`` to keep the images that run, else empty.
    :param kept: numbers of the releases whose files are still there.
    :returns: ``{target, now, code, message, next_command}``; ``code`` is empty where it can be done.
    """
    now = serving(events)

    def refused(code: ErrorCode, message: str, next_command: str = "make releases") -> dict[str, Any]:
        return {"target": 0, "now": now, "code": code.value, "message": message, "next_command": next_command}

    if only not in ("", "config"):
        return refused(ErrorCode.E_NO_RELEASE, f"only={only!r}: it can be config, or left out")
    if not now:
        return refused(ErrorCode.E_NO_RELEASE, "no release was ever good here", "make deploy-prod")
    if wanted and not str(wanted).isdecimal():
        return refused(ErrorCode.E_NO_RELEASE, f"release={wanted!r} is no number of a release")
    asked = int(wanted) if wanted else before(events, now, only)
    if not asked:
        other = "with other settings " if only else ""
        return refused(ErrorCode.E_NO_RELEASE, f"no other release {other}served before release {now}")
    by_number = {release["release"]: release for release in releases(events)}
    if asked not in by_number:
        return refused(ErrorCode.E_NO_RELEASE, f"there is no release {asked}")
    if by_number[asked]["result"] != "active":
        return refused(ErrorCode.E_NO_RELEASE, f"release {asked} was never good: {by_number[asked]['result']}")
    target = int(by_number[asked]["of"])
    if target == now:
        return refused(ErrorCode.E_NO_RELEASE, f"release {target} is what runs")
    if target not in kept:
        return refused(ErrorCode.E_NO_RELEASE, f"the files of release {target} were pruned")
    contracts = _contracts(events, target, now)
    if contracts and not only:
        return refused(
            ErrorCode.E_SCHEMA_CONTRACT,
            f"release {contracts[0]} took out of the database what release {target} needs",
            "deploy a corrected version, or restore a backup from before",
        )
    return {"target": target, "now": now, "code": "", "message": "", "next_command": ""}


def kept_releases(events: list[Event], keep: int) -> list[int]:
    """Return the releases whose files stay: the last ``keep`` good ones, what runs now, and one that is not finished."""
    numbers = list(dict.fromkeys(int(release["of"]) for release in reversed(_good(events))))
    stay = set(numbers[:keep]) | {serving(events)}
    open_release = unfinished(events)
    if open_release:
        stay.add(int(open_release["of"]))
    return sorted(stay - {0})


def kept_parts(events: list[Event], part: str, keep: int) -> list[str]:
    """Return what the kept releases need: their ``images``, or their ``objects`` (Swarm secrets and configs)."""
    stay = kept_releases(events, keep)
    return sorted({name for release in releases(events) if release["release"] in stay for name in release[part]})


def record(events: list[Event], number: int) -> dict[str, Any]:
    """Return what was written down when a release started; empty where there is none."""
    return next((release for release in releases(events) if release["release"] == number), {})


def stack_objects(stack: dict[str, Any]) -> list[str]:
    """Return the names of the Swarm secrets and configs that a stack file uses."""
    return sorted(entry["name"] for kind in ("secrets", "configs") for entry in stack.get(kind, {}).values())


def back_to(target: dict[str, Any], running: dict[str, Any], only: str) -> dict[str, Any]:
    """Return the stack file of an earlier release as it shall run now.

    The numbers of replicas stay those of ``running``: whoever scaled a service did not do it for one release.

    :param only: ``config``: the images stay as well, so yesterday's settings run under today's version.
    """
    services = {}
    for name, service in target["services"].items():
        deploy = {**service["deploy"], "labels": dict(service["deploy"].get("labels", {}))}
        now = running["services"].get(name)
        if now:
            deploy["labels"].pop(SCALED_LABEL, None)
            for key in {"replicas"} & now["deploy"].keys():
                deploy[key] = now["deploy"][key]
            for key in {SCALED_LABEL} & now["deploy"].get("labels", {}).keys():
                deploy["labels"][key] = now["deploy"]["labels"][key]
        services[name] = {**service, "deploy": deploy}
        if only == "config" and now and now["image"] != service["image"]:
            services[name]["image"] = now["image"]
            # Another specification than the target's, so that the next deploy does not take it for that one.
            deploy["labels"][SPEC_LABEL] = _hash(deploy["labels"].get(SPEC_LABEL, "") + now["image"])
    return {**target, "services": services}


def table_lines(events: list[Event], kept: list[int], problems: Iterable[str] = ()) -> list[str]:
    """Return the list of releases for people, newest last."""
    now = serving(events)
    known = releases(events)
    rows = [["RELEASE", "RESULT", "VERSION", "WHEN (UTC)", "BY", "WHY"]]
    for release in known:
        number = int(release["release"])
        result = "running" if number == known_number(known, now) else release["result"]
        if result == "active":
            result = "good" if release["of"] in kept else "good, pruned"
        version = release["version"] + (f" ({release['commit'][:12]})" if release.get("commit") else "")
        what = version if release["of"] == number else f"back to {release['of']}: {version}"
        if release["kind"] == "config":
            what = f"{version} with earlier settings"
        why = release["reason"] or "-"
        error = release["error"].splitlines()[0][:100] if release["error"] else ""
        rows.append(
            [str(number), result, what, release["at"][:16].replace("T", " "), release["by"], error or why],
        )
    lines = table(rows) if known else ["no release yet"]
    return [*lines, *(f"⚠️  {problem}" for problem in problems)]


def known_number(known: list[dict[str, Any]], content: int) -> int:
    """Return the last release that made ``content`` run."""
    return max((int(one["release"]) for one in known if one["result"] == "active" and one["of"] == content), default=0)
