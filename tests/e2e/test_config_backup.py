# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every release keeps its configuration encrypted; a copy goes to a directory or S3, and comes back into an inventory."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import ANSIBLE_PLAYBOOK, CHECKOUT, Inventory, lab_settings, on_host, playbook

KEPT = "/var/lib/halobuzz/stack/releases/*/configuration.vault"


@pytest.fixture
def vault(inventory: Inventory, tmp_path: Path) -> list[str]:
    """The lab's secrets as a person would have them, in the inventory's vault file; returns the option that opens it."""
    password = tmp_path / "vault-password"
    password.write_text("a vault password\n")
    secrets = inventory.folder / "group_vars" / "all" / "secrets.yml"
    secrets.rename(secrets.with_name("vault.yml"))
    return ["--vault-password-file", str(password)]


def test_the_release_keeps_its_configuration_for_root_alone_and_encrypted(
    platform: Path, secrets: dict[str, str]
) -> None:
    kept = on_host("node1", f"stat -c %a:%U {KEPT} | tail -1; cat {KEPT}")
    assert kept.startswith("600:root\n$ANSIBLE_VAULT;1.1;AES256\n"), kept[:200]
    assert not [name for name, value in secrets.items() if value in kept]


def test_a_copy_comes_back_as_it_was(
    inventory: Inventory, vault: list[str], tmp_path: Path, secrets: dict[str, str]
) -> None:
    copies = tmp_path / "copies"
    here = ["-e", f"config_backup_destination={copies}"]
    planned = playbook("config_backup", *here, "--check")
    assert planned.code == 0, planned.output
    assert not copies.exists()
    done = playbook("config_backup", *here)
    assert done.code == 0, done.output
    (copy,) = copies.glob("halobuzz-*-release-*.vault")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert set(playbook("config_backup", *here).changed.values()) == {0}

    restore = ["-e", f"config_restore_from={copy}", *vault]
    same = playbook("config_restore", *restore, inventory=inventory.folder)
    assert same.code == 0, same.output
    assert "has the configuration of" in same.output
    assert set(same.changed.values()) == {0}

    file = inventory.folder / "group_vars" / "all" / "vault.yml"
    content = yaml.safe_load(file.read_text())
    content["config_secrets"]["JWT_SECRET"] = "lost-" * 20
    content["config_secrets"]["SENTRY_TOKEN"] = "newer than the copy"
    file.write_text(yaml.safe_dump(content))
    changed = {"config_environment": lab_settings(LOG_LEVEL="debug")}
    file.with_name("yy_changed.yml").write_text(yaml.safe_dump(changed))
    shown = playbook("config_restore", *restore, "--check", "-vvv", inventory=inventory.folder)
    assert shown.code == 0, shown.output
    assert "setting  LOG_LEVEL: changes" in shown.output
    assert "secret   JWT_SECRET: changes" in shown.output
    assert "secret   SENTRY_TOKEN: stays" in shown.output
    assert yaml.safe_load(file.read_text()) == content
    back = playbook("config_restore", *restore, "-vvv", inventory=inventory.folder)
    assert back.code == 0, back.output
    for value in (content["config_secrets"]["JWT_SECRET"], secrets["JWT_SECRET"], secrets["config_backup_password"]):
        assert value not in shown.output + back.output
    assert set(playbook("config_restore", *restore, inventory=inventory.folder).changed.values()) == {0}
    view = [str(ANSIBLE_PLAYBOOK.with_name("ansible-vault")), "view", *vault, str(file)]
    written = yaml.safe_load(subprocess.run(view, check=True, capture_output=True, text=True).stdout)
    assert written["config_secrets"]["JWT_SECRET"] == secrets["JWT_SECRET"]
    assert written["config_secrets"]["SENTRY_TOKEN"] == "newer than the copy"
    settings = yaml.safe_load((file.parent / "zz_restored.yml").read_text())["config_environment"]
    assert settings == lab_settings()


def test_a_copy_goes_to_s3_and_comes_from_there(inventory: Inventory, vault: list[str]) -> None:
    lab = str(CHECKOUT / "tests/lab/lab")
    subprocess.run([lab, "start", "s3"], check=True)  # comes back when it serves
    s3 = dict(word.split("=", 1) for word in shlex.split((CHECKOUT / ".lab" / "s3.env").read_text()) if "=" in word)
    endpoint = ["-e", "config_backup_s3_endpoint=" + s3["S3_ENDPOINT"].replace("s3.halobuzz.lab", "10.99.0.4")]
    keys = {
        "AWS_ACCESS_KEY_ID": s3["S3_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": s3["S3_SECRET_KEY"],
        "AWS_DEFAULT_REGION": s3["S3_REGION"],
    }
    there = ["-e", "config_backup_destination=s3://halobuzz-backup/configuration", *endpoint]
    refused = playbook("config_backup", *there, **{**keys, "AWS_SECRET_ACCESS_KEY": "another"})
    assert "E_CONFIG_COPY: s3://halobuzz-backup/configuration/halobuzz-" in refused.output
    assert "AWS_ACCESS_KEY_ID" in refused.output
    done = playbook("config_backup", *there, **keys)
    assert done.code == 0, done.output
    assert set(playbook("config_backup", *there, **keys).changed.values()) == {0}
    url = next(word for word in done.output.split() if word.startswith("s3://halobuzz-backup/configuration/halobuzz-"))
    back = playbook(
        "config_restore", "-e", f"config_restore_from={url}", *endpoint, *vault, inventory=inventory.folder, **keys
    )
    assert back.code == 0, back.output
    assert f"has the configuration of {url} already" in back.output
    assert set(back.changed.values()) == {0}


def test_what_cannot_be_brought_back_is_refused(inventory: Inventory, vault: list[str], tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in inventory.folder.rglob("*") if path.is_file()}
    nothing = playbook("config_restore", *vault, inventory=inventory.folder)
    assert "E_CONFIG_COPY: config_restore_from is not set" in nothing.output
    copies = tmp_path / "copies"
    wrong = playbook(
        "config_backup",
        "-e",
        json.dumps({"config_backup_password": "another", "config_backup_destination": str(copies)}),
    )
    assert wrong.code != 0
    assert "config_backup_password is not the one it was made with" in wrong.output
    assert not copies.exists()
    other = tmp_path / "other.vault"
    other.write_text("JWT_SECRET=x\n")
    for copy, said in ((other, "no encrypted copy"), (tmp_path / "absent", "No such file")):
        refused = playbook("config_restore", "-e", f"config_restore_from={copy}", *vault, inventory=inventory.folder)
        assert refused.code != 0
        assert said in refused.output
    assert {path: path.read_bytes() for path in inventory.folder.rglob("*") if path.is_file()} == before
    assert "E_NO_RELEASE" in playbook("config_backup", "-e", "config_backup_release=4711").output


@pytest.mark.long
def test_without_a_password_nothing_is_kept_and_both_ends_say_so(platform: Path, tmp_path: Path) -> None:
    del platform
    changes = {"config_backup_password": "", "config_environment": lab_settings(LOG_LEVEL="debug")}
    planned = playbook("deploy_prod", "--check", "-e", json.dumps(changes))
    assert "its configuration is not kept: config_backup_password is not set" in planned.output
    assert playbook("deploy_prod", "-e", json.dumps(changes)).code == 0
    try:
        refused = playbook("config_backup", "-e", f"config_backup_destination={tmp_path / 'copies'}")
        assert refused.code != 0
        assert "it kept no configuration, as config_backup_password was not set" in refused.output
        assert not (tmp_path / "copies").exists()
    finally:
        assert playbook("deploy_prod").code == 0
