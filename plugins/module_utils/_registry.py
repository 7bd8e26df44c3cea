# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask an image registry whether it answers, and which digest a tag has now.

Standard library only and self-contained: it also runs on the hosts (plugin_utils/lean.py), because it is the host's
network, DNS and clock that will pull. Protocol: the OCI distribution specification, "Pulling manifests", and the bearer
token flow of distribution.github.io/distribution/spec/auth/token.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import threading
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Credentials = tuple[str, str]

# A tag may name one image or an index of images for several platforms; both are wanted as they are.
_MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_HUB = "docker.io"
_HUB_ADDRESS = "registry-1.docker.io"


class RegistryError(Exception):
    """A registry's refusal. ``outcome`` is ``not_found``, ``unauthorised``, ``unreachable`` or ``certificate``."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


def split_reference(reference: str) -> tuple[str, str, str]:
    """Split an image reference into ``(registry, repository, tag or digest)``, with Docker's own defaults.

    The first part is a registry when it holds a dot or a colon or is ``localhost``
    (docs.docker.com/reference/cli/docker/image/tag).
    """
    first, slash, rest = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, path = first, rest
    else:
        registry, path = _HUB, reference
    path, at, digest = path.partition("@")
    name, colon, tag = path.rpartition(":")
    if not colon or "/" in tag:
        name, tag = path, "latest"
    if registry in (_HUB, "index.docker.io", _HUB_ADDRESS):
        registry = _HUB
        name = name if "/" in name else f"library/{name}"
    return registry, name, digest if at else tag


def _tls(address: str, ca_file: str, ca_pem: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Where the Docker engine itself looks (docs.docker.com/engine/security/certificates).
    installed = f"/etc/docker/certs.d/{address}/ca.crt"
    try:
        for file in (ca_file, installed if os.path.exists(installed) else ""):
            if file:
                context.load_verify_locations(cafile=file)
        if ca_pem:
            context.load_verify_locations(cadata=ca_pem)
    except (OSError, ValueError) as error:
        raise RegistryError("certificate", f"the CA certificate cannot be read: {error}") from error
    return context


def _reason(error: Exception, seconds: float) -> str:
    if isinstance(error, socket.gaierror):
        return "its name does not resolve"
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return str(error) or type(error).__name__


class Registry:
    """One registry, with a token for each repository once it has been asked for.

    :param address: ``host[:port]`` as in an image reference; ``docker.io`` is Docker Hub. Plain HTTP is spoken with
        ``localhost`` only, as the Docker engine does.
    :param ca_file: file of a private CA on this machine, in addition to the system's.
    :param ca_pem: the same as text, for a host that does not have the file yet.
    :param credentials: user name and password (or token).
    :param timeout_seconds: for each request.
    """

    def __init__(
        self,
        address: str,
        ca_file: str = "",
        ca_pem: str = "",
        credentials: Credentials | None = None,
        timeout_seconds: float = 4.0,
    ) -> None:
        self.address = address
        self._endpoint = _HUB_ADDRESS if address == _HUB else address
        self._host = self._endpoint.rsplit(":", 1)[0]
        self._credentials = credentials
        self._timeout = timeout_seconds
        self._plain = self._host in ("localhost", "127.0.0.1")
        self._context = None if self._plain else _tls(address, ca_file, ca_pem)

    def _request(
        self, endpoint: str, plain: bool, method: str, path: str, headers: dict[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection: http.client.HTTPConnection
        if plain:
            connection = http.client.HTTPConnection(endpoint, timeout=self._timeout)
        else:
            connection = http.client.HTTPSConnection(endpoint, timeout=self._timeout, context=self._context)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        except ssl.SSLCertVerificationError as error:
            raise RegistryError(
                "certificate", f"the certificate of {endpoint} is not trusted: {error.verify_message}"
            ) from error
        except ssl.SSLError as error:
            raise RegistryError("unreachable", f"{endpoint}: no TLS is spoken there ({error.reason})") from error
        except (OSError, http.client.HTTPException) as error:
            raise RegistryError("unreachable", f"{endpoint}: {_reason(error, self._timeout)}") from error
        finally:
            connection.close()

    def _basic(self) -> dict[str, str]:
        if not self._credentials:
            return {}
        word = base64.b64encode(":".join(self._credentials).encode()).decode()
        return {"Authorization": f"Basic {word}"}

    def _authorisation(self, challenge: str) -> dict[str, str]:
        """Answer a ``WWW-Authenticate`` header; an empty answer means that there is nothing to answer with."""
        scheme, _space, rest = challenge.partition(" ")
        if scheme.lower() != "bearer":
            return self._basic() if scheme.lower() == "basic" else {}
        values = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = urlsplit(values.get("realm", ""))
        if realm.scheme != "https" and not self._plain:
            raise RegistryError(
                "unreachable", f"{self.address} wants the password sent to {realm.geturl()} without TLS"
            )
        query = urlencode([(key, values[key]) for key in ("service", "scope") if key in values])
        status, _headers, body = self._request(
            realm.netloc, realm.scheme == "http", "GET", f"{realm.path or '/'}?{query}", self._basic()
        )
        if status != 200:
            return {}
        try:
            answer = json.loads(body)
        except ValueError:
            return {}
        return {"Authorization": f"Bearer {answer.get('token') or answer.get('access_token')}"}

    def _get(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, http.client.HTTPMessage, bytes]:
        status, answer, body = self._request(self._endpoint, self._plain, method, path, headers)
        if status == 401:
            authorisation = self._authorisation(answer.get("WWW-Authenticate", ""))
            if authorisation:
                return self._request(self._endpoint, self._plain, method, path, {**headers, **authorisation})
        return status, answer, body

    def ping(self) -> str:
        """Reach ``/v2/`` and say whether it is open: an answer of 200 or 401 is a registry's ("Determining support").

        :raises RegistryError: for anything else.
        """
        status, _answer, _body = self._request(self._endpoint, self._plain, "GET", "/v2/", {})
        if status not in (200, 401):
            raise RegistryError("unreachable", f"{self.address} answers {status} to /v2/: that is not a registry")
        return "open" if status == 200 else "asks for credentials"

    def digest(self, repository: str, tag: str) -> str:
        """Return the digest (``sha256:…``) that a tag has now.

        :raises RegistryError: ``not_found``, ``unauthorised``, ``unreachable`` or ``certificate``.
        """
        path = f"/v2/{quote(repository)}/manifests/{quote(tag, safe=':')}"
        status, answer, body = self._get("HEAD", path, {"Accept": _MANIFEST_TYPES})
        if status == 200 and not answer.get("Docker-Content-Digest"):
            status, answer, body = self._get("GET", path, {"Accept": _MANIFEST_TYPES})
        name = f"{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"
        if status == 200:
            return answer.get("Docker-Content-Digest") or f"sha256:{hashlib.sha256(body).hexdigest()}"
        if status == 404:
            raise RegistryError("not_found", f"{self.address} has no image {name}")
        if status in (401, 403):
            who = "refuses our credentials for" if self._credentials else "asks for credentials, or has no image,"
            raise RegistryError("unauthorised", f"{self.address} {who} {name}")
        if status == 429:
            raise RegistryError("unreachable", f"{self.address} has a pull limit, and it is used up (429) at {name}")
        raise RegistryError("unreachable", f"{self.address} answers {status} to {name}")


def resolve(
    reference: str,
    ca_file: str = "",
    credentials: Credentials | None = None,
    *,
    ca_pem: str = "",
    timeout_seconds: float = 4.0,
) -> str:
    """Return the digest (``sha256:…``) of an image reference such as ``registry.example.com:5000/mongo:7.0``.

    :raises RegistryError: ``not_found``, ``unauthorised``, ``unreachable`` or ``certificate``.
    """
    address, repository, tag = split_reference(reference)
    registry = Registry(address, ca_file, ca_pem, credentials, timeout_seconds)
    return registry.digest(repository, tag)


class Registries:
    """All registries of one run, each made once: reading the system's certificates takes longer than asking for a digest.

    :param parameters: ``{certificates: {address: PEM}, credentials: {address: [user, password]}, timeout_seconds}``, all
        optional. A password goes to its own registry only.
    """

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._parameters = parameters
        self._known: dict[str, Registry] = {}
        self._lock = threading.Lock()

    def at(self, address: str) -> Registry:
        """Return the registry at an address.

        :raises RegistryError: ``certificate``, when its CA cannot be read.
        """
        with self._lock:
            if address not in self._known:
                credentials = (self._parameters.get("credentials") or {}).get(address)
                self._known[address] = Registry(
                    address,
                    ca_pem=(self._parameters.get("certificates") or {}).get(address) or "",
                    credentials=(credentials[0], credentials[1]) if credentials else None,
                    timeout_seconds=self._parameters.get("timeout_seconds") or 4.0,
                )
            return self._known[address]

    def ping(self, address: str) -> dict[str, str]:
        """Return ``{outcome, detail}`` of a registry; ``outcome`` is ``found`` or one of :class:`RegistryError`."""
        try:
            return {"outcome": "found", "detail": self.at(address).ping()}
        except RegistryError as error:
            return {"outcome": error.outcome, "detail": error.detail}

    def look_up(self, reference: str) -> dict[str, str]:
        """Return ``{outcome, digest, detail}`` of an image; ``outcome`` as for :meth:`ping`."""
        address, repository, tag = split_reference(reference)
        try:
            digest = self.at(address).digest(repository, tag)
        except RegistryError as error:
            return {"outcome": error.outcome, "digest": "", "detail": error.detail}
        return {"outcome": "found", "digest": digest, "detail": ""}


def main(parameters: dict[str, Any]) -> dict[str, Any]:
    """Entry point on a host: all references at once.

    :param parameters: ``{references: [str]}`` and those of :class:`Registries`.
    :returns: ``{images: {reference: {outcome, digest, detail}}}`` (:meth:`Registries.look_up`).
    """
    registries = Registries(parameters)
    answers: dict[str, dict[str, str]] = {}

    def work(reference: str) -> None:
        answers[reference] = registries.look_up(reference)

    threads = [threading.Thread(target=work, args=(reference,), daemon=True) for reference in parameters["references"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"images": {reference: answers[reference] for reference in parameters["references"]}}
