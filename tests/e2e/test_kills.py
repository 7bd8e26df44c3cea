# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook is killed in the middle of a release: clients notice nothing, and the next run finishes without being told how."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import pytest
from conftest import ANSIBLE_PLAYBOOK, CHECKOUT, LAB_INVENTORY, at_task, needs_several_hosts, on_host, playbook
from test_releases import EDGES, SteadyLoad, deploy, load, releases, versions

__all__ = ["load"]
pytestmark = pytest.mark.usefixtures("platform")

KILLS = int(os.environ.get("KILLS", "30"))
KILLS_BETWEEN_FINISHED = 5
# Each task before which the ledger, the managers' files and Swarm disagree in another way.
FAILPOINTS = (
    "Store the services' settings as versioned secrets",
    "Switch to the release",
    "Number the release",
    "Deploy the stack",
    "Wait until it runs",
    "Record that it runs",
    "Remove what no kept release needs",
)


def other_version() -> str:
    """Return the version that does not serve; an earlier kill may have left both, then v1."""
    return "v2" if versions() == {"v1"} else "v1"


def killed_at(task: str, version: str, *arguments: str) -> None:
    done = deploy(version, *arguments, **at_task(task, "kill -9 $PPID"))
    assert done.code == -signal.SIGKILL, f"never came to {task!r}:\n{done.output[-3000:]}"


def started(version: str) -> subprocess.Popen[bytes]:
    """Start a deploy in a session of its own."""
    words = [
        str(ANSIBLE_PLAYBOOK),
        "-i",
        str(LAB_INVENTORY),
        "playbooks/deploy_prod.yml",
        "-e",
        f"platform_version={version}",
    ]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(words, cwd=CHECKOUT, start_new_session=True, stdout=nowhere, stderr=nowhere)


def until_unfinished() -> None:
    """Wait until a release is under way."""
    deadline = time.monotonic() + 180
    while "unfinished" not in on_host("node1", "ls /var/lib/halobuzz/stack") and time.monotonic() < deadline:
        time.sleep(0.5)


def killed_after(seconds: float, version: str) -> bool:
    """Deploy, and kill it some seconds later; return whether it was still running."""
    running = started(version)
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        running.kill()  # ansible-playbook alone: its workers and connections are left to themselves
        running.wait()
        return True
    return False


def finish(version: str, surplus_seconds: float = 15) -> str:
    """Deploy whatever was killed, see that it is whole, and return what the run printed.

    ``surplus_seconds`` is how long a task on its way out may still be counted; Docker does so while one drains.
    """
    done = deploy(version)
    assert done.code == 0, done.output
    assert versions() == {version}
    assert "running" in releases()[-1]
    assert on_host("node1", "ls /var/lib/halobuzz/stack/unfinished").startswith("ls: cannot access")
    deadline = time.monotonic() + surplus_seconds
    while uneven := uneven_services():
        assert time.monotonic() < deadline, uneven
        time.sleep(2)
    return done.output


def uneven_services() -> list[str]:
    """Return the services that do not have as many tasks as they should, as `name running/wanted`."""
    services = on_host("node1", 'docker service ls --format "{{.Name}} {{.Replicas}}"').splitlines()
    return [line for line in services if len(set(line.split()[1].split("/"))) > 1]


@pytest.mark.parametrize(
    "task",
    [task if task == "Wait until it runs" else pytest.param(task, marks=pytest.mark.long) for task in FAILPOINTS],
)
def test_killed_at_a_failpoint(task: str, load: SteadyLoad) -> None:
    del load
    version = other_version()
    killed_at(task, version)
    output = finish(version)
    recorded = (
        FAILPOINTS.index("Number the release")
        < FAILPOINTS.index(task)
        < FAILPOINTS.index("Remove what no kept release needs")
    )
    assert ("was interrupted; taking over" in output) == recorded, output


@pytest.mark.long
def test_killed_while_one_task_goes_first(load: SteadyLoad) -> None:
    del load
    version = other_version()
    killed_at("Wait until it runs", version, "-e", "stack_at_once_percent=100")
    finish(version)


@pytest.mark.long
def test_a_lock_is_held_by_who_is_stopped_and_freed_by_who_dies(load: SteadyLoad) -> None:
    del load
    version = other_version()
    running = started(version)
    until_unfinished()
    os.kill(running.pid, signal.SIGSTOP)
    began = time.monotonic()
    refused = [deploy(version), playbook("rollback")]
    print(f"two refusals in {time.monotonic() - began:.1f} s")
    for run in refused:
        assert run.code != 0
        assert "E_LOCKED: " in run.output
        assert "for: deploy" in run.output
    os.kill(running.pid, signal.SIGCONT)
    assert running.wait(600) == 0
    assert versions() == {version}
    assert "running" in releases()[-1]


@pytest.mark.long
@pytest.mark.parametrize("load", [EDGES], indirect=True)
def test_killed_at_random_moments(load: SteadyLoad) -> None:
    del load
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    chance = random.Random(seed)
    version, killed = other_version(), []
    for number in range(1, KILLS + 1):
        seconds = chance.uniform(3, 60)
        if killed_after(seconds, version):
            killed.append(round(seconds, 1))
        print(f"seed {seed}, kill {number}: {version} after {seconds:.1f} s", flush=True)
        assert versions() <= {"v1", "v2"}
        if number % KILLS_BETWEEN_FINISHED == 0:
            finish(version)
        version = "v2" if version == "v1" else "v1"
    assert len(killed) > KILLS / 2


@needs_several_hosts
@pytest.mark.long
@pytest.mark.parametrize("load", [EDGES[:2]], indirect=True)  # clients leave a host's edge before it goes
def test_a_host_that_a_killed_reboot_has_drained_comes_back_with_the_next_run(load: SteadyLoad) -> None:
    del load
    reboot = ("reboot", "-e", "host=node3")
    inspected = 'docker node inspect node3 --format "{{.Spec.Availability}} {{.Spec.Labels}}"'
    killed = playbook(*reboot, **at_task("Restart the host", "kill -9 $PPID"))
    assert killed.code == -signal.SIGKILL, killed.output
    left = on_host("node1", inspected)
    assert left.startswith("drain "), left
    assert "halobuzz.out_for:reboot of node3" in left
    again = playbook(*reboot)
    assert again.code == 0, again.output
    back = on_host("node1", inspected)
    assert back.startswith("active "), back
    assert "out_for" not in back
