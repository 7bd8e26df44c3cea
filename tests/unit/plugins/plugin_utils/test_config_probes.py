# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes against a server that answers as the providers document it; the providers themselves cannot be had here."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._database_probe import FAILED, NOT_CHECKED, PASSED
from ansible_collections.halobuzz.platform.plugins.plugin_utils.config_probes import PROBES, ask

VALUES = {
    "STRIPE_SECRET_KEY": "sk_live_" + "s" * 24,
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "t" * 32,
    "TWILIO_PHONE_NUMBER": "+61400000001",
    "SENDGRID_API_KEY": "SG.a.b",
    "OPENAI_API_KEY": "sk-" + "o" * 40,
    "KHALTI_SECRET_KEY": "live_secret_key_" + "k" * 32,
    "ESEWA_MERCHANT_ID": "NP-ES-X",
    "AGORA_APP_ID": "a" * 32,
    "AGORA_APP_CERT": "c" * 32,
}
ACCOUNT = f"/2010-04-01/Accounts/{VALUES['TWILIO_ACCOUNT_SID']}"


class Provider(BaseHTTPRequestHandler):
    """Gives the prepared answers by path, and keeps what was asked."""

    answers: dict[str, tuple[int, Any]] = {}
    asked: list[tuple[str, str, str]] = []

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        self.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = self.answers.get(path, (404, {"detail": "Not found."}))
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[tuple[type[Provider], str]]:
    Provider.answers, Provider.asked = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield Provider, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


GOOD: dict[str, dict[str, tuple[int, Any]]] = {
    "stripe": {"/v1/balance": (200, {"object": "balance", "livemode": True})},
    "twilio": {
        f"{ACCOUNT}.json": (200, {"status": "active"}),
        f"{ACCOUNT}/IncomingPhoneNumbers.json": (
            200,
            {"incoming_phone_numbers": [{"phone_number": VALUES["TWILIO_PHONE_NUMBER"]}]},
        ),
    },
    "sendgrid": {"/v3/scopes": (200, {"scopes": ["mail.send"]})},
    "openai": {"/v1/models": (200, {"data": []})},
    "khalti": {"/api/v2/epayment/lookup/": (404, {"detail": "Not found."})},
    "esewa": {"/api/epay/transaction/status/": (200, {"status": "NOT_FOUND"})},
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_accepted_passes(name: str, provider: tuple[type[Provider], str]) -> None:
    server, base = provider
    server.answers = GOOD[name]
    assert ask(PROBES[name], VALUES, base, 5)[0] == PASSED
    assert len(server.asked) == len(GOOD[name])


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    ("status", "state"), [(401, FAILED), (403, NOT_CHECKED), (429, NOT_CHECKED), (503, NOT_CHECKED), (407, NOT_CHECKED)]
)
def test_a_refusal_is_not_the_same_as_no_answer(
    name: str, status: int, state: str, provider: tuple[type[Provider], str]
) -> None:
    server, base = provider
    server.answers = {path: (status, {"error": VALUES["STRIPE_SECRET_KEY"]}) for path in GOOD[name]}
    outcome = ask(PROBES[name], VALUES, base, 5)
    if name == "esewa":  # takes no key, so it cannot refuse one
        state = NOT_CHECKED
    assert outcome[0] == state
    assert not any(value in text for value in VALUES.values() for text in outcome)


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("sendgrid", {"/v3/scopes": (200, {"scopes": ["stats.read"]})}, "may not send mail"),
        ("twilio", {f"{ACCOUNT}.json": (200, {"status": "suspended"})}, "not active"),
        (
            "twilio",
            {f"{ACCOUNT}/IncomingPhoneNumbers.json": (200, {"incoming_phone_numbers": []})},
            "not one of the account's numbers",
        ),
    ],
)
def test_accepted_but_not_enough_fails(
    name: str, changed: dict[str, Any], reason: str, provider: tuple[type[Provider], str]
) -> None:
    server, base = provider
    server.answers = {**GOOD[name], **changed}
    state, said, fix = ask(PROBES[name], VALUES, base, 5)
    assert (state, bool(fix)) == (FAILED, True)
    assert reason in said


def test_the_key_travels_in_the_header_alone(provider: tuple[type[Provider], str]) -> None:
    server, base = provider
    for name, answers in GOOD.items():
        server.answers = answers
        ask(PROBES[name], VALUES, base, 5)
    secret = [value for key, value in VALUES.items() if key.endswith(("KEY", "TOKEN"))]
    assert not any(value in path for value in secret for _method, path, _login in server.asked)
    assert {method for method, path, _login in server.asked if "lookup" not in path} == {"GET"}


@pytest.mark.parametrize("name", GOOD)
def test_nobody_there_is_not_checked(name: str) -> None:
    state, reason, fix = ask(PROBES[name], VALUES, "http://127.0.0.1:9", 2)
    assert state == NOT_CHECKED
    assert "does not answer" in reason
    assert fix


def test_a_page_instead_of_an_answer_is_not_checked(provider: tuple[type[Provider], str]) -> None:
    server, base = provider
    server.answers = {"/v1/balance": (200, b"<html>Please log in to the hotel's network</html>")}
    assert ask(PROBES["stripe"], VALUES, base, 5)[0] == NOT_CHECKED


@pytest.mark.parametrize(
    ("name", "body"),
    [("sendgrid", {"scopes": None}), ("twilio", {"status": "active", "incoming_phone_numbers": ["a number"]})],
)
def test_an_answer_of_another_form_is_not_checked(name: str, body: Any, provider: tuple[type[Provider], str]) -> None:
    server, base = provider
    server.answers = dict.fromkeys(GOOD[name], (200, body))
    assert ask(PROBES[name], VALUES, base, 5)[0] == NOT_CHECKED


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"S3_ENDPOINT": "ftp//x"}, "S3_ENDPOINT"), ({"S3_BUCKET": "a/b?c"}, "S3_BUCKET")],
)
def test_an_s3_that_cannot_be_asked_is_named(changed: dict[str, str], reason: str) -> None:
    values = {"S3_ACCESS_KEY": "a" * 20, "S3_SECRET_KEY": "b" * 40, "S3_BUCKET": "media", "S3_REGION": "us-east-1"}
    state, said, fix = ask(PROBES["s3"], {**values, "S3_ENDPOINT": "http://127.0.0.1:9", **changed}, "", 1)
    assert (state, bool(fix)) == (FAILED, True)
    assert reason in said
    assert ask(PROBES["s3"], {**values, "S3_ENDPOINT": "http://127.0.0.1:9"}, "", 1)[0] == NOT_CHECKED


def test_what_is_not_set_is_named_and_nobody_is_asked() -> None:
    state, reason, _fix = ask(PROBES["twilio"], {"TWILIO_ACCOUNT_SID": "AC1"}, "http://127.0.0.1:9", 2)
    assert (state, reason) == (NOT_CHECKED, "not set: TWILIO_AUTH_TOKEN, TWILIO_PHONE_NUMBER")


def test_a_key_that_no_header_can_hold_fails() -> None:
    state, reason, _fix = ask(PROBES["stripe"], {"STRIPE_SECRET_KEY": "sk_live_\u2013x"}, "http://127.0.0.1:9", 2)
    assert state == FAILED
    assert "characters" in reason


def test_agora_is_honestly_not_checked() -> None:
    assert ask(PROBES["agora"], VALUES, "", 2)[0] == NOT_CHECKED
