# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One contract for every store of secrets: a real vault file, AWS Secrets Manager as moto serves it over HTTP, Vault's own core."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import (
    StoreError,
    Version,
    Versions,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_file import FileStore
from conftest import CHECKOUT, Killed, Kit, values

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
