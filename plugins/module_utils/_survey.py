# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One comparison for all roles: put their wishes together, and read the answers of all hosts."""

from __future__ import annotations

from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils import _host_state


def one_wish(wishes: list[_host_state.State]) -> _host_state.State:
    """Put what several roles want of a host into one wanted state.

    :param wishes: one state per role, as for :func:`_host_state.compare`.
    :raises ValueError: two roles want the same file, with different contents or rights; one of them would never be content.
    """
    wish: _host_state.State = {}
    for state in wishes:
        for key, value in state.items():
            if isinstance(value, list):
                wish[key] = [*wish.get(key, []), *value]
            elif isinstance(value, dict):
                wish[key] = {**wish.get(key, {}), **value}
    by_path: dict[str, Any] = {}
    for entry in wish.get("files", []):
        if by_path.setdefault(entry["path"], entry) != entry:
            raise ValueError(f"two roles want {entry['path']}, each in its own way")
    return wish


def as_wanted(answers: dict[str, dict[str, Any]]) -> bool:
    """Say whether every host has answered, and none found a difference.

    :param answers: what halobuzz.platform.drift returned, by host; empty for a host that did not answer.
    """
    return all(answer.get("found") == [] for answer in answers.values())


def answering_manager(answers: dict[str, dict[str, Any]]) -> str:
    """Return the first host whose Swarm answers as a manager, or an empty text.

    A manager whose engine is down knows of no services, which is not the same as that there are none.

    :param answers: what halobuzz.platform.drift returned, by manager.
    """
    for host, answer in answers.items():
        swarm = (answer.get("seen") or {}).get("swarm") or {}
        if swarm.get("state") == "active" and "nodes" in swarm:
            return host
    return ""


def label_drift(swarm: dict[str, Any], labels: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    """Return the differences between the labels of the Swarm's nodes and those that are wanted.

    :param swarm: ``seen.swarm`` of a manager.
    :param labels: the labels of each node, by its id.
    """
    return _host_state.compare({"swarm": {"manager": True, "node_labels": labels}}, {"swarm": swarm})


def survey_lines(answers: dict[str, dict[str, Any]], others: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return one line per difference, host by host, then what belongs to no single host.

    :param answers: what halobuzz.platform.drift returned, by host.
    :param others: further differences by what they belong to.
    """
    found = {host: answer["found"] for host, answer in answers.items() if "found" in answer} | others
    return [
        f"❌ {where}: {item['what']} {item['name']}: {item['now']}, wanted: {item['then']}"
        for where, items in found.items()
        for item in items
    ]
