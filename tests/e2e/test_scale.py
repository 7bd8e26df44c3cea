# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service's number of replicas, which survives whatever is done to the platform: a deploy, a stop and a start."""

from __future__ import annotations

import pytest
from conftest import Run, on_host, playbook
from test_releases import SteadyLoad, deploy, load, versions

__all__ = ["load"]
pytestmark = pytest.mark.usefixtures("platform")


def running() -> dict[str, str]:
    """Return what runs of each service as `running/wanted`."""
    listed = on_host("node1", 'docker service ls --format "{{.Name}} {{.Replicas}}"')
    return dict(line.removeprefix("halobuzz_").split(" ", 1) for line in listed.splitlines())


def scale(service: str, replicas: int) -> Run:
    return playbook("scale", "-e", f"scale_service={service}", "-e", f"scale_replicas={replicas}")


def test_a_number_of_replicas_survives_the_next_deploy(load: SteadyLoad) -> None:
    del load
    before = int(running()["backend"].partition("/")[2])
    done = scale("backend", before + 1)
    assert done.code == 0, done.output
    assert f"backend: {before} -> {before + 1} replicas" in done.output
    refused = scale("backend", 400)
    assert refused.code != 0
    assert "E_CAPACITY" in refused.output, refused.output
    again = deploy(versions().pop())
    assert set(again.changed.values()) == {0}, again.output
    assert running()["backend"] == f"{before + 1}/{before + 1}"
    back = scale("backend", before)
    assert back.code == 0, back.output
    assert running()["backend"].endswith(f"/{before}")  # the one that drains is counted until it has ended


def test_a_platform_that_was_stopped_starts_as_it_was() -> None:
    ai_engines = int(running()["ai-engine"].partition("/")[2])
    assert scale("ai-engine", ai_engines + 1).code == 0
    serving, before = versions(), running()
    stopped = playbook("stop")
    assert stopped.code == 0, stopped.output
    assert running() == {}
    assert "mongodb" not in on_host("node1", "docker ps --format {{.Names}}")
    again = playbook("stop")
    assert set(again.changed.values()) == {0}, again.output
    started = playbook("start")
    assert started.code == 0, started.output
    assert versions() == serving
    assert running() == before
    again = playbook("start")
    assert set(again.changed.values()) == {0}, again.output
    same = deploy(serving.pop())
    assert set(same.changed.values()) == {0}, same.output
    assert scale("ai-engine", ai_engines).code == 0
