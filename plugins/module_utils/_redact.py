# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take secrets out of text that is about to be shown, in every form in which they usually appear. Pure logic."""

from __future__ import annotations

import base64
import json
import shlex
from urllib.parse import quote, quote_plus

# Shorter values would black out ordinary words; the validator refuses such secrets anyway (STATE-MACHINES L22).
_SHORTEST = 8
_MASK = "[redacted]"


def forms(secret: str) -> set[str]:
    """Return the forms in which a secret may stand in a log.

    Raw, JSON-escaped, Python repr, percent-encoded (both kinds), shell-quoted, and base64 in its three alignments (the part that
    does not depend on neighbouring bytes).
    """
    found = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        shlex.quote(secret),
    }
    raw = secret.encode()
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw).decode().rstrip("=")
        # The first characters mix in the padding bytes, the last ones what follows the secret.
        start = (lead * 8 + 5) // 6
        found.add(encoded[start:-1])
    return {form for form in found if len(form) >= _SHORTEST}


def redact(text: str, secrets: list[str]) -> str:
    """Replace every form of every secret by ``[redacted]``, the longest first."""
    every = {form for secret in secrets if len(secret) >= _SHORTEST for form in forms(secret)}
    for form in sorted(every, key=len, reverse=True):
        text = text.replace(form, _MASK)
    return text
