# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stores of secrets as they are in use: their servers on this machine, and a kit that opens each and lets it die half-way.

The collection is imported as Ansible does it.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import init_plugin_loader
from moto.server import ThreadedMotoServer

CHECKOUT = Path(__file__).resolve().parents[2]
init_plugin_loader([str(CHECKOUT / ".tools" / "collections")])

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils import secret_store_file
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import (
    SecretStore,
    StoreError,
    Versions,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_aws import AwsStore
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_file import FileStore, VaultFile
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_vault import VaultStore

# Before a test gives itself a home of its own: Go keeps what it has compiled in the machine's.
MACHINE_ENVIRONMENT = dict(os.environ)
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "made-up"}


class Killed(BaseException):
    """What a killed run looks like from inside: nothing after it is done."""


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Vault:
    """A Vault core of this machine, initialised and unsealed, with a KV engine of version 2 at ``secret/``."""

    def __init__(self, folder: Path) -> None:
        lab = str(CHECKOUT / "tests" / "lab" / "lab")
        built = subprocess.run(
            [lab, "vault-core"], check=True, stdout=subprocess.PIPE, text=True, env=MACHINE_ENVIRONMENT
        )
        program = built.stdout.split()[-1]
        self.process = subprocess.Popen([program, str(folder)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip()
        root = hvac.Client(url=self.address, token="")
        made = root.sys.initialize(secret_shares=1, secret_threshold=1)
        self.key = made["keys"][0]
        root.sys.submit_unseal_key(self.key)
        root.token = self.token = made["root_token"]
        root.sys.enable_secrets_engine("kv", "secret", options={"version": "2"})
        root.sys.enable_secrets_engine("kv", "old", options={"version": "1"})
        root.sys.enable_auth_method("approle")
        self.root: Any = root

    def token_for(self, policy: str) -> str:
        """Return a token with these rights and the default ones."""
        name = f"policy-{uuid.uuid4()}"
        self.root.sys.create_or_update_policy(name, policy)
        return str(self.root.auth.token.create(policies=[name])["auth"]["client_token"])


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    vault = Vault(tmp_path_factory.mktemp("vault"))
    yield vault
    vault.process.kill()
    vault.process.wait()


@pytest.fixture(autouse=True)
def nobody_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The machine's own credentials and addresses are none of these tests' business."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith(("VAULT_", "AWS_"))]:
        monkeypatch.delenv(name)


class Kit:
    """A store with what a test needs of it: open it anew as the next run would, and die at its n-th outward step.

    ``arm`` returns what ends the danger.
    """

    def __init__(
        self, open_store: Callable[[], SecretStore], arm: Callable[[SecretStore, int], Callable[[], None]]
    ) -> None:
        self.open = open_store
        self.arm = arm


@pytest.fixture(params=["file", "aws", "vault"])
def kit(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kit:
    if request.param == "file":
        return file_kit(tmp_path, monkeypatch)
    if request.param == "vault":
        return vault_kit(request.getfixturevalue("vault"), monkeypatch)
    endpoint, prefix = request.getfixturevalue("aws"), f"test-{uuid.uuid4()}"

    def arm(store: SecretStore, step: int) -> Callable[[], None]:
        steps = iter(range(step))

        def die(**_event: object) -> None:
            if next(steps, None) is None:
                raise Killed

        events = store._client.meta.events  # type: ignore[attr-defined]
        moments = ("before-call.secrets-manager.*", "after-call.secrets-manager.*")  # after: done, and nobody knows
        for moment in moments:
            events.register_first(moment, die)
        return lambda: [events.unregister(moment, die) for moment in moments]  # type: ignore[return-value, func-returns-value]

    return Kit(lambda: AwsStore(prefix, "us-east-1", endpoint, **KEYS), arm)


def file_kit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Kit:
    vault = VaultLib(secrets=[("default", VaultSecret(b"a vault password"))])

    def arm(_store: SecretStore, step: int) -> Callable[[], None]:
        steps = iter(range(step))

        def dying(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any) -> Any:
                if next(steps, None) is None:
                    raise Killed
                return real(*arguments)

            return call

        monkeypatch.setattr(secret_store_file.os, "fsync", dying(secret_store_file.os.fsync))
        monkeypatch.setattr(Path, "replace", dying(Path.replace))
        return monkeypatch.undo

    return Kit(lambda: FileStore(VaultFile(folder / "group_vars" / "vault.yml", vault)), arm)


def vault_kit(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Kit:
    monkeypatch.setenv("VAULT_TOKEN", vault.token)
    prefix = f"test-{uuid.uuid4()}"

    def arm(store: SecretStore, step: int) -> Callable[[], None]:
        steps = iter(range(step))
        session = store._client.adapter.session  # type: ignore[attr-defined]
        request = session.request

        def dying(*arguments: Any, **options: Any) -> Any:
            if next(steps, None) is None:
                raise Killed
            answer = request(*arguments, **options)
            if next(steps, None) is None:
                raise Killed  # done, and nobody knows
            return answer

        monkeypatch.setattr(session, "request", dying)
        return lambda: setattr(session, "request", request)

    return Kit(lambda: VaultStore(prefix, address=vault.address), arm)


def values(versions: Versions) -> tuple[str | None, ...]:
    """Return current, previous and pending."""
    labelled = (versions.current, versions.previous, versions.pending)
    return tuple(version.value if version else None for version in labelled)


def code_of(read: Callable[[], object]) -> ErrorCode:
    with pytest.raises(StoreError) as refused:
        read()
    return refused.value.code
