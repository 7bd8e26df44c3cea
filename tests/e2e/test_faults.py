# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts need breaks in the middle of a release: the run says so with a code, clients notice nothing, the next run is whole."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest
from conftest import ANOTHER_HOST, CHECKOUT, Run, at_task, needs_several_hosts, on_host, playbook
from test_kills import finish, other_version
from test_releases import EDGES, SteadyLoad, deploy, load, releases, specifications

__all__ = ["load"]
LAB = CHECKOUT / "tests" / "lab" / "lab"
CONTAINER = "halobuzz-lab-{}"
DOWNLOADS = "/var/lib/docker/tmp"
pytestmark = [pytest.mark.usefixtures("platform", "mended"), pytest.mark.long]


def clients_on(edge: int) -> pytest.MarkDecorator:
    """Clients on one edge alone: those of a broken host's own cannot be helped."""
    return pytest.mark.parametrize("load", [EDGES[edge : edge + 1]], indirect=True)


@pytest.fixture
def mended() -> Iterator[None]:
    """Everything of the lab runs again after the test."""
    yield
    for name in ("registry", "node1", "node2", "node3"):
        container = CONTAINER.format(name)
        subprocess.run(["docker", "unpause", container], capture_output=True)
        subprocess.run(["docker", "start", container], capture_output=True)
    on_host(ANOTHER_HOST, f"umount --quiet {DOWNLOADS}")


def broken(version: str, task: str, command: str) -> Run:
    done = deploy(version, **at_task(task, command))
    assert "AT_TASK ended with 0" in done.output, f"never came to {task!r}, or it failed:\n{done.output[-3000:]}"
    return done


# What breaks it, the code that says so, and what mends it. The full disk is where the engine keeps what it downloads, however little that is.
BEFORE_THE_SWITCH = {
    "registry gone": (
        f"docker stop {CONTAINER.format('registry')}",
        "E_REGISTRY",
        f"docker start {CONTAINER.format('registry')}",
    ),
    "disk full": (
        f"{LAB} ssh {ANOTHER_HOST} sudo mount -t tmpfs -o nr_inodes=1 tmpfs {DOWNLOADS}",
        "E_NO_SPACE",
        f"{LAB} ssh {ANOTHER_HOST} sudo umount {DOWNLOADS}",
    ),
}


@clients_on(0)
@pytest.mark.parametrize("fault", BEFORE_THE_SWITCH)
def test_images_that_cannot_be_fetched_leave_everything_as_it_was(fault: str, load: SteadyLoad) -> None:
    del load
    breaks, code, mends = BEFORE_THE_SWITCH[fault]
    version, before, known = other_version(), specifications(), releases()
    assert deploy(version, "--tags", "image").code == 0  # what a host builds in the run itself, it need not fetch
    # Stopped tasks keep their layers.
    on_host(ANOTHER_HOST, "docker container prune --force; docker image prune --all --force")
    done = broken(version, "Fetch the images on every host", breaks)
    subprocess.run(mends.split(), check=True)
    assert done.code != 0
    assert code in done.output, done.output[-3000:]
    assert specifications() == before
    assert releases() == known
    finish(version)


@needs_several_hosts
@clients_on(0)
def test_a_docker_engine_dies_in_the_middle(load: SteadyLoad) -> None:
    del load
    version, before = other_version(), specifications()
    done = broken(version, "Wait until it runs", f"{LAB} ssh node3 sudo systemctl kill --signal KILL docker")
    if done.code != 0:  # the first new task died with its engine while Swarm watched it: all services are back
        assert "E_RELEASE_UNHEALTHY" in done.output, done.output[-3000:]
        assert specifications() == before
    finish(version)


@needs_several_hosts
@clients_on(0)
def test_a_host_falls_silent_in_the_middle(load: SteadyLoad) -> None:
    del load
    version = other_version()
    done = broken(version, "Wait until it runs", f"docker pause {CONTAINER.format('node3')}")
    print(f"exit code {done.code}")
    assert done.code != 0
    assert "E_UNHEALTHY" in done.output, done.output[-3000:]
    assert "node3: " in done.output
    assert "Bring back" not in done.output
    refused = deploy(version)
    assert refused.code != 0
    assert "E_HOST_UNREACHABLE" in refused.output, refused.output[-3000:]
    listed = playbook("releases")
    assert listed.code == 0, listed.output
    assert "node3: does not answer" in listed.output
    subprocess.run(["docker", "unpause", CONTAINER.format("node3")], check=True)
    number = releases()[-1].split()[0]
    finish(version)
    assert releases()[-1].split()[:2] == [number, "running"]  # there was nothing left to do for it


@needs_several_hosts
@clients_on(1)
def test_the_acting_manager_falls_silent_in_the_middle(load: SteadyLoad) -> None:
    del load
    version = other_version()
    done = broken(version, "Wait until it runs", f"docker pause {CONTAINER.format('node1')}")
    assert done.code != 0
    assert "E_HOST_UNREACHABLE: node1" in done.output, done.output[-3000:]
    assert "was under way, and Swarm goes on with the services that it was given" in done.output
    assert "Bring back the release before" not in done.output
    subprocess.run(["docker", "unpause", CONTAINER.format("node1")], check=True)
    finish(version, surplus_seconds=60)  # what ran on it before goes when it has been told


@needs_several_hosts
@clients_on(0)
def test_the_managers_lose_their_majority_in_the_middle(load: SteadyLoad) -> None:
    version = other_version()
    pause = "docker pause {} {}".format(*(CONTAINER.format(name) for name in ("node2", "node3")))
    done = broken(version, "Wait until it runs", pause)
    assert done.code != 0
    assert "E_NO_QUORUM" in done.output, done.output[-3000:]
    # Managers that come back elect a leader that knows no node yet: Swarm itself then restarts tasks, some seconds without an answer.
    load.mark("the majority comes back")
    subprocess.run(pause.replace("pause", "unpause").split(), check=True)
    began = time.monotonic()
    while "Leader" not in on_host("node1", "docker node ls") and time.monotonic() < began + 300:
        time.sleep(1)
    print(f"a leader after {time.monotonic() - began:.0f} s")
    finish(version)
