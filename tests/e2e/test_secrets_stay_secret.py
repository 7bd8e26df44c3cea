# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret of the lab shows in any output, process list, docker inspect, fact, journal or file left behind, in any form."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ANSIBLE_PLAYBOOK, CHECKOUT, LAB_INVENTORY, Inventory, lab_settings, on_host, playbook

sys.path.insert(0, str(CHECKOUT / "plugins" / "module_utils"))
from _redact import forms

HOSTS = ("node1", "node2", "node3")


class Sweep:
    """Looks for every form of every secret, and for the beginning of each canary."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self.forms = {
            form.encode(): name for name, secret in secrets.items() for form in forms(secret) if len(form) >= 12
        }
        # Not of keys in hexadecimal digits: output is full of digests.
        self.forms.update({secret[:8].encode(): name for name, secret in secrets.items() if " " in secret})

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


JOURNAL_AND_LEFT_FILES = (
    "journalctl --no-pager -o cat; "
    "find /tmp /var/tmp /home /root /var/lib/halobuzz/stack -xdev -type f -size -1M -exec cat {} +"
)


@pytest.mark.parametrize("host", HOSTS)
def test_no_secret_in_journal_or_left_files(platform: Path, sweep: Sweep, host: str) -> None:
    assert sweep.hits(on_host(host, JOURNAL_AND_LEFT_FILES)) == set()


def test_no_secret_in_the_logs_of_the_services(platform: Path, sweep: Sweep) -> None:
    said = on_host(
        "node1",
        "for name in $(docker service ls --format {{.Name}}); do timeout 15 docker service logs --raw --tail 500 $name 2>&1; done",
    )
    assert said
    assert sweep.hits(said) == set()


COPIES = CHECKOUT / ".cache" / "canaries"
# What each playbook is given so that it does its work on the lab. A new playbook without a line here fails a test below.
PLAYBOOKS: dict[str, tuple[str, ...]] = {
    "preflight": (),
    "config_check": ("-e", '{"config_check_probes": "all", "config_check_files": true}'),
    "deploy_prod": ("-e", "platform_version=v2"),
    "deploy-prod": (),
    "releases": (),
    "rollback": ("-e", "reason=canaries"),
    "config_backup": ("-e", f"config_backup_destination={COPIES}"),
    "scale": ("-e", "scale_service=backend", "-e", "scale_replicas=4"),
    "restart": ("-e", "restart_service=ai-engine"),
    "maintenance": ("-e", "minutes=5"),
    "drain": ("-e", "host=node3"),
    "undrain": ("-e", "host=node3"),
    "reboot": ("-e", "host=node3"),
    "stop": ("-e", "stop_service=ai-engine"),
    "start": (),
    "drift": (),
    "health": (),
    "status": (),
    "logs": (),
}
# What brings the platform back to everyday life after it.
AFTERWARDS = {"maintenance": ("maintenance", "-e", "state=off"), "rollback": ("deploy_prod",)}
# Looked at only (`--check --diff`): each has a test of its own that takes long, or makes a platform of its own.
CHECKED_ONLY: dict[str, tuple[str, ...]] = {
    "docker_upgrade": (),
    "remove_host": ("-e", "host=node3"),
    "destroy": ("-e", "destroy_confirm=halobuzz"),
    "config_restore": ("-e", f"config_restore_from={COPIES}/newest.vault"),
    "setup_env": (),
    "setup_dev": (),
}


def test_every_playbook_is_swept() -> None:
    assert {path.stem for path in (CHECKOUT / "playbooks").glob("*.yml")} == {*PLAYBOOKS, *CHECKED_ONLY}


@pytest.fixture
def watcher() -> Iterator[CommandLines]:
    """Command lines of all processes, seen from the start of the test to its end."""
    thread = CommandLines()
    thread.start()
    yield thread
    thread.stop.set()


def until_it_answers(host: str) -> None:
    """Wait for a host that restarts."""
    deadline = time.monotonic() + 120
    while on_host(host, "echo here").strip() != "here":
        assert time.monotonic() < deadline, host
        time.sleep(1)


def killed(name: str, *arguments: str, after_seconds: float) -> str:
    """Kill a playbook in the middle of its work, then see that it does it all when it is run again; return what both printed."""
    words = [str(ANSIBLE_PLAYBOOK), "-i", str(LAB_INVENTORY), f"playbooks/{name}.yml", "-vvvv", *arguments]
    running = subprocess.Popen(
        words, cwd=CHECKOUT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    threading.Timer(after_seconds, running.kill).start()
    output, _nothing = running.communicate()
    for host in HOSTS if name == "reboot" else ():
        until_it_answers(host)
    again = playbook(name, *arguments, "-vvvv")
    assert again.code == 0, f"after a kill at {after_seconds:.0f} s:\n{again.output[-3000:]}"
    return output + again.output


def left_on_the_controller(sweep: Sweep) -> dict[Path, set[str]]:
    """Return which files that Ansible left on this machine hold which secrets."""
    found = {}
    for folder in (Path.home() / ".ansible" / "tmp", CHECKOUT / ".cache", CHECKOUT / ".ansible", Path("/dev/shm")):
        for path in folder.rglob("*"):
            if path.is_file() and (hits := sweep.hits(path.read_bytes())):
                found[path] = hits
    return found


@pytest.mark.long
@pytest.mark.parametrize("name", [*PLAYBOOKS, *CHECKED_ONLY])
def test_no_secret_of_a_playbook_in_any_mode(
    name: str, inventory: Inventory, sweep: Sweep, secrets: dict[str, str], watcher: CommandLines
) -> None:
    """Looked at, with a wrong password, done, and killed in the middle of it."""
    arguments = {**PLAYBOOKS, **CHECKED_ONLY}[name]
    if name == "config_restore":
        assert playbook("config_backup", *PLAYBOOKS["config_backup"]).code == 0
        shutil.copy(max(COPIES.glob("halobuzz-*.vault")), COPIES / "newest.vault")
    outputs = {"check": playbook(name, *arguments, "--check", "--diff", "-vvvv").output}
    if name in PLAYBOOKS:
        wrong = secrets["mongodb_admin_password"][::-1]
        inventory.set(mongodb_admin_password=wrong, redis_admin_password=wrong, mongodb_application_password=wrong)
        failed = playbook(name, *arguments, "--check", "-vvvv", inventory=inventory.folder)
        assert Sweep({"wrong password": wrong}).hits(failed.output) == set()
        outputs["wrong password"] = failed.output
        began = time.monotonic()
        done = playbook(name, *arguments, "--diff", "-vvvv")
        took_seconds = time.monotonic() - began
        assert done.code == 0, done.output[-3000:]
        outputs["done"] = done.output
        outputs["killed"] = killed(name, *arguments, after_seconds=took_seconds / 2)
    if name in AFTERWARDS:
        assert playbook(*AFTERWARDS[name]).code == 0
    for mode, output in outputs.items():
        assert len(output) > 1000, mode
        assert sweep.hits(output) == set(), mode
    watcher.stop.set()
    watcher.join()
    assert len(watcher.seen) > 50
    assert sweep.hits(b"\n".join(watcher.seen)) == set()
    for host in HOSTS:
        assert sweep.hits(on_host(host, JOURNAL_AND_LEFT_FILES)) == set(), host
    assert left_on_the_controller(sweep) == {}
