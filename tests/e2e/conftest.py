# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab with the platform on it, and playbooks run as a person runs them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
LAB_INVENTORY = CHECKOUT / "inventories" / "lab"
# HOSTS=1 for a platform of one host: what releases and faults promise there.
HOSTS = int(os.environ.get("HOSTS", "3"))
ANOTHER_HOST = "node2" if HOSTS > 1 else "node1"  # where there is one, not the manager that acts
needs_several_hosts = pytest.mark.skipif(HOSTS == 1, reason="the only host cannot be spared")
ANSIBLE_PLAYBOOK = CHECKOUT / os.environ.get("VENV", ".venv") / "bin" / "ansible-playbook"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """PART=2/3 runs the second third, in order: all of `make e2e-full` takes longer than most people's working sessions."""
    part, _slash, parts = os.environ.get("PART", "1/1").partition("/")
    first, last = (len(items) * (int(part) - 1 + end) // int(parts) for end in (0, 1))
    config.hook.pytest_deselected(items=items[:first] + items[last:])
    items[:] = items[first:last]


@dataclass
class Run:
    """What a playbook did: its exit code and everything that it printed."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """Number of changed tasks by host, from the recap."""
        return {
            host: int(number) for host, number in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", self.output, re.M)
        }


def playbook(name: str, *arguments: str, inventory: Path = LAB_INVENTORY, **environment: str) -> Run:
    """Run one playbook of the collection from the checkout."""
    command = [
        str(ANSIBLE_PLAYBOOK),
        "-i",
        str(inventory),
        f"playbooks/{name}.yml",
        *arguments,
    ]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    return Run(done.returncode, done.stdout)


def at_task(task: str, command: str) -> dict[str, str]:
    """Return the environment of a playbook in which a shell command runs where a task would start (callback_plugins/at_task.py)."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "at_task",
        "AT_TASK": task,
        "AT_TASK_DO": command,
    }


class Inventory:
    """A copy of the lab's inventory that a test may spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "lab"
        shutil.copytree(LAB_INVENTORY, self.folder)
        platform = self.folder / "group_vars" / "all" / "platform.yml"
        platform.write_text(
            platform.read_text()
            .replace("{{ inventory_dir ~ '/../../.lab", "{{ '" + str(CHECKOUT / ".lab"))
            .replace("inventory_dir ~ '/../../.lab", f"'{CHECKOUT}/.lab")
        )
        self.hosts: dict[str, Any] = yaml.safe_load((self.folder / "hosts.yml").read_text())

    def set(self, **variables: Any) -> None:
        """Set variables for all hosts; they win over the lab's own."""
        (self.folder / "group_vars" / "all" / "zz_test.yml").write_text(yaml.safe_dump(variables))

    def write_hosts(self) -> None:
        """Write the changed hosts and groups."""
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(self.hosts))


def lab_settings(**changes: str) -> dict[str, str]:
    """Return the lab's plain settings, some of them changed."""
    settings = yaml.safe_load((LAB_INVENTORY / "group_vars" / "all" / "platform.yml").read_text())["config_environment"]
    return {**settings, **changes}


@pytest.fixture(scope="session")
def platform() -> Path:
    """The lab's hosts with the platform deployed; costs a few seconds where it is there already."""
    lab = [str(CHECKOUT / "tests/lab/lab"), "up", "--hosts", str(HOSTS), "--debian", os.environ.get("DEBIAN", "13")]
    if subprocess.run(lab).returncode:
        pytest.exit("the lab does not come up", 1)
    deployed = playbook("deploy_prod")
    if deployed.code:
        pytest.exit(f"the platform is not deployed:\n{deployed.output[-5000:]}", 1)
    return LAB_INVENTORY


@pytest.fixture
def inventory(platform: Path, tmp_path: Path) -> Inventory:
    """A copy of the lab's inventory, with the platform deployed from the original."""
    return Inventory(tmp_path)


@pytest.fixture(scope="session")
def secrets() -> dict[str, str]:
    """Every secret of the lab by name; each is random, so each is a canary."""
    found: dict[str, str] = {}
    loaded = yaml.safe_load((LAB_INVENTORY / "group_vars" / "all" / "secrets.yml").read_text())
    for name, value in {**loaded, **loaded["config_secrets"]}.items():
        if isinstance(value, str) and len(value) >= 16:
            found[name] = value
    assert len(found) > 20
    return found


def on_host(host: str, command: str) -> str:
    """Run a shell command as root on a host of the lab; return what it printed."""
    done = subprocess.run(
        [str(CHECKOUT / "tests/lab/lab"), "ssh", host, f"sudo sh -c '{command}'"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout + done.stderr
