# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a Docker engine: a socket that answers, and one that is not there."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _docker_engine as engine


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = (200, json.dumps({"path": self.path})) if self.path.startswith("/info") else (404, "")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *args: object) -> None:
        del args


@pytest.fixture
def socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = str(tmp_path / "docker.sock")
    monkeypatch.setattr(engine, "DOCKER_SOCKET", path)
    with socketserver.UnixStreamServer(path, Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@pytest.mark.usefixtures("socket")
def test_answers_come_with_their_status() -> None:
    assert engine.docker("/info") == (200, b'{"path": "/info"}')
    assert engine.docker_json(engine.filtered("/info", label=["a=b"]))[1]["path"].startswith("/info?filters=%7B")
    assert engine.docker_json("/nowhere") == (404, None)


def test_no_engine_is_status_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "DOCKER_SOCKET", str(tmp_path / "nothing"))
    assert engine.docker("/info")[0] == 0
    assert engine.docker_json("/info") == (0, None)


def test_a_rolling_restart_is_no_change_of_the_template_and_a_limit_is() -> None:
    def service(**template: object) -> dict[str, object]:
        return {"Spec": {"TaskTemplate": {"ContainerSpec": {"Image": "i"}, **template}}}

    plain = engine.template_sha256(service())
    assert engine.template_sha256(service(ForceUpdate=3)) == plain
    assert engine.template_sha256(service(Resources={"Limits": {"MemoryBytes": 1}})) != plain
    network = {"Target": "mweztvzskmsk94dj3m8g9jqf6", "Aliases": ["backend"]}
    before_a_stop = engine.template_sha256(service(Networks=[network]))
    assert (
        engine.template_sha256(service(Networks=[{**network, "Target": "9tlvpry771dhj4h5xde7xax9u"}])) == before_a_stop
    )
    assert engine.template_sha256(service(Networks=[network, {"Target": "another"}])) != before_a_stop
