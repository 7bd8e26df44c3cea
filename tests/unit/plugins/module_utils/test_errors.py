# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every code has its cause and its next command."""

from __future__ import annotations

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ERROR_TEXTS, ErrorCode, failure


def test_every_code_has_a_text() -> None:
    assert set(ERROR_TEXTS) == set(ErrorCode)
    for code, text in ERROR_TEXTS.items():
        assert text.cause.endswith("."), code
        assert text.next_command, code


def test_failure_says_code_reason_and_next_command() -> None:
    result = failure(ErrorCode.E_IMAGE, "halobuzz/backend:v9 is not there")
    assert result["failed"] is True
    assert result["error_code"] == "E_IMAGE"
    assert str(result["msg"]).startswith("E_IMAGE: halobuzz/backend:v9 is not there\nNext: ")


def test_failure_takes_a_more_exact_next_command() -> None:
    assert str(failure(ErrorCode.E_IMAGE, "x", "do this")["msg"]).endswith("Next: do this")
