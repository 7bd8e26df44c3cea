# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MongoDB and Redis after their Docker engine was killed: back by themselves, unless somebody stopped them."""

from __future__ import annotations

import time

import pytest
from conftest import on_host, playbook

pytestmark = [pytest.mark.usefixtures("platform"), pytest.mark.long]
NAMES = ["mongodb", "redis-cache", "redis-queue"]


def running_after_a_kill(wanted: list[str]) -> list[str]:
    """Kill the first host's engine; return the data services that run once it is back, waiting for those wanted."""
    on_host("node1", "systemctl kill --signal KILL docker")
    deadline = time.monotonic() + 60
    running: list[str] = []
    while time.monotonic() < deadline:
        time.sleep(5)
        shown = on_host("node1", "docker ps --format {{.Names}}")
        running = sorted(name for name in NAMES if name in shown.split())
        if running == wanted and "Cannot connect" not in shown:
            break
    return running


def test_databases_come_back_after_their_engine_was_killed_and_stay_down_when_stopped() -> None:
    assert running_after_a_kill(NAMES) == NAMES
    stopped = playbook("stop")
    assert stopped.code == 0, stopped.output
    assert running_after_a_kill([]) == []
    time.sleep(10)
    assert "mongodb" not in on_host("node1", "docker ps --format {{.Names}}")
    started = playbook("start")
    assert started.code == 0, started.output
    assert running_after_a_kill(NAMES) == NAMES
    healthy = playbook("deploy_prod")
    assert healthy.code == 0, healthy.output
