# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One contract for every store of secrets: a real vault file, and AWS Secrets Manager as moto serves it over HTTP."""

from __future__ import annotations

import http.server
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils import secret_store_aws, secret_store_file
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import (
    SecretStore,
    StoreError,
    Version,
    Versions,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_aws import AwsStore
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_file import FileStore, VaultFile
from moto.server import ThreadedMotoServer

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "made-up"}
HOSTILE = [
    "it's",
    'a "b"',
    "$HOME `id` {{ 7*7 }}",
    "two\nlines\n",
    " spaces ",
    "é\u202e🦄",
    "!vault x",
    "- a: b",
    "x" * 65_000,
    "0123",
    "true",
]


class Killed(BaseException):
    """What a killed run looks like from inside: nothing after it is done."""


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Kit:
    """A store with what a test needs of it: open it anew as the next run would, and die at its n-th outward step.

    ``arm`` returns what ends the danger.
    """

    def __init__(
        self, open_store: Callable[[], SecretStore], arm: Callable[[SecretStore, int], Callable[[], None]]
    ) -> None:
        self.open = open_store
        self.arm = arm


@pytest.fixture(params=["file", "aws"])
def kit(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kit:
    if request.param == "file":
        return file_kit(tmp_path, monkeypatch)
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


def values(versions: Versions) -> tuple[str | None, ...]:
    """Return current, previous and pending."""
    labelled = (versions.current, versions.previous, versions.pending)
    return tuple(version.value if version else None for version in labelled)


def test_the_first_value_is_current_and_the_next_one_moves_it(kit: Kit) -> None:
    assert kit.open().read() == {}
    assert values(kit.open().set("JWT_SECRET", "one")) == ("one", None, None)
    assert values(kit.open().set("JWT_SECRET", "two")) == ("two", "one", None)
    assert values(kit.open().set("JWT_SECRET", "three")) == ("three", "two", None)
    assert values(kit.open().read_one("JWT_SECRET")) == ("three", "two", None)


def test_the_same_value_again_writes_nothing(kit: Kit) -> None:
    kit.open().set("JWT_SECRET", "one")
    before = kit.open().set("JWT_SECRET", "two")
    assert kit.open().set("JWT_SECRET", "two") == before


def test_a_pending_value_is_durable_and_changes_nothing_until_it_is_promoted(kit: Kit) -> None:
    kit.open().set("JWT_SECRET", "one")
    assert values(kit.open().stage("JWT_SECRET", "two")) == ("one", None, "two")
    assert kit.open().stage("JWT_SECRET", "two") == kit.open().read_one("JWT_SECRET")
    assert values(kit.open().promote("JWT_SECRET")) == ("two", "one", None)
    assert values(kit.open().promote("JWT_SECRET")) == ("two", "one", None)


def test_a_pending_value_can_be_given_up(kit: Kit) -> None:
    kit.open().set("JWT_SECRET", "one")
    kit.open().stage("JWT_SECRET", "two")
    assert values(kit.open().discard("JWT_SECRET")) == ("one", None, None)
    assert values(kit.open().set("JWT_SECRET", "three")) == ("three", "one", None)


def test_nobody_overwrites_a_pending_value_by_staging_another(kit: Kit) -> None:
    kit.open().set("JWT_SECRET", "one")
    kit.open().stage("JWT_SECRET", "two")
    with pytest.raises(StoreError) as refused:
        kit.open().stage("JWT_SECRET", "three")
    assert refused.value.code is ErrorCode.E_STORE_CONFLICT
    assert values(kit.open().set("JWT_SECRET", "three")) == ("three", "one", None)


def test_secrets_do_not_mix(kit: Kit) -> None:
    for name in ("JWT_SECRET", "mongodb_admin_password", "ENCRYPTION_KEY"):
        kit.open().set(name, f"value of {name}")
    found = {name: values(versions) for name, versions in kit.open().read().items()}
    assert found["mongodb_admin_password"] == ("value of mongodb_admin_password", None, None)
    assert set(found) == {"JWT_SECRET", "mongodb_admin_password", "ENCRYPTION_KEY"}


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_comes_back_as_it_went_in(kit: Kit, value: str) -> None:
    kit.open().set("JWT_SECRET", "one")
    kit.open().set("JWT_SECRET", value)
    kit.open().set("mongodb_keyfile", value)
    assert values(kit.open().read_one("JWT_SECRET")) == (value, "one", None)
    assert values(kit.open().read()["mongodb_keyfile"]) == (value, None, None)


@pytest.mark.parametrize("first", [False, True])
def test_killed_between_any_two_steps_the_next_run_agrees_on_one_value(kit: Kit, first: bool) -> None:
    """Also with another value than the killed run's, as a person would try it; and no reader ever finds nothing."""
    onlooker, store = kit.open(), kit.open()
    for step in range(100):
        name = f"SECRET_{step}"
        if not first:
            onlooker.set(name, "old")
        disarm = kit.arm(store, step)
        try:
            store.set(name, "new")
            survived = True
        except Killed:
            survived = False
        disarm()
        current = values(onlooker.read_one(name))[0]
        assert current in (("new", None) if first else ("old", "new"))
        wanted = "new" if step % 2 else "newer"
        after = onlooker.set(name, wanted)
        assert values(after)[0] == wanted
        assert after.pending is None
        assert onlooker.set(name, wanted) == after
        if survived:
            break
    assert survived
    assert step >= (2 if isinstance(store, FileStore) else 10), "it was not killed between its steps"


def test_no_value_in_what_a_traceback_shows() -> None:
    assert "canary" not in repr(Versions(Version("id", "canary"), Version("id", "canary"), Version("id", "canary")))


def code_of(read: Callable[[], object]) -> ErrorCode:
    with pytest.raises(StoreError) as refused:
        read()
    return refused.value.code


def test_aws_no_credentials_at_all(aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
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


def test_file_wrong_password_and_unreadable_places_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "vault.yml"
    right = VaultLib(secrets=[("default", VaultSecret(b"right"))])
    wrong = VaultLib(secrets=[("default", VaultSecret(b"wrong"))])
    FileStore(VaultFile(path, right)).set("JWT_SECRET", "one")
    assert code_of(FileStore(VaultFile(path, wrong)).read) is ErrorCode.E_STORE_LOGIN
    assert code_of(FileStore(VaultFile(tmp_path, right)).read) is ErrorCode.E_STORE_UNREACHABLE
    path.write_text("config_secrets: [a]\n")
    assert code_of(FileStore(VaultFile(path, right)).read) is ErrorCode.E_VAULT
    path.write_text("JWT_SECRET: canary: x\n")
    with pytest.raises(StoreError) as refused:
        FileStore(VaultFile(path, right)).read()
    assert "canary" not in str(refused.value)


def test_what_a_person_has_edited_by_hand_counts(tmp_path: Path) -> None:
    vault = VaultLib(secrets=[("default", VaultSecret(b"right"))])
    file = VaultFile(tmp_path / "vault.yml", vault)
    FileStore(file).set("JWT_SECRET", "one")
    content = file.load()
    content["config_secrets"]["JWT_SECRET"] = "by hand"
    content["firewall_trusted_addresses"] = ["10.0.0.1"]
    file.save(content)
    assert values(FileStore(file).read()["JWT_SECRET"])[0] == "by hand"
    assert values(FileStore(file).set("JWT_SECRET", "two")) == ("two", "by hand", None)
    assert file.load()["firewall_trusted_addresses"] == ["10.0.0.1"]
