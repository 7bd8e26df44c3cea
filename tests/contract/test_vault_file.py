# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a vault file alone can do to a run: passwords, places, templates, people with an editor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import (
    StoreError,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_file import FileStore, VaultFile
from conftest import code_of, values


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


def test_file_secrets_that_another_file_sets_are_refused_with_what_to_type(tmp_path: Path) -> None:
    file = VaultFile(tmp_path / "vault.yml", VaultLib(secrets=[("default", VaultSecret(b"right"))]))
    file.require_secrets({"config_secrets": {}}, {"JWT_SECRET": "x"})
    file.require_secrets({}, {})
    with pytest.raises(StoreError) as refused:
        file.require_secrets({}, {"JWT_SECRET": "canary"})
    assert refused.value.code is ErrorCode.E_VAULT
    assert "config_setup_file" in str(refused.value.next_command)
    assert "canary" not in str(refused.value)
