# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strength, placeholders and addresses: what the corpus of whole configurations does not say by itself."""

from __future__ import annotations

import base64
import secrets

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._config_values import (
    TYPES,
    entropy_bits,
    hosts_of,
    is_local,
    is_placeholder,
    remedy,
    value_problems,
)
from hypothesis import given
from hypothesis import strategies as st


def test_what_openssl_makes_is_strong_enough() -> None:
    for _ in range(200):
        value = base64.b64encode(secrets.token_bytes(48)).decode()
        assert entropy_bits(value) > 200
        assert not is_placeholder(value), value


@pytest.mark.parametrize("value", ["uqcxQ6Vg99+foO", "BaR/E/PmKYfZwy", "dGJk/tbD+aqUfZ"])
def test_a_short_word_by_chance_is_no_placeholder(value: str) -> None:
    assert not is_placeholder(value)


def test_what_hex_makes_is_strong_enough() -> None:
    assert min(entropy_bits(secrets.token_hex(32)) for _ in range(200)) > 180


@pytest.mark.parametrize("value", ["a" * 64, "ab" * 32, "password" * 8, "0123456789" * 7, ""])
def test_what_repeats_itself_is_weak(value: str) -> None:
    assert entropy_bits(value) < 200


@pytest.mark.parametrize(
    "value",
    [
        "your-agora-app-id",
        "changeme",
        "CHANGE_ME",
        "change-this",
        "replace_me",
        "<secret>",
        "xxxxxxxx",
        "TODO",
        "...",
        "my_secret_x",
        "tbd",
    ],
)
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    ["halobuzz-media", "https://halobuzz.lab", "Australia/Sydney", "live_secret_key_7c1e9a4f", "info", "NP-ES-0099"],
)
def test_no_placeholders(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("0.0.0.0", True),
        ("app.localhost", True),
        ("10.0.0.1", False),
        ("ai-engine", False),
    ],
)
def test_local_hosts(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_hosts_of_a_uri_with_an_open_password() -> None:
    assert hosts_of("mongodb://user:p@ss@a.lab:27017,[fd00::1]:27017/db", "mongodb_uri") == [
        "a.lab",
        "[fd00::1]",
    ]  # pragma: allowlist secret


@given(st.text(max_size=80), st.sampled_from(TYPES))
def test_no_value_is_too_strange_to_be_judged(value: str, kind: str) -> None:
    value_problems(value, {"type": kind, "choices": ["a"], "secret": True, "min_length": 8, "min_entropy_bits": 40})


def test_the_remedy_makes_what_the_pattern_wants() -> None:
    key = {"secret": True, "pattern": "^[0-9a-f]{64}$", "generate": {"bytes": 32, "form": "hex"}}
    assert value_problems("short", key) == [
        ("key-malformed", "does not look like this kind of value", "make a new one: openssl rand -hex 32")
    ]
    assert remedy({"obtain": "the bank", "secret": True}) == "the bank"
    assert remedy({"type": "url"}) == "set it"
