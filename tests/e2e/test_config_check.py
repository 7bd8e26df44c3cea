# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own settings are right; a file with mistakes is told all of them, and no host is needed for it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import yaml
from conftest import ANSIBLE_PLAYBOOK, CHECKOUT, Inventory, on_host, playbook

FOUR_LINES = (
    "✅ Configuration validation passed",
    "✅ All required variables set",
    "✅ Security settings validated",
    "✅ External services configured",
)


def test_what_the_inventory_renders_is_right(inventory: Inventory) -> None:
    done = playbook("config_check", inventory=inventory.folder)
    assert done.code == 0, done.output
    for line in FOUR_LINES:
        assert line in done.output
    assert set(done.changed.values()) == {0}


def test_a_weak_secret_in_the_inventory_is_named_and_not_shown(inventory: Inventory) -> None:
    inventory.set(config_secrets={"JWT_SECRET": "hunter2-" * 8}, edge_max_connection=5)
    done = playbook("config_check", "-vvv", inventory=inventory.folder)
    assert done.code != 0
    assert "JWT_SECRET: is long enough, but could be guessed" in done.output
    assert "edge_max_connection: no role knows it (all hosts)   [ansible-variable]" in done.output  # in the same report
    assert "E_CONFIG" in done.output
    assert "hunter2" not in done.output


def test_the_programs_themselves_check_the_files_that_they_would_read(inventory: Inventory) -> None:
    before = on_host("node1", "find /etc/halobuzz -type f -exec sha256sum {} +")
    files = (
        "/etc/halobuzz/edge/haproxy.cfg",
        "/etc/halobuzz/firewall/ruleset.nft",
        "/var/lib/halobuzz/stack/halobuzz.yml",
    )
    done = playbook("config_check", "-e", "config_check_files=true", inventory=inventory.folder)
    assert done.code == 0, done.output
    for path in files:
        assert f"✅ {path}: accepted by the program that reads it (node1, node2, node3)" in done.output
    services = yaml.safe_load((CHECKOUT / "roles/catalog/defaults/main.yml").read_text())["catalog_services"]
    services[0]["memory_limit_mb"] = -5
    inventory.set(
        edge_maintenance_served_paths=["^/health(/"],
        firewall_trusted_interfaces=['docker0" drop'],
        catalog_services=services,
    )
    refused = playbook("config_check", "-e", "config_check_files=true", inventory=inventory.folder)
    assert refused.code != 0
    assert f"❌ {files[0]}: node1, node2, node3: [ALERT]" in refused.output
    assert "missing closing parenthesis" in refused.output
    assert f"❌ {files[1]}: node1, node2, node3: " in refused.output
    assert "syntax error" in refused.output
    assert f"❌ {files[2]}: node1, node2, node3: " in refused.output
    assert "invalid size: '-5M'" in refused.output
    assert on_host("node1", "find /etc/halobuzz -type f -exec sha256sum {} +") == before


def test_a_file_is_checked_without_an_inventory(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {}}\n")
    env_file, report = tmp_path / ".env.production", tmp_path / "report.json"
    env_file.write_text("NODE_ENV=production\nJWT_SECERT=" + "k9" * 40 + "\nCORS_ORIGIN=*\n")
    options = {"config_check_env_file": str(env_file), "config_check_json_file": str(report)}
    done = playbook("config_check", "-e", json.dumps(options), inventory=tmp_path)
    assert done.code != 0
    assert f"{env_file}:3: CORS_ORIGIN: allows any page" in done.output
    found = {(one["rule"], one["name"]) for one in json.loads(report.read_text())["findings"]}
    assert {("variable-misspelt", "JWT_SECERT"), ("required-missing", "JWT_SECRET")} <= found
    # Nobody is asked, so a limit must not leave the check without anybody to run it.
    (tmp_path / "hosts.yml").write_text("all: {hosts: {web1: {}, web2: {}}}\n")
    limited = playbook("config_check", "-e", json.dumps(options), "--limit", "web2", inventory=tmp_path)
    assert limited.code != 0
    assert f"{env_file}:3: CORS_ORIGIN: allows any page" in limited.output


def test_the_vault_file_is_made_once_and_completed(tmp_path: Path) -> None:
    inventory, password = tmp_path / "mine", tmp_path / "password"
    shutil.copytree(CHECKOUT / "inventories" / "single_host", inventory)
    password.write_text("of this test\n")
    vault = inventory / "group_vars" / "all" / "vault.yml"
    options = ["--vault-password-file", str(password)]
    refused = playbook("setup_env", inventory=inventory).output
    assert "Task failed: E_VAULT" in refused  # nothing is ever written in plain text
    assert not vault.exists()
    assert playbook("setup_env", "--check", *options, inventory=inventory).code == 0
    assert not vault.exists()
    first = playbook("setup_env", "-vvv", *options, inventory=inventory)
    assert first.code == 0, first.output
    assert vault.read_text().startswith("$ANSIBLE_VAULT;")
    assert vault.stat().st_mode & 0o777 == 0o600
    command = [str(ANSIBLE_PLAYBOOK.with_name("ansible-vault")), "view", *options, str(vault)]
    made = yaml.safe_load(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert len(made["config_secrets"]["JWT_SECRET"]) >= 64
    assert made["config_secrets"]["JWT_SECRET"] not in first.output
    assert "AGORA_APP_ID" in first.output
    assert set(playbook("setup_env", *options, inventory=inventory).changed.values()) == {0}
    found = playbook("config_check", *options, inventory=inventory).output
    assert "AGORA_APP_ID: is not set" in found
    assert "JWT_SECRET" not in found
