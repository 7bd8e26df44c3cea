# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret of the lab shows in any output, process list, docker inspect, fact, journal or file left behind, in any form."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import CHECKOUT, Inventory, lab_settings, on_host, playbook

sys.path.insert(0, str(CHECKOUT / "plugins" / "module_utils"))
from _redact import forms

HOSTS = ("node1", "node2", "node3")


class Sweep:
    """Looks for every form of every secret."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self.forms = {
            form.encode(): name for name, secret in secrets.items() for form in forms(secret) if len(form) >= 12
        }

    def hits(self, text: str | bytes) -> set[str]:
        """Return the names of the secrets that stand in the text."""
        raw = text.encode() if isinstance(text, str) else text
        return {name for form, name in self.forms.items() if form in raw}


class CommandLines(threading.Thread):
    """Collects every command line of this machine, those inside the lab's hosts included, twenty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self.stop = threading.Event()

    def run(self) -> None:
        """Poll /proc until told to stop."""
        while not self.stop.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:
                    continue
            time.sleep(0.05)


@pytest.fixture(scope="session")
def sweep(secrets: dict[str, str]) -> Sweep:
    return Sweep(secrets)


def test_sweep_finds_what_is_planted(sweep: Sweep, secrets: dict[str, str]) -> None:
    planted = secrets["JWT_SECRET"]
    for form in forms(planted):
        assert sweep.hits(f"noise {form} noise") == {"JWT_SECRET"}


def test_no_secret_in_output_or_process_list_of_a_rollout(inventory: Inventory, sweep: Sweep) -> None:
    inventory.set(config_environment=lab_settings(CORS_ORIGIN=f"https://{time.time():.0f}.halobuzz.lab"))
    watcher = CommandLines()
    watcher.start()
    # A process of our own with a planted command line proves that the watcher would see one.
    plant = subprocess.Popen(["sleep", "3.14159"])
    try:
        checked = playbook("deploy_prod", "--check", "--diff", "-vvvv", inventory=inventory.folder)
        changed = playbook("deploy_prod", "--diff", "-vvvv", inventory=inventory.folder)
    finally:
        watcher.stop.set()
        watcher.join()
        plant.wait()
    assert [run.code for run in (checked, changed)] == [0, 0], changed.output[-3000:]
    assert sum(changed.changed.values()) > 0
    for run in (checked, changed):
        assert sweep.hits(run.output) == set()
    assert b"sleep\x003.14159\x00" in watcher.seen
    assert sweep.hits(b"\n".join(watcher.seen)) == set()


def test_no_secret_in_output_of_a_failed_run(inventory: Inventory, sweep: Sweep) -> None:
    inventory.set(platform_registry="registry.halobuzz.lab:5999", mongodb_prot=1)
    failed = playbook("deploy_prod", "-vvvv", inventory=inventory.folder)
    assert failed.code != 0
    assert sweep.hits(failed.output) == set()


@pytest.mark.parametrize("verb", ["health", "status", "logs", "config_check"])
def test_no_secret_in_output_of_a_read(platform: Path, sweep: Sweep, verb: str) -> None:
    run = playbook(verb, "-vvvv")
    assert run.code == 0, run.output[-3000:]
    assert sweep.hits(run.output) == set()


INSPECT = (
    "docker inspect $(docker ps -aq) $(docker images -q) 2>/dev/null; docker service inspect $(docker service ls -q) 2>/dev/null; "
    "docker secret inspect $(docker secret ls -q) 2>/dev/null; docker config inspect $(docker config ls -q) 2>/dev/null; "
    "docker history --no-trunc $(docker images -q halobuzz/backend | head -1) 2>/dev/null"
)


@pytest.mark.parametrize("host", HOSTS)
def test_no_secret_in_docker_inspect(platform: Path, sweep: Sweep, host: str) -> None:
    said = on_host(host, INSPECT)
    assert "halobuzz" in said
    assert sweep.hits(said) == set()


@pytest.mark.parametrize("host", HOSTS)
def test_no_secret_in_journal_or_left_files(platform: Path, sweep: Sweep, host: str) -> None:
    said = on_host(
        host,
        "journalctl --no-pager -o cat; find /tmp /var/tmp /home /root /var/lib/halobuzz/stack -xdev -type f -size -1M -exec cat {} +",
    )
    assert sweep.hits(said) == set()


def test_no_secret_in_the_logs_of_the_services(platform: Path, sweep: Sweep) -> None:
    said = on_host(
        "node1",
        "for name in $(docker service ls --format {{.Name}}); do timeout 15 docker service logs --raw --tail 500 $name 2>&1; done",
    )
    assert said
    assert sweep.hits(said) == set()
