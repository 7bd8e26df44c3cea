# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the release ledger: thin names for pure Python."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils import _ledger


def ledger_text(answers: Mapping[str, Mapping[str, Any]]) -> str:
    """Choose the most complete ledger among what ``slurp`` returned on the managers."""
    return _ledger.newest(b64decode(answer["content"]).decode() for answer in answers.values() if answer.get("content"))


def ledger_problems(answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say which copies are damaged, one sentence each."""
    problems = []
    for host, answer in answers.items():
        problem = _ledger.parse(b64decode(answer["content"]).decode())[1] if answer.get("content") else ""
        if problem:
            problems.append(f"{host}: the ledger is damaged: {problem}")
    return problems


def unread_ledgers(answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say which copies could not be read, one sentence each. Before the first release there is none, which is no problem."""
    return [
        f"{host}: does not answer, its copy of the ledger was not read: {str(answer.get('msg') or 'no answer').splitlines()[0]}"
        for host, answer in answers.items()
        if not answer.get("content") and not str(answer.get("msg", "")).startswith("File not found")
    ]


def slurped_files(results: list[dict[str, Any]]) -> dict[str, str]:
    """Return the files that a loop of ``slurp`` over their names read, by name."""
    return {one["item"]: b64decode(one["content"]).decode() for one in results if one.get("content")}


def release_files(answers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return a release's files from the manager that has most of them."""
    found = [slurped_files(answer.get("results") or []) for answer in answers.values()]
    return max(found, key=len, default={})


def release_file(item: dict[str, str], directory: str) -> dict[str, str]:
    """Return a file of a release as ``host_files`` wants it."""
    return {"path": f"{directory}/{item['key']}", "content": item["value"], "mode": "0640"}


def secret_release_file(item: dict[str, str], directory: str) -> dict[str, str]:
    """Return a file of a release that is for root alone, and in no diff."""
    return {"path": f"{directory}/{item['key']}", "secret_content": item["value"], "mode": "0600"}


def edge_file(item: dict[str, str], directory: str, check: list[str]) -> dict[str, Any]:
    """Return a file of the edge as ``host_files`` wants it; HAProxy checks its own configuration."""
    validate = {"validate": check} if item["key"] == "haproxy.cfg" else {}
    return {"path": f"{directory}/{item['key']}", "content": item["value"], "mode": "0644", **validate}


def _events(text: str) -> list[_ledger.Event]:
    return _ledger.parse(text)[0]


class FilterModule:
    """Registers the filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file by name."""
        return {
            "back_to": _ledger.back_to,
            "edge_file": edge_file,
            "kept_parts": lambda text, part, keep: _ledger.kept_parts(_events(text), part, int(keep)),
            "kept_releases": lambda text, keep: _ledger.kept_releases(_events(text), int(keep)),
            "ledger_added": _ledger.added,
            "ledger_problems": ledger_problems,
            "unread_ledgers": unread_ledgers,
            "ledger_text": ledger_text,
            "next_release": lambda text: _ledger.next_number(_events(text)),
            "release_file": release_file,
            "release_files": release_files,
            "release_lines": lambda text, kept, problems: _ledger.table_lines(_events(text), list(kept), problems),
            "release_record": lambda text, number: _ledger.record(_events(text), int(number)),
            "rollback_plan": lambda text, wanted, only, kept: _ledger.rollback_plan(
                _events(text), wanted, only, list(kept)
            ),
            "secret_release_file": secret_release_file,
            "serving_release": lambda text: _ledger.serving(_events(text)),
            "slurped_files": slurped_files,
            "stack_objects": _ledger.stack_objects,
            "unfinished_release": lambda text: _ledger.unfinished(_events(text)) or {},
        }
