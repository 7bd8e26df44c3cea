# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS Secrets Manager alone can do to a run: refusals, told apart."""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils import (
    secret_store_aws,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_aws import AwsStore
from conftest import KEYS, code_of


def test_aws_no_credentials_at_all(aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert code_of(AwsStore("halobuzz", "us-east-1", aws).read) is ErrorCode.E_STORE_LOGIN


def test_aws_nothing_answers() -> None:
    store = AwsStore("halobuzz", "us-east-1", "http://127.0.0.1:9", **KEYS)
    assert code_of(store.read) is ErrorCode.E_STORE_UNREACHABLE


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, "UnrecognizedClientException", ErrorCode.E_STORE_LOGIN),
        (400, "AccessDeniedException", ErrorCode.E_STORE_DENIED),
        (400, "ThrottlingException", ErrorCode.E_STORE_THROTTLED),
        (503, "InternalServiceError", ErrorCode.E_STORE_UNREACHABLE),
        (400, "InvalidRequestException", ErrorCode.E_STORE_CONFLICT),
    ],
)
def test_aws_refusals_are_told_apart(status: int, error: str, code: ErrorCode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon's replies as its reference writes them: moto answers for Secrets Manager in the form of another service there."""

    class Refusal(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": error, "message": "as documented"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    monkeypatch.setattr(secret_store_aws, "ATTEMPTS", 1)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    store = AwsStore("halobuzz", "us-east-1", f"http://127.0.0.1:{server.server_port}", **KEYS)
    assert code_of(store.read) is code
    assert code_of(lambda: store.set("JWT_SECRET", "x")) is code
    server.shutdown()
