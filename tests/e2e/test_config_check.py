# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own settings are right; a file with mistakes is told all of them, and no host is needed for it."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Inventory, playbook

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
    inventory.set(config_secrets={"JWT_SECRET": "hunter2-" * 8})
    done = playbook("config_check", "-vvv", inventory=inventory.folder)
    assert done.code != 0
    assert "JWT_SECRET: is long enough, but could be guessed" in done.output
    assert "E_CONFIG" in done.output
    assert "hunter2" not in done.output


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
