# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No form of a secret survives."""

from __future__ import annotations

import base64
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._redact import redact

SECRET = "Ca$n\"a'r/y é 0123456789 abcdef"

FORMS = {
    "raw": SECRET,
    "json": json.dumps(SECRET),
    "json with unicode": json.dumps(SECRET, ensure_ascii=False),
    "repr": repr(SECRET),
    "percent": quote(SECRET, safe=""),
    "percent with plus": quote_plus(SECRET),
    "shell": shlex.quote(SECRET),
}


@pytest.mark.parametrize("form", FORMS)
def test_form_is_redacted(form: str) -> None:
    text = redact(f"before {FORMS[form]} after", [SECRET])
    assert "0123456789" not in text
    assert text.startswith("before ")
    assert text.endswith(" after")


@pytest.mark.parametrize("lead", ["", "x", "xy", "xyz"])
def test_base64_is_redacted_at_every_alignment(lead: str) -> None:
    encoded = base64.b64encode((lead + SECRET + "tail").encode()).decode()
    cleaned = redact(encoded, [SECRET])
    assert "[redacted]" in cleaned
    assert len(cleaned.replace("[redacted]", "")) <= 14


def test_short_values_are_left_alone() -> None:
    assert redact("true and false", ["true"]) == "true and false"
