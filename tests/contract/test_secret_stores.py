# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One contract for every store of secrets: a real vault file, AWS Secrets Manager as moto serves it over HTTP, Vault's own core."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import hvac
import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils import (
    secret_store_aws,
    secret_store_file,
    secret_store_vault,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import (
    SecretStore,
    StoreError,
    Version,
    Versions,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_aws import AwsStore
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_file import FileStore, VaultFile
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_vault import VaultStore
from conftest import CHECKOUT
from moto.server import ThreadedMotoServer

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "made-up"}
HOSTILE = [
    "it's",
    'a "b"',
    "$HOME `id` {{ 7*7 }}",
    "two\nlines\n",
    " spaces ",
    "é\u202e🦄",
    "\x85 \u2028 \ufeff",
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


class Vault:
    """A Vault core of this machine, initialised and unsealed, with a KV engine of version 2 at ``secret/``."""

    def __init__(self, folder: Path) -> None:
        lab = str(CHECKOUT / "tests" / "lab" / "lab")
        program = subprocess.run([lab, "vault-core"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]
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
    assert step >= (2 if isinstance(store, FileStore) else 8), "it was not killed between its steps"


@pytest.mark.parametrize("store", ["aws", "vault"])
def test_setup_env_fills_the_store_and_config_check_reads_it(
    store: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """As a person runs it; the vault file's own case is in tests/e2e/test_config_check.py."""
    server = request.getfixturevalue(store)
    endpoint = server if store == "aws" else server.address
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    login = keys if store == "aws" else {"VAULT_TOKEN": server.token}
    inventory = tmp_path / "mine"
    shutil.copytree(CHECKOUT / "inventories" / "single_host", inventory)
    secrets = inventory / "group_vars" / "all" / "secrets.yml"
    secrets.write_text(
        f"config_secret_store: {store}\nconfig_secret_store_endpoint: {endpoint}\n"
        "config_secrets: \"{{ lookup('halobuzz.platform.secret_store') }}\"\n"
    )

    def playbook(name: str) -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, f"playbooks/{name}.yml", "-vvv"]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", **login}
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)

    first = playbook("setup_env")
    assert first.returncode == 0, first.stdout + first.stderr
    place = {"aws": "AWS Secrets Manager, halobuzz/", "vault": "Vault, secret/halobuzz/"}[store]
    assert f"Secrets in {place}: 0 kept" in first.stdout
    assert not (secrets.parent / "vault.yml").exists()
    again = playbook("setup_env")
    assert "changed=0" in again.stdout, again.stdout + again.stderr
    found = playbook("config_check").stdout
    assert "AGORA_APP_ID: is not set" in found
    assert "JWT_SECRET" not in found
    secrets.write_text(secrets.read_text().replace(endpoint, "http://127.0.0.1:9"))
    assert "E_STORE_UNREACHABLE" in playbook("config_check").stdout


def test_no_value_in_what_a_traceback_shows() -> None:
    assert "canary" not in repr(Versions(Version("id", "canary"), Version("id", "canary"), Version("id", "canary")))


def code_of(read: Callable[[], object]) -> ErrorCode:
    with pytest.raises(StoreError) as refused:
        read()
    return refused.value.code


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


def test_vault_no_credentials_wrong_ones_and_too_few_rights_are_told_apart(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened() -> VaultStore:
        return VaultStore("unused", address=vault.address)

    assert code_of(opened().read) is ErrorCode.E_STORE_LOGIN
    monkeypatch.setenv("VAULT_TOKEN", "made-up")
    assert code_of(opened().read) is ErrorCode.E_STORE_LOGIN
    monkeypatch.setenv("VAULT_TOKEN", vault.token_for('path "secret/data/another/*" { capabilities = ["read"] }'))
    assert code_of(opened().read) is ErrorCode.E_STORE_DENIED
    reader = 'path "secret/metadata/unused/*" { capabilities = ["list"] }\npath "secret/data/unused/*" { capabilities = ["read"] }'
    monkeypatch.setenv("VAULT_TOKEN", vault.token_for(reader))
    assert opened().read() == {}
    assert code_of(lambda: opened().set("JWT_SECRET", "x")) is ErrorCode.E_STORE_DENIED


def test_vault_logs_in_with_an_approle(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    rights = 'path "secret/*" { capabilities = ["create", "read", "update", "list"] }'
    vault.root.sys.create_or_update_policy("controller", rights)
    roles = vault.root.auth.approle
    roles.create_or_update_approle("controller", token_policies=["controller"])
    monkeypatch.setenv("VAULT_ROLE_ID", roles.read_role_id("controller")["data"]["role_id"])
    monkeypatch.setenv("VAULT_SECRET_ID", roles.generate_secret_id("controller")["data"]["secret_id"])
    store = VaultStore("by-approle", address=vault.address)
    assert values(store.set("JWT_SECRET", "one")) == ("one", None, None)
    assert values(VaultStore("by-approle", address=vault.address).read()["JWT_SECRET"]) == ("one", None, None)
    monkeypatch.setenv("VAULT_SECRET_ID", "made-up")
    assert code_of(VaultStore("by-approle", address=vault.address).read) is ErrorCode.E_STORE_LOGIN


def test_vault_another_writer_in_between_is_seen(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vault itself refuses the second write (check-and-set); it is decided anew with what the other has written."""
    monkeypatch.setenv("VAULT_TOKEN", vault.token)
    prefix = f"test-{uuid.uuid4()}"
    store, other = (VaultStore(prefix, address=vault.address) for _number in range(2))
    store.set("JWT_SECRET", "one")
    write = store._kv.create_or_update_secret

    def late(*arguments: Any, **options: Any) -> Any:
        other.set("JWT_SECRET", "two")
        return write(*arguments, **options)

    monkeypatch.setattr(store._kv, "create_or_update_secret", late)
    assert values(store.stage("JWT_SECRET", "three")) == ("two", "one", "three")

    def always_late(*arguments: Any, **options: Any) -> Any:
        vault.root.secrets.kv.v2.create_or_update_secret(f"{prefix}/JWT_SECRET", {"value": str(uuid.uuid4())})
        return write(*arguments, **options)

    monkeypatch.setattr(store._kv, "create_or_update_secret", always_late)
    assert code_of(lambda: store.stage("JWT_SECRET", "four")) is ErrorCode.E_STORE_CONFLICT


def test_vault_what_a_person_has_put_or_deleted_counts(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", vault.token)
    prefix = f"test-{uuid.uuid4()}"
    store, by_hand = VaultStore(prefix, address=vault.address), vault.root.secrets.kv.v2
    by_hand.create_or_update_secret(f"{prefix}/STRIPE_SECRET_KEY", {"value": "by hand"})
    by_hand.create_or_update_secret(f"{prefix}/folder/OTHER", {"value": "not ours"})
    by_hand.create_or_update_secret(f"{prefix}/WITHOUT_A_VALUE", {"user": "x"})
    assert {name: values(one) for name, one in store.read().items()} == {
        "STRIPE_SECRET_KEY": ("by hand", None, None),
        "WITHOUT_A_VALUE": (None, None, None),
    }
    assert values(store.set("STRIPE_SECRET_KEY", "two")) == ("two", "by hand", None)
    by_hand.delete_latest_version_of_secret(f"{prefix}/STRIPE_SECRET_KEY")
    assert values(store.read_one("STRIPE_SECRET_KEY")) == (None, None, None)
    assert values(store.set("STRIPE_SECRET_KEY", "three")) == ("three", None, None)


def test_vault_an_engine_that_keeps_no_versions_is_refused(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", vault.token)
    for mount in ("old", "absent"):
        assert code_of(VaultStore("halobuzz", mount, vault.address).read) is ErrorCode.E_STORE_DENIED


def test_vault_sealed_and_nothing_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = Vault(tmp_path / "sealed")
    monkeypatch.setenv("VAULT_TOKEN", sealed.token)
    store = VaultStore("halobuzz", address=sealed.address)
    assert store.read() == {}
    sealed.root.sys.seal()
    assert code_of(store.read) is ErrorCode.E_STORE_UNREACHABLE
    sealed.process.kill()
    sealed.process.wait()
    assert code_of(store.read) is ErrorCode.E_STORE_UNREACHABLE
    assert code_of(VaultStore("halobuzz", address=sealed.address).read) is ErrorCode.E_STORE_UNREACHABLE


def test_vault_too_many_requests(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", vault.token)
    monkeypatch.setattr(secret_store_vault, "ATTEMPTS", 1)
    store = VaultStore("unused", address=vault.address)
    assert store.read_one("JWT_SECRET") == Versions()
    limit = "/v1/sys/quotas/rate-limit/all"
    vault.root.adapter.post(limit, json={"path": "secret/", "rate": 0.01, "interval": "60s"})
    try:
        with suppress(StoreError):
            store.read_one("JWT_SECRET")  # the one request that the quota lets pass
        assert code_of(lambda: store.read_one("JWT_SECRET")) is ErrorCode.E_STORE_THROTTLED
    finally:
        vault.root.adapter.delete(limit)


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


def test_file_ansible_takes_its_values_for_text(tmp_path: Path) -> None:
    """A value is no template, whatever is in it; a template that a person wrote there stays one."""
    password = tmp_path / "password"
    password.write_text("right")
    file = VaultFile(tmp_path / "vault.yml", VaultLib(secrets=[("default", VaultSecret(b"right"))]))
    file.save({"redis_admin_password": "{{ 7 * 7 }}"})
    FileStore(file).set("mongodb_admin_password", "{{ 7 * 7 }} {% raw %} {# x")
    FileStore(file).set("mongodb_admin_password", "{{ 6 * 7 }} {% raw %} {# x")
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-i", "localhost,", "-e", f"@{file.path}"]
    words = ["--vault-password-file", str(password), "-m", "ansible.builtin.debug", "-a"]
    for name, value in (("mongodb_admin_password", "{{ 6 * 7 }} {% raw %} {# x"), ("redis_admin_password", "49")):
        shown = subprocess.run(
            [*command, *words, f"var={name}"], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert json.loads(shown.stdout.partition("=>")[2])[name] == (int(value) if value.isdigit() else value), shown


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
