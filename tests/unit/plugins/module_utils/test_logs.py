# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs: a real stream of the engine, and what hostile lines may not do."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _logs

RECORDED = Path(__file__).parents[2] / "fixtures" / "operations"


def stream(*lines: str) -> bytes:
    return b"".join(struct.pack(">BxxxI", 1, len(line.encode())) + line.encode() for line in lines)


def test_recorded_stream_is_split_into_time_and_text() -> None:
    lines = _logs.lines_of((RECORDED / "backend.log").read_bytes(), "backend.1", "")
    assert len(lines) == 6
    assert lines[0] == [
        "2026-11-24T13:03:11.797420205",
        "backend.1",
        "2026-11-24T13:03:11.797Z info GET /version 200 1ms",
    ]


def test_lines_up_to_the_cursor_are_left_out() -> None:
    lines = _logs.lines_of((RECORDED / "backend.log").read_bytes(), "backend.1", "2026-11-24T13:03:12.113513973")
    assert [line[0] for line in lines] == ["2026-11-24T13:03:12.119516258"]


def test_control_characters_and_colours_are_taken_out() -> None:
    hostile = "2026-11-24T13:00:00.000000000Z \x1b[31mred\x1b[0m\x07 \x1b]0;title\x07 a\u202eb\rc\x0bd\n"
    text = _logs.lines_of(stream(hostile), "backend.1", "")[0][2]
    assert text == "red ]0;title abcd"


def test_sources_are_named_for_service_and_slot() -> None:
    found = {
        _logs.source_of(one, "halobuzz", ["mongodb"]) for one in json.loads((RECORDED / "containers.json").read_text())
    }
    assert ("edge", "edge") in found
    assert ("mongodb", "mongodb") in found
    assert any(service == "backend" and source.startswith("backend.") for service, source in found)
    assert ("", "") in found  # redis-queue, which was not asked for


def test_merge_is_in_the_order_of_time_and_bounded_per_service() -> None:
    def line(second: int, source: str) -> list[str]:
        return [f"2026-11-24T13:00:{second:02}.000000000", source, f"line {second}"]

    merged = _logs.merge(
        {"node1": [line(1, "backend.1"), line(4, "backend.1")], "node2": [line(3, "backend.2"), line(2, "edge")]}, 2
    )
    assert merged == [
        "edge@node2      | 13:00:02 line 2",
        "backend.2@node2 | 13:00:03 line 3",
        "backend.1@node1 | 13:00:04 line 4",
    ]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400), ("45", 45)])
def test_durations(text: str, seconds: int) -> None:
    assert _logs.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "10 minutes", "-5m", "1.5h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        _logs.seconds_of(text)


def test_a_stamp_becomes_the_engines_since() -> None:
    assert _logs.unix_time("2026-11-24T13:03:11.797420205") == "1795525391.797420205"


def test_following_reads_from_the_cursor_and_finds_new_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def docker(path: str) -> tuple[int, bytes]:
        asked.append(path)
        recorded = RECORDED / ("containers.json" if path.startswith("/containers/json") else "backend.log")
        return 200, recorded.read_bytes()

    monkeypatch.setattr(_logs, "docker", docker)
    parameters = {"stack": "halobuzz", "data": [], "service": "backend", "lines": 3, "since_seconds": 0}
    first = _logs.main(parameters)
    assert "tail=3" in asked[1]
    assert {"backend", "edge"} <= set(first["services"])
    second = _logs.main({**parameters, "cursors": first["cursors"]})
    assert f"since={_logs.unix_time('2026-11-24T13:03:12.119516258')}" in asked[-1]
    assert second["lines"] == []
    third = _logs.main({**parameters, "cursors": {"": "2026-11-24T13:03:12.000000000"}})
    assert third["lines"]
