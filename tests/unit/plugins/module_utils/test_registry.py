# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry client against a small registry that asks for a token as Docker Hub does, over HTTP and TLS."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _registry
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MANIFEST = b'{"schemaVersion": 2}'
DIGEST = "sha256:" + hashlib.sha256(MANIFEST).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """``open/*`` needs nothing, ``private/*`` a token that is given to user:word only, ``bare/*`` sends no digest header."""

    seen: list[str] = []

    def log_message(self, *args):
        pass

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self):
        Handler.seen.append(self.path)
        sent = self.headers.get("Authorization", "")
        if self.path.startswith("/token?"):
            right = sent == "Basic " + base64.b64encode(b"user:word").decode()
            self.answer(200 if right else 401, body=json.dumps({"token": "t0ken"}).encode())
        elif self.path == "/v2/":
            self.answer(200)
        elif "missing" in self.path:
            self.answer(404)
        elif "limited" in self.path:
            self.answer(429)
        elif "/private/" in self.path and sent != "Bearer t0ken":
            realm = f"http://{self.headers['Host']}/token"
            challenge = f'Bearer realm="{realm}",service="test",scope="repository:private/app:pull"'
            self.answer(401, [("WWW-Authenticate", challenge)])
        elif "/bare/" in self.path:
            self.answer(200, body=MANIFEST)
        else:
            self.answer(200, [("Docker-Content-Digest", DIGEST)], MANIFEST)

    def do_HEAD(self):
        self.do_GET()


@pytest.fixture
def registry():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def certificate(address):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signed.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


@pytest.fixture
def tls_registry(tmp_path):
    public, private = certificate("127.0.0.2")
    (tmp_path / "both.pem").write_text(private + public)
    (tmp_path / "ca.pem").write_text(public)
    server = ThreadingHTTPServer(("127.0.0.2", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.2:{server.server_port}", tmp_path / "ca.pem"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("mongo:7.0", ("docker.io", "library/mongo", "7.0")),
        ("prom/prometheus:v2.53.3", ("docker.io", "prom/prometheus", "v2.53.3")),
        ("docker.io/mongo", ("docker.io", "library/mongo", "latest")),
        ("registry.lab:5000/halobuzz/backend", ("registry.lab:5000", "halobuzz/backend", "latest")),
        ("registry.lab:5000/redis:7.4", ("registry.lab:5000", "redis", "7.4")),
        ("localhost/a/b@sha256:0f", ("localhost", "a/b", "sha256:0f")),
        ("ghcr.io/x/y:1@sha256:0f", ("ghcr.io", "x/y", "sha256:0f")),
    ],
)
def test_references_are_split_as_docker_does(reference, expected):
    assert _registry.split_reference(reference) == expected


def test_a_tag_has_its_digest(registry):
    assert _registry.resolve(f"{registry}/open/app:1") == DIGEST


def test_the_digest_is_computed_when_the_registry_sends_none(registry):
    assert _registry.resolve(f"{registry}/bare/app:1") == DIGEST


def test_a_token_is_fetched_with_the_credentials(registry):
    assert _registry.resolve(f"{registry}/private/app:1", credentials=("user", "word")) == DIGEST


@pytest.mark.parametrize(
    ("path", "credentials", "outcome"),
    [
        ("missing/app:1", None, "not_found"),
        ("private/app:1", None, "unauthorised"),
        ("private/app:1", ("user", "wrong"), "unauthorised"),
        ("limited/app:1", None, "unreachable"),
    ],
)
def test_each_refusal_has_its_own_outcome(registry, path, credentials, outcome):
    with pytest.raises(_registry.RegistryError) as caught:
        _registry.resolve(f"{registry}/{path}", credentials=credentials)
    assert caught.value.outcome == outcome
    assert "wrong" not in caught.value.detail


def test_a_closed_port_is_unreachable():
    with pytest.raises(_registry.RegistryError) as caught:
        _registry.resolve("127.0.0.1:9/app:1")
    assert (caught.value.outcome, caught.value.detail) == ("unreachable", "127.0.0.1:9: connection refused")


def test_an_unknown_name_is_unreachable():
    with pytest.raises(_registry.RegistryError) as caught:
        _registry.resolve("registry.invalid/app:1")
    assert caught.value.detail == "registry.invalid: its name does not resolve"


def test_a_private_ca_is_needed_and_enough(tls_registry):
    address, ca_file = tls_registry
    with pytest.raises(_registry.RegistryError) as caught:
        _registry.resolve(f"{address}/open/app:1")
    assert caught.value.outcome == "certificate"
    assert _registry.resolve(f"{address}/open/app:1", str(ca_file)) == DIGEST
    assert _registry.resolve(f"{address}/open/app:1", ca_pem=ca_file.read_text()) == DIGEST


def test_a_password_is_not_sent_to_a_token_server_without_tls(tls_registry):
    address, ca_file = tls_registry
    with pytest.raises(_registry.RegistryError, match="without TLS"):
        _registry.resolve(f"{address}/private/app:1", str(ca_file), ("user", "word"))


def test_a_port_without_tls_is_unreachable():
    server = ThreadingHTTPServer(("127.0.0.2", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with pytest.raises(_registry.RegistryError) as caught:
        _registry.resolve(f"127.0.0.2:{server.server_port}/app:1")
    server.shutdown()
    server.server_close()
    assert caught.value.outcome == "unreachable"


def test_many_references_are_answered_at_once_and_in_order(registry):
    references = [f"{registry}/open/app:1", f"{registry}/missing/app:1", "127.0.0.1:9/x"]
    images = _registry.main({"references": references})["images"]
    assert [images[reference]["outcome"] for reference in references] == ["found", "not_found", "unreachable"]
    assert list(images) == references


def test_credentials_go_to_their_own_registry_only(registry):
    parameters = {"references": [f"{registry}/private/app:1"], "credentials": {"other.registry": ["user", "word"]}}
    assert _registry.main(parameters)["images"][parameters["references"][0]]["outcome"] == "unauthorised"
    parameters["credentials"] = {registry: ["user", "word"]}
    assert _registry.main(parameters)["images"][parameters["references"][0]]["outcome"] == "found"


def test_a_registry_that_answers_is_found(registry):
    assert _registry.Registries({}).ping(registry) == {"outcome": "found", "detail": "open"}
