# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook is killed in the middle of a release: clients notice nothing, and the next run finishes without being told how."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import ANSIBLE_PLAYBOOK, CHECKOUT, LAB_INVENTORY, on_host
from test_releases import EDGES, SteadyLoad, deploy, load, releases, versions

__all__ = ["load"]
pytestmark = [pytest.mark.usefixtures("platform"), pytest.mark.long]

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


def killed_at(task: str, version: str) -> None:
    done = deploy(
        version,
        ANSIBLE_CALLBACK_PLUGINS=str(Path(__file__).parent / "callback_plugins"),
        ANSIBLE_CALLBACKS_ENABLED="kill_at",
        KILL_AT=task,
    )
    assert done.code == -signal.SIGKILL, f"never came to {task!r}:\n{done.output[-3000:]}"


def killed_after(seconds: float, version: str) -> bool:
    """Deploy, and kill it some seconds later; return whether it was still running."""
    words = [
        str(ANSIBLE_PLAYBOOK),
        "-i",
        str(LAB_INVENTORY),
        "playbooks/deploy_prod.yml",
        "-e",
        f"platform_version={version}",
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen(words, cwd=CHECKOUT, start_new_session=True, **quiet)  # type: ignore[call-overload]
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        running.kill()  # ansible-playbook alone: its workers and connections are left to themselves
        running.wait()
        return True
    return False


def finish(version: str) -> str:
    """Deploy whatever was killed, see that it is whole, and return what the run printed."""
    done = deploy(version)
    assert done.code == 0, done.output
    assert versions() == {version}
    assert "running" in releases()[-1]
    assert on_host("node1", "ls /var/lib/halobuzz/stack/unfinished").startswith("ls: cannot access")
    tasks = on_host("node1", 'docker service ls --format "{{.Name}} {{.Replicas}}"').splitlines()
    for line in tasks:
        running, _slash, wanted = line.split()[1].partition("/")
        assert running == wanted, tasks
    return done.output


@pytest.mark.parametrize("task", FAILPOINTS)
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
