# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings arrive byte for byte, or are refused with the reason and without the value."""

from __future__ import annotations

import json
import subprocess

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._environment import (
    EnvironmentRefused,
    environment_file,
    environment_files,
    settings_changes,
    settings_of,
    settings_record,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SERVICE = {
    "name": "backend",
    "port": 5010,
    "environment": ["TZ"],
    "secrets": ["JWT_SECRET"],
    "aliases": {"JWT": "JWT_SECRET"},
}


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=200))
def test_value_arrives_byte_for_byte_when_a_shell_reads_the_file(value: str) -> None:
    script = "set -a; . /dev/stdin; set +a; exec env -0"
    done = subprocess.run(["sh", "-c", script], input=environment_file({"X": value}).encode(), capture_output=True)
    assert b"X=" + value.encode() in done.stdout.split(b"\0"), done.stderr


@pytest.mark.parametrize(
    "value", ["$HOME ${X} `id` $(id)", "it's", 'a "quoted" one', "two\nlines\n", "{{ 7*7 }}", "\u202e", "é"]
)
def test_hostile_value_is_not_executed_when_a_shell_reads_the_file(value: str) -> None:
    script = 'set -a; . /dev/stdin; set +a; printf %s "$X"'
    done = subprocess.run(["sh", "-c", script], input=environment_file({"X": value}).encode(), capture_output=True)
    assert done.stdout == value.encode()


def test_service_gets_its_own_names_only_and_aliases() -> None:
    found, problems = settings_of(SERVICE, {"TZ": "UTC", "OTHER": "x"}, {"JWT_SECRET": "s", "STRIPE": "y"})
    assert found == {"TZ": "UTC", "JWT_SECRET": "s", "JWT": "s"}
    assert problems == []


def test_what_is_not_given_is_left_out() -> None:
    assert settings_of(SERVICE, {}, {"JWT_SECRET": ""}) == ({}, [])


def test_every_problem_is_reported_at_once_and_no_value_shown() -> None:
    services = [SERVICE, {**SERVICE, "name": "ai", "secrets": ["KEY"], "aliases": {"A": "NOWHERE"}}]
    with pytest.raises(EnvironmentRefused) as refused:
        environment_files(services, {"TZ": "UTC\0canary-value"}, {})
    text = str(refused.value)
    assert "A: alias of NOWHERE" in text
    assert "TZ: holds a NUL byte" in text
    assert "canary-value" not in text


def test_value_longer_than_linux_allows_is_refused() -> None:
    with pytest.raises(EnvironmentRefused, match="131,071"):
        environment_files([SERVICE], {}, {"JWT_SECRET": "x" * 131_072})


def test_port_of_the_catalogue_is_what_the_service_gets() -> None:
    files = environment_files([{**SERVICE, "environment": ["PORT"]}], {"PORT": "1"}, {"JWT_SECRET": "s"})
    assert "PORT='5010'\n" in files["backend"]


def test_changed_settings_are_named_without_a_value() -> None:
    old = {"backend": {"LOG_LEVEL": "info", "JWT_SECRET": "canary-old", "PORT": "5010"}, "gone": {"PORT": "1"}}
    new = {"backend": {"LOG_LEVEL": "debug", "JWT_SECRET": "canary-new", "PORT": "5010", "TZ": "UTC"}}
    record = settings_record(old)
    assert "canary" not in record
    assert settings_changes(record, old) == []
    lines = settings_changes(record, new)
    assert [line.rpartition(": ")[0] for line in lines] == [
        "backend: JWT_SECRET",
        "backend: LOG_LEVEL",
        "backend: TZ",
        "gone: PORT",
    ]
    assert lines[2].startswith("backend: TZ: not set → ")
    assert lines[3].endswith(" → not set")
    assert "canary" not in "".join(lines)
    assert settings_changes("", new) == []


def test_a_fingerprint_says_nothing_without_its_key() -> None:
    assert settings_record({"backend": {"TZ": "UTC"}}) == settings_record({"backend": {"TZ": "UTC"}})
    one = json.loads(settings_record({"backend": {"TZ": "UTC", "OTHER": "1"}}))
    two = json.loads(settings_record({"backend": {"TZ": "UTC", "OTHER": "2"}}))
    assert one["services"]["backend"]["TZ"] != two["services"]["backend"]["TZ"]
