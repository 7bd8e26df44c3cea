"""Put images into the lab's registry, layers as they are.

`docker push` compresses every layer on one core, minutes for what the lab has; the registry stands on the same machine,
so layers go in as plain tar archives (a media type of the image specification), and hosts pull them as any other.
Protocol: the registry's HTTP API V2 and image manifest version 2, schema 2.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
import tarfile
import tempfile
import urllib.parse
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from .settings import REGISTRY_PORT, Lab
from .shell import LabError, docker

_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_PLAIN_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar"
_GZIP_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_CHUNK_BYTES = 1 << 20


class Registry:
    """The registry of a lab, over one connection. Not for use by several threads."""

    def __init__(self, lab: Lab) -> None:
        context = ssl.create_default_context(cafile=str(lab.ca_dir / "ca.crt"))
        self._connection = http.client.HTTPSConnection(
            lab.service_addresses["registry"], REGISTRY_PORT, timeout=300, context=context
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def answers(self) -> bool:
        """Whether the registry is up."""
        try:
            return self._request("GET", "/v2/")[0] == 200
        except OSError:
            self._connection.close()
            return False

    def has(self, image: str) -> bool:
        """Whether the registry has this `repository:tag`."""
        repository, _, tag = image.rpartition(":")
        return self._request("HEAD", f"/v2/{repository}/manifests/{tag}", {"Accept": _MANIFEST_TYPE})[0] == 200

    def put_blob(self, repository: str, digest: str, body: IO[bytes], size: int, known_in: Iterable[str]) -> None:
        """Make a blob part of a repository: there already, taken from a repository of `known_in`, or uploaded."""
        if self._request("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200:
            return
        for other in known_in:
            query = urllib.parse.urlencode({"mount": digest, "from": other})
            if self._request("POST", f"/v2/{repository}/blobs/uploads/?{query}")[0] == 201:
                return
        status, headers = self._request("POST", f"/v2/{repository}/blobs/uploads/")
        target = urllib.parse.urlsplit(headers.get("Location", ""))
        separator = "&" if target.query else ""
        path = f"{target.path}?{target.query}{separator}{urllib.parse.urlencode({'digest': digest})}"
        if status == 202:
            lengths = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
            status, _ = self._request("PUT", path, lengths, body)
        if status != 201:
            raise LabError(f"the registry refused a layer of {repository} with status {status}; see its `docker logs`")

    def put_manifest(self, image: str, manifest: dict[str, object]) -> None:
        """Give a manifest its `repository:tag`."""
        repository, _, tag = image.rpartition(":")
        body = json.dumps(manifest).encode()
        status, _ = self._request("PUT", f"/v2/{repository}/manifests/{tag}", {"Content-Type": _MANIFEST_TYPE}, body)
        if status != 201:
            raise LabError(f"the registry refused the manifest of {image} with status {status}; see its `docker logs`")

    def _request(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: IO[bytes] | bytes | None = None
    ) -> tuple[int, dict[str, str]]:
        """Status and headers of one request; the answer's body is read and dropped."""
        self._connection.request(method, path, body=body, headers=headers or {})
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, dict(answer.getheaders())


def push(lab: Lab, names_by_image: dict[str, tuple[str, ...]], repositories: Iterable[str]) -> None:
    """Put local images into the registry under their production names.

    Images given together share what they have in common. Blobs that one of `repositories` has are not sent again.
    Raises LabError when the engine cannot save an image or the registry refuses it.
    """
    registry = Registry(lab)
    known = list(repositories)
    try:
        with tempfile.TemporaryDirectory(prefix="halobuzz-lab-push-") as folder:
            saved = Path(folder) / "images.tar"
            docker("save", "-o", saved, *names_by_image)
            with tarfile.open(saved) as archive:
                listed = json.load(_member(archive, "manifest.json"))
                by_tag = {tag: entry for entry in listed for tag in entry["RepoTags"] or ()}
                digests: dict[str, dict[str, object]] = {}
                for image, names in names_by_image.items():
                    for name in names:
                        _push_one(registry, archive, by_tag[image], name, known, digests)
                        known.append(name.rpartition(":")[0])
    finally:
        registry.close()


def _push_one(
    registry: Registry,
    archive: tarfile.TarFile,
    entry: dict[str, object],
    name: str,
    known: list[str],
    digests: dict[str, dict[str, object]],
) -> None:
    """Put one image of a saved archive into the registry; `digests` remembers descriptors of members seen before."""
    repository = name.rpartition(":")[0]
    layers = entry["Layers"]
    assert isinstance(layers, list)
    descriptors = []
    for member in [str(entry["Config"]), *layers]:
        # Shared layers are links in the archive: the descriptor belongs to what the link leads to.
        if member not in digests:
            digests[member] = _descriptor(archive, member, is_config=member == entry["Config"])
        descriptor = digests[member]
        size = descriptor["size"]
        assert isinstance(size, int)
        others = [other for other in dict.fromkeys(known) if other != repository]
        registry.put_blob(repository, str(descriptor["digest"]), _member(archive, member), size, others)
        descriptors.append(descriptor)
    manifest: dict[str, object] = {"schemaVersion": 2, "mediaType": _MANIFEST_TYPE, "config": descriptors[0]}
    registry.put_manifest(name, {**manifest, "layers": descriptors[1:]})


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A file of the archive, links followed."""
    found = archive.extractfile(name)
    if found is None:
        raise LabError(
            f"the saved image has no file {name}; the Docker engine's `save` has a form the lab does not know"
        )
    return found


def _descriptor(archive: tarfile.TarFile, name: str, *, is_config: bool) -> dict[str, object]:
    """Media type, size and digest of a config or layer in the archive."""
    digest = hashlib.sha256()
    size = 0
    is_gzip = False
    with _member(archive, name) as source:
        while chunk := source.read(_CHUNK_BYTES):
            is_gzip = is_gzip or (size == 0 and chunk[:2] == b"\x1f\x8b")
            digest.update(chunk)
            size += len(chunk)
    layer_type = _GZIP_LAYER_TYPE if is_gzip else _PLAIN_LAYER_TYPE
    return {
        "mediaType": _CONFIG_TYPE if is_config else layer_type,
        "size": size,
        "digest": f"sha256:{digest.hexdigest()}",
    }
