# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy of the configuration opens with its password and with nothing else, and names differences without values."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.halobuzz.platform.plugins.plugin_utils.config_copy import (
    CopyError,
    closed,
    differences,
    opened,
    summary,
)

PARTS: dict[str, dict[str, Any]] = {
    "settings": {"LOG_LEVEL": "warn", "PORT": 4000, "FLAG": True},
    "secrets": {"JWT_SECRET": "canary 'é\u202e\n$HOME {{ x }}"},
    "platform_secrets": {"redis_admin_password": "canary too"},
    "files": {"backend": "JWT_SECRET='canary'\n"},
}


def test_what_goes_in_comes_out() -> None:
    text = closed(PARTS, "right")
    assert opened(text, "right") == PARTS
    assert "canary" not in text
    assert summary(text, "right") == {"problem": "", "settings": 3, "secrets": 2, "services": 1}


def test_without_a_password_there_is_no_copy() -> None:
    assert closed(PARTS, "") == ""


def _encrypted(text: str) -> str:
    return str(VaultLib(secrets=[("default", VaultSecret(b"right"))]).encrypt(text.encode()).decode())


@pytest.mark.parametrize(
    ("text", "password", "reason"),
    [
        (closed(PARTS, "right"), "wrong", "not the one it was made with"),
        (closed(PARTS, "right"), "", "not the one it was made with"),
        (closed(PARTS, "right")[:-40], "right", "damaged"),
        (closed(PARTS, "right").replace("3", "4"), "right", "damaged"),
        ("LOG_LEVEL=canary", "right", "no encrypted copy"),
        ("", "right", "no encrypted copy"),
        (_encrypted("config_secrets: canary"), "right", "holds no configuration"),
        (_encrypted('{"settings": {}}'), "right", "holds no configuration"),
        (_encrypted("[]"), "right", "holds no configuration"),
    ],
)
def test_what_cannot_be_opened_is_told_why(text: str, password: str, reason: str) -> None:
    with pytest.raises(CopyError, match=reason) as refused:
        opened(text, password)
    assert "canary" not in str(refused.value)
    assert reason in summary(text, password)["problem"]


def test_differences_are_names() -> None:
    copy = {"SAME": "1", "OTHER": "old", "GONE": "x", "EMPTY": "y"}
    now = {"SAME": 1, "OTHER": "new", "EMPTY": "", "NEW": "z"}
    assert differences(copy, now, "stays") == {
        "EMPTY": "comes back",
        "GONE": "comes back",
        "NEW": "stays",
        "OTHER": "changes",
    }
    assert differences(copy, copy, "stays") == {}
