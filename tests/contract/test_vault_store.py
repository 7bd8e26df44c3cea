# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What HashiCorp Vault alone can do to a run: refusals told apart, logins, other writers, people with its own tools."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils import (
    secret_store_vault,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import (
    StoreError,
    Versions,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_vault import VaultStore
from conftest import Vault, code_of, values


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
