# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts did not do what they were asked, and why, from what each of them registered."""

from __future__ import annotations

from ansible_collections.halobuzz.platform.plugins.filter.operations import failed_answers


def test_hosts_that_failed_or_fell_silent_are_named_with_the_first_line_of_the_reason() -> None:
    answers = {
        "node1": {"changed": True},
        "node2": {"failed": True, "error_code": "E_NO_SPACE", "msg": "E_NO_SPACE: /var is full\nNext: df"},
        "node3": {"unreachable": True, "msg": "timed out\nConnection closed"},
        "node4": {},
        "node5": {"skipped": True},
    }
    assert failed_answers(answers) == {
        "reasons": ["node2: E_NO_SPACE: /var is full", "node3: timed out"],
        "code": "E_NO_SPACE",
    }


def test_a_silent_host_alone_has_a_code_of_its_own_and_nothing_bad_has_none() -> None:
    assert failed_answers({"node3": {"unreachable": True}}) == {
        "reasons": ["node3: no answer"],
        "code": "E_HOST_UNREACHABLE",
    }
    assert failed_answers({"node1": {"changed": False}}) == {"reasons": [], "code": ""}
