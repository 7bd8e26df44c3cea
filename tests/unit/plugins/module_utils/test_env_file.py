# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of NAME=value lines is read as dotenv libraries read it."""

from __future__ import annotations

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._env_file import parse
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=b", "b"),
        ("A=", ""),
        ("A=b=c==", "b=c=="),
        ("A=b#c", "b#c"),
        ("A=b # comment", "b"),
        ("A=# comment", ""),
        ("A='b # c'", "b # c"),
        ('A="b\\nc"', "b\nc"),
        ("A='b\\nc'", "b\\nc"),
        ('A="b \\"c\\""', 'b "c"'),
        ('A=`it\'s "so"`', 'it\'s "so"'),
        ('A="b\nc\nd" # comment', "b\nc\nd"),
        ('A="a\\\\"', "a\\"),
        ("  A=b", "b"),
    ],
)
def test_values(text: str, value: str) -> None:
    entries, findings = parse(f"# first\n{text}\nZ=last\n".encode())
    assert findings == []
    assert [(entry.name, entry.value) for entry in entries] == [("A", value), ("Z", "last")]
    assert entries[0].line == 2
    assert entries[1].line == 3 + text.count("\n")


def test_an_open_quote_does_not_swallow_the_rest() -> None:
    entries, findings = parse(b'A="b\nC=d\n')
    assert [finding.rule for finding in findings] == ["quote-unbalanced"]
    assert [entry.name for entry in entries] == ["A", "C"]


@given(st.binary(max_size=300))
def test_no_file_is_too_strange_to_be_read(data: bytes) -> None:
    entries, findings = parse(data)
    lines = data.count(b"\n") + data.count(b"\r") + 1
    for one in [*entries, *findings]:
        assert 1 <= one.line <= lines or data.startswith((b"\xff\xfe", b"\xfe\xff"))


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="'\r"), max_size=100))
def test_a_value_in_single_quotes_arrives_as_it_is(value: str) -> None:
    entries, findings = parse(f"A='{value}'\n".encode())
    assert (entries[0].value, findings) == (value, [])


@pytest.mark.parametrize(
    "line", ["Zm9vYmFyYmF6cXV4Zm9v==", "JBSWY3DPEHPK3PXP====", "9f86d081884c7d659a2feaa0c55ad015="]
)
def test_a_line_of_a_key_without_quotes_is_never_taken_for_a_name(line: str) -> None:
    entries, findings = parse(f"KEY_PEM=-----BEGIN\n{line}\n".encode())
    assert [entry.name for entry in entries] == ["KEY_PEM"]
    assert [(one.rule, one.line) for one in findings] == [("line-malformed", 2)]
    assert line.rstrip("=") not in str(findings)
