# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of managers whose ledger is damaged or cannot be read."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from ansible_collections.halobuzz.platform.plugins.filter import releases
from ansible_collections.halobuzz.platform.plugins.module_utils import _ledger

LEDGER = _ledger.added("", {"at": "2026-01-01T00:00:00Z", "release": 1, "event": "started"})


def slurped(text: str) -> dict[str, Any]:
    return {"content": b64encode(text.encode()).decode()}


def test_a_silent_manager_is_named_and_the_ledger_comes_from_the_others() -> None:
    answers: dict[str, dict[str, Any]] = {
        "node1": slurped(LEDGER),
        "node2": {"unreachable": True, "msg": "Failed to connect\nto the host via ssh"},
        "node3": {"msg": "Timed out after 30 second(s)."},
    }
    assert releases.ledger_text(answers) == LEDGER
    assert releases.ledger_problems(answers) == []
    unread = releases.unread_ledgers(answers)
    assert [line.split(":")[0] for line in unread] == ["node2", "node3"]
    assert "Failed to connect" in unread[0]
    assert "to the host" not in unread[0]  # one line each


def test_before_the_first_release_there_is_nothing_to_read() -> None:
    # As slurp says it, in ansible-core 2.19 and 2.21.
    answers = {"node1": {"msg": "File not found: /var/lib/halobuzz/stack/ledger.jsonl"}}
    assert releases.unread_ledgers(answers) == releases.ledger_problems(answers) == []
    assert releases.ledger_text(answers) == ""


def test_a_damaged_copy_is_no_silent_one() -> None:
    answers = {"node1": slurped("x" + LEDGER)}
    assert releases.unread_ledgers(answers) == []
    assert releases.ledger_problems(answers)[0].startswith("node1: the ledger is damaged: line 1")
