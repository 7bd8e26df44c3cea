# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tired person gets wrong: one clear error that names the thing and the next command, before anything is changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml
from conftest import CHECKOUT, Inventory, Run, lab_settings, on_host, playbook


def refused(run: Run, code: str, *phrases: str) -> None:
    """Assert that the run failed with a code, said the phrases, named a next step and changed nothing."""
    assert run.code != 0, run.output[-3000:]
    assert code in run.output, run.output[-3000:]
    for phrase in phrases:
        assert phrase in run.output, f"not said: {phrase}\n{run.output[-3000:]}"
    assert "Next: " in run.output
    assert set(run.changed.values()) == {0}, run.output[-3000:]
    assert "Traceback" not in run.output


def test_settings_that_config_check_refuses_are_refused_by_a_deploy(inventory: Inventory) -> None:
    inventory.set(config_secrets={"JWT_SECRET": "x" * 64}, config_environment=lab_settings(CORS_ORIGIN="*"))
    refused(
        playbook("deploy_prod", inventory=inventory.folder),
        "E_CONFIG",
        "ENCRYPTION_KEY: is not set (backend needs it)",
        "CORS_ORIGIN: allows any page",
        "make config-check",
    )


def test_replicas_that_the_hosts_have_no_memory_for_are_refused(inventory: Inventory) -> None:
    """The hosts' memory is what preflight has read, so this needs hosts."""
    services = yaml.safe_load((CHECKOUT / "roles" / "catalog" / "defaults" / "main.yml").read_text())[
        "catalog_services"
    ]
    for service in services:
        service["replicas"] = 500
    inventory.set(catalog_services=services)
    refused(playbook("deploy_prod", "--check", inventory=inventory.folder), "E_CONFIG", "memory-exceeded", "448000 MB")


def test_missing_variable_is_named(inventory: Inventory) -> None:
    platform = inventory.folder / "group_vars" / "all" / "platform.yml"
    platform.write_text(platform.read_text().replace("platform_version: v1", ""))
    refused(playbook("deploy_prod", inventory=inventory.folder), "E_VARIABLES", "platform_version")


def test_unknown_variable_gets_the_nearest_name(inventory: Inventory) -> None:
    inventory.set(mongodb_prot=27018)
    refused(playbook("deploy_prod", inventory=inventory.folder), "E_VARIABLES", "mongodb_prot", "mongodb_port")


def test_unreachable_host_is_named(inventory: Inventory) -> None:
    inventory.hosts["all"]["hosts"]["node3"]["ansible_host"] = "10.99.0.250"
    inventory.write_hosts()
    refused(
        playbook("deploy_prod", inventory=inventory.folder, ANSIBLE_TIMEOUT="5"),
        "E_HOST_UNREACHABLE",
        "node3",
        "10.99.0.250",
    )


def test_wrong_ssh_key_is_told_apart(inventory: Inventory, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "wrong")], check=True)
    inventory.hosts["all"]["vars"]["ansible_ssh_private_key_file"] = str(tmp_path / "wrong")
    inventory.write_hosts()
    # A connection that is still open from before would need no key.
    refused(
        playbook("deploy_prod", inventory=inventory.folder, ANSIBLE_SSH_CONTROL_PATH_DIR=str(tmp_path)),
        "E_SSH_AUTH",
        "Permission denied",
    )


def test_full_disk_is_named(inventory: Inventory) -> None:
    on_host(
        "node2",
        "mkdir -p /mnt/full && mount -t tmpfs -o size=32m none /mnt/full && head -c 33000000 /dev/zero > /mnt/full/x",
    )
    try:
        inventory.set(preflight_directories=["/", "/mnt/full"])
        refused(playbook("deploy_prod", inventory=inventory.folder), "E_NO_SPACE", "node2", "/mnt/full")
    finally:
        on_host("node2", "umount /mnt/full")


def test_registry_that_is_down_is_named(inventory: Inventory) -> None:
    inventory.set(platform_registry="registry.halobuzz.lab:5999")
    refused(playbook("deploy_prod", inventory=inventory.folder), "E_REGISTRY", "registry.halobuzz.lab:5999")


def test_image_that_does_not_exist_is_named(inventory: Inventory) -> None:
    inventory.set(image_source="registry", platform_version="v9")
    refused(playbook("deploy_prod", inventory=inventory.folder), "E_IMAGE", "halobuzz/backend:v9")


def test_git_ref_that_does_not_exist_is_named(inventory: Inventory) -> None:
    inventory.set(platform_version="v99")
    refused(
        playbook("deploy_prod", inventory=inventory.folder), "E_IMAGE", "v99", "git://git.halobuzz.lab/platform.git"
    )


def test_unsupported_operating_system_is_named(inventory: Inventory) -> None:
    inventory.set(preflight_supported_os=[{"id": "ubuntu", "versions": ["24.04"]}])
    refused(playbook("deploy_prod", inventory=inventory.folder), "E_PREFLIGHT", "Debian", "Ubuntu 24.04")


def test_inventory_without_mongodb_is_explained(inventory: Inventory) -> None:
    del inventory.hosts["all"]["children"]["mongodb"]
    inventory.write_hosts()
    refused(playbook("deploy_prod", inventory=inventory.folder), "E_INVENTORY", "mongodb", "mongodb_uri")


def test_problems_of_variables_and_of_the_configuration_are_told_in_one_run(inventory: Inventory) -> None:
    inventory.set(mongodb_prot=1, redis_queue_port="many", config_secrets={"JWT_SECRET": "x" * 64})
    run = playbook("deploy_prod", inventory=inventory.folder)
    refused(run, "E_VARIABLES", "mongodb_prot", "redis_queue_port", "E_CONFIG", "JWT_SECRET: ")


def test_hosts_are_asked_in_spite_of_a_misspelt_variable(inventory: Inventory) -> None:
    inventory.hosts["all"]["hosts"]["node3"]["ansible_host"] = "10.99.0.250"
    inventory.write_hosts()
    inventory.set(mongodb_prot=1)
    run = playbook("preflight", inventory=inventory.folder)
    refused(run, "E_VARIABLES", "mongodb_port", "E_HOST_UNREACHABLE", "node3", "✅ node1")


def test_check_mode_refuses_the_same(inventory: Inventory) -> None:
    inventory.set(mongodb_prot=1)
    refused(playbook("deploy_prod", "--check", inventory=inventory.folder), "E_VARIABLES", "mongodb_prot")
