# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a file of NAME=value lines as dotenv libraries do, and name whatever another reader would take differently. Pure logic."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.halobuzz.platform.plugins.module_utils._config_findings import Finding

_ASSIGNMENT = re.compile(
    r"^(?P<export>export\s+)?(?P<name>[^=\s]*)(?P<before>\s*)=(?P<after>[ \t]*)(?P<rest>.*)$", re.DOTALL
)
# A line of a key that nobody put into quotes also has an "=" (base64 ends with it): what could be one is never shown as a name.
_PLAUSIBLE_NAME = re.compile(
    r"^([A-Z0-9.-]{0,12}|[a-z0-9.-]{0,12}|[A-Z0-9.-]*(_[A-Z0-9.-]*)+|[a-z0-9.-]*(_[a-z0-9.-]*)+|[A-Z-]+)$"
)
_LONGEST_NAME = 64
_QUOTES = "\"'`"
_COMMENT = re.compile(r"\s+#.*$")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


@dataclass(frozen=True)
class Entry:
    """One setting: ``line`` is 0 where it does not come from a file; ``plain`` where it stands among the plain settings."""

    name: str
    value: str
    line: int = 0
    plain: bool = False


def _decoded(data: bytes) -> tuple[str, list[Finding]]:
    findings = []
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        findings.append(Finding("encoding-not-utf8", "", 1, "the file is UTF-16", "iconv -f utf-16 -t utf-8"))
        return data.decode("utf-16", errors="replace"), findings
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        fix = "save it as UTF-8 without a mark: sed -i '1s/^\\xef\\xbb\\xbf//' FILE"
        findings.append(Finding("encoding-byte-order-mark", "", 1, "the file begins with a byte order mark", fix))
    try:
        return data.decode("utf-8"), findings
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = "a byte that is no UTF-8"
        findings.append(
            Finding("encoding-not-utf8", "", line, reason, "iconv -f iso-8859-1 -t utf-8, or the right one")
        )
        return data.decode("latin-1"), findings


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(0)), text, flags=re.DOTALL)


def _closing(text: str, quote: str) -> int:
    """Return where a quoted text ends, -1 where it does not: a backslash keeps a double quote from closing."""
    position = 1
    while position < len(text):
        if text[position] == "\\" and quote == '"':
            position += 2
            continue
        if text[position] == quote:
            return position
        position += 1
    return -1


def parse(data: bytes) -> tuple[list[Entry], list[Finding]]:
    """Read a file's bytes; return its settings in order, duplicates included, and what is wrong with how it is written.

    Values follow the dotenv convention (github.com/motdotla/dotenv): quotes are taken off, ``\\n`` in double quotes is a line end, a
    quoted value may have several lines, `` #`` begins a comment after a value that is not quoted.
    """
    text, findings = _decoded(data)
    if "\r" in text:
        first = text[: text.index("\r")].count("\n") + 1
        findings.append(
            Finding("encoding-carriage-return", "", first, "lines end with a carriage return", "sed -i 's/\\r$//' FILE")
        )
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    entries: list[Entry] = []
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line, here = lines[number], number + 1
        number += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ASSIGNMENT.match(line.lstrip())
        if not match or not _PLAUSIBLE_NAME.match(match["name"]) or len(match["name"]) > _LONGEST_NAME:
            fix = "write NAME=value, put # before a comment, and a value of several lines into quotes"
            findings.append(Finding("line-malformed", "", here, "not NAME=value", fix))
            continue
        name, rest = match["name"], match["rest"]
        if match["export"]:
            findings.append(Finding("line-export", name, here, "begins with export", "remove the word"))
        if match["before"] or (match["after"] and rest):
            findings.append(Finding("line-spaces-around-equals", name, here, "has spaces around =", "remove them"))
        if rest[:1] in _QUOTES and rest:
            quote = rest[0]
            end, last = _closing(rest, quote), number
            while end < 0 and last < len(lines):
                rest, last = f"{rest}\n{lines[last]}", last + 1
                end = _closing(rest, quote)
            after = _COMMENT.sub("", rest[end + 1 :]).strip() if end >= 0 else ""
            if end < 0 or (after and not after.startswith("#")):
                reason = f"has a {quote} without its other" if end < 0 else f"goes on after the closing {quote}"
                findings.append(
                    Finding("quote-unbalanced", name, here, reason, "close it, or use the other kind of quote")
                )
                entries.append(Entry(name, match["rest"].strip().lstrip(quote), here))
                continue
            number = last
            value = rest[1:end]
            entries.append(Entry(name, _unescaped(value) if quote == '"' else value, here))
            continue
        value = _COMMENT.sub("", rest)
        if value != value.rstrip():
            findings.append(
                Finding(
                    "value-surrounding-space", name, here, "has white space at its end", "remove it, or quote the value"
                )
            )
        entries.append(Entry(name, "" if value.startswith("#") else value.strip(), here))
    return entries, findings
