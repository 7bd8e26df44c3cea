# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys, rollbacks and broken releases, with steady clients at the edge: no request fails, whatever happens to the release."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import ANOTHER_HOST, CHECKOUT, HOSTS, Inventory, Run, lab_settings, needs_several_hosts, on_host, playbook

sys.path.insert(0, str(CHECKOUT / "tests" / "bench"))
from steady_load import SteadyLoad

EDGES = [f"http://10.99.0.{10 + number}" for number in range(1, HOSTS + 1)]
pytestmark = pytest.mark.usefixtures("platform")


@pytest.fixture
def load(request: pytest.FixtureRequest) -> Iterator[SteadyLoad]:
    """Steady requests and websockets; whatever the test does, not one may fail. Fewer than in `make bench`: two cores do it all."""
    load = SteadyLoad(getattr(request, "param", EDGES), requests_per_second=60, websockets=20).start()
    load.mark("during")
    yield load
    time.sleep(2)
    phases = load.stop()
    print(json.dumps(phases))
    assert phases[1]["sent"] > 1000
    assert phases[1]["failed"] == 0, phases
    assert phases[1]["websocket_refusals"] == 0, phases  # whoever is dropped is back at the first try


def deploy(version: str, *arguments: str, **environment: str) -> Run:
    return playbook("deploy_prod", "-e", f"platform_version={version}", *arguments, **environment)


def versions() -> set[str]:
    """Return what the edges answer to /version, asked ten times each."""
    answers = set()
    for edge in EDGES * 10:
        with urllib.request.urlopen(f"{edge}/version", timeout=10) as response:  # noqa: S310
            answers.add(json.load(response)["version"])
    return answers


def specifications() -> dict[str, Any]:
    """Return image and secrets of each service as Swarm has them."""
    names = "$(docker service ls -q)"
    shown = json.loads(on_host("node1", f"docker service inspect {names}"))
    found = {}
    for service in shown:
        container = service["Spec"]["TaskTemplate"]["ContainerSpec"]
        objects = [one["SecretName"] for one in container.get("Secrets") or []]
        found[service["Spec"]["Name"]] = (container["Image"], sorted(objects))
    return found


def forget_images(version: str) -> None:
    """Remove a version's images from the lab's registry: the next deploy has to build, try and push them."""
    repository = CHECKOUT / ".lab" / "git" / "platform.git"
    command = ["git", "-C", str(repository), "rev-parse", f"{version}^{{commit}}"]
    commit = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    storage = CHECKOUT / ".lab" / "cache" / "registry" / "docker" / "registry" / "v2" / "repositories"
    for tag in storage.glob(f"*/*/_manifests/tags/git-{commit[:12]}"):
        shutil.rmtree(tag)


def releases() -> list[str]:
    """Return the lines of the list of releases, the newest last."""
    done = playbook("releases")
    assert done.code == 0, done.output
    return [line for line in done.output.splitlines() if line[:1].isdigit()]


def one_after_the_other(output: str, first: str, then: str) -> bool:
    """Return whether a run had finished one service before it touched the next: that one's tasks were still old when it looked."""
    finished = re.search(rf"halobuzz_{first}: (\d+) of \1 running done", output)
    untouched = re.search(rf"halobuzz_{then}: 0 of (\d+) running, \1 old", output)
    return bool(finished and untouched and finished.start() < untouched.start())


def test_the_plan_of_a_version_that_is_not_built_yet_is_shown() -> None:
    forget_images("v2")
    before = specifications()
    done = deploy("v2", "--check", "--diff")
    assert done.code == 0, done.output
    assert "absent -> built from v2" in done.output
    assert "service halobuzz_backend" in done.output
    assert "order: ai-engine, then backend, then edge" in done.output
    assert specifications() == before


def test_images_are_built_and_nothing_else_is_done() -> None:
    before = specifications()
    done = deploy("v2", "--tags", "image")
    assert done.code == 0, done.output
    assert specifications() == before


def test_a_new_release_fails_no_request(load: SteadyLoad) -> None:
    if versions() != {"v1"}:  # as an earlier test has left it
        assert deploy("v1").code == 0
    dropped = load.phases[-1].websocket_drops
    before = dropped.copy()
    done = deploy("v2", REASON="two is better")
    assert done.code == 0, done.output
    assert set((dropped - before).values()) == {1}  # whoever is dropped comes back to a new task
    assert versions() == {"v2"}
    newest = releases()[-1]
    assert "running" in newest
    assert "two is better" in newest
    assert "order: ai-engine, then backend, then edge" in done.output
    assert one_after_the_other(done.output, "ai-engine", "backend"), done.output


def test_the_same_again_changes_nothing_and_makes_no_release() -> None:
    before = releases()
    done = deploy("v2")
    assert done.code == 0, done.output
    assert set(done.changed.values()) == {0}, done.output
    assert releases() == before


def test_nothing_differs_from_the_inventory_that_was_deployed() -> None:
    version = versions().pop()
    same = playbook("drift", "-e", f"platform_version={version}")
    assert same.code == 0, same.output
    assert "As wanted: 3 hosts, 3 services" in same.output
    assert set(same.changed.values()) == {0}
    other = playbook("drift", "-e", f"platform_version={'v1' if version == 'v2' else 'v2'}")
    assert "E_DRIFT" in other.output
    assert "service halobuzz_backend" in other.output


@pytest.mark.long
def test_what_was_changed_by_hand_is_found_and_brought_back(load: SteadyLoad) -> None:
    del load
    version = versions().pop()
    before = specifications()
    on_host("node1", "docker service update --detach --limit-memory 300M halobuzz_ai-engine")
    on_host(ANOTHER_HOST, "echo >> /etc/sysctl.d/60-halobuzz.conf")
    found = playbook("drift", "-e", f"platform_version={version}")
    assert found.code != 0
    assert "service halobuzz_ai-engine: changed by hand" in found.output
    assert f"{ANOTHER_HOST}: file /etc/sysctl.d/60-halobuzz.conf" in found.output
    assert "E_DRIFT: 2 differences" in found.output
    done = deploy(version)
    assert done.code == 0, done.output
    assert specifications() == before
    again = playbook("drift", "-e", f"platform_version={version}")
    assert again.code == 0, again.output
    restarted = playbook("restart")
    assert restarted.code == 0, restarted.output
    again = playbook("drift", "-e", f"platform_version={version}")
    assert again.code == 0, again.output


@needs_several_hosts
@pytest.mark.long
def test_a_manager_whose_engine_is_down_is_named_and_its_services_are_not_called_absent() -> None:
    version = versions().pop()
    on_host("node1", "systemctl stop docker.socket docker")
    try:
        found = playbook("drift", "-e", f"platform_version={version}")
    finally:
        on_host("node1", "systemctl start docker")
    assert "E_DRIFT" in found.output
    assert "node1: unit docker.service: inactive" in found.output
    assert "node1: swarm membership: no engine" in found.output
    assert "service halobuzz_" not in found.output
    deadline = time.monotonic() + 120
    while playbook("health").code and time.monotonic() < deadline:
        time.sleep(5)
    again = playbook("drift", "-e", f"platform_version={version}")
    assert again.code == 0, again.output


@pytest.mark.parametrize(
    "version",
    [
        "never-healthy",
        pytest.param("bad-environment", marks=pytest.mark.long),
        pytest.param("missing-module", marks=pytest.mark.long),
    ],
)
def test_a_version_that_never_gets_healthy_does_not_reach_the_hosts(version: str, load: SteadyLoad) -> None:
    del load
    forget_images(version)  # a test that has them pushed untried may have run before
    before, known = specifications(), releases()
    done = deploy(version)
    assert done.code != 0
    assert "E_IMAGE_UNFIT" in done.output
    assert specifications() == before
    assert releases() == known


@pytest.mark.long
@pytest.mark.parametrize(
    ("version", "monitor_seconds"),
    [("crash-after-20s", 25), ("crash-after-20s", 8), ("leaks-memory", 8)],
    ids=["while it is watched", "after it was watched", "killed for its memory"],
)
def test_a_version_that_crashes_later_goes_back_whole(version: str, monitor_seconds: int, load: SteadyLoad) -> None:
    del load
    before, serving = specifications(), versions()
    done = deploy(version, "-e", f"stack_monitor_seconds={monitor_seconds}")
    assert done.code != 0
    assert "E_RELEASE_UNHEALTHY" in done.output
    assert "Every service is back on release" in done.output
    assert specifications() == before
    assert versions() == serving
    assert "failed" in releases()[-1]


@pytest.mark.long
def test_one_task_goes_first_where_several_are_replaced_at_once(load: SteadyLoad) -> None:
    version = "v2" if versions() == {"v1"} else "v1"
    dropped = load.phases[-1].websocket_drops
    before = specifications()
    failed = deploy("crash-after-20s", "-e", "stack_monitor_seconds=25", "-e", "stack_at_once_percent=100")
    assert "E_RELEASE_UNHEALTHY" in failed.output, failed.output[-3000:]
    assert "one task of backend, then backend" in failed.output
    forwards = failed.output.partition(" FAILED")[0]
    assert set(re.findall(r"halobuzz_backend: (\d) of \d running, \d old", forwards)) == {"0", "1"}
    assert specifications() == before
    drops = dropped.copy()
    done = deploy(version, "-e", "stack_at_once_percent=100")
    assert done.code == 0, done.output
    assert "halobuzz_backend: one new task has run for 8 s; the others follow" in done.output
    assert set((dropped - drops).values()) == {1}
    assert versions() == {version}


@pytest.mark.long
@pytest.mark.parametrize("version", ["never-healthy", "bad-environment"])
def test_a_version_that_nobody_tried_before_goes_back_whole(version: str, load: SteadyLoad) -> None:
    """As with images that come from elsewhere: Swarm is the first to start them."""
    del load
    before, serving = specifications(), versions()
    done = deploy(version, "-e", "image_trial_enabled=false")
    assert done.code != 0
    assert "E_RELEASE_UNHEALTHY" in done.output
    assert "Every service is back on release" in done.output
    if version == "bad-environment":
        assert "RECOMMENDER_API_KEY" in done.output  # the cause, from the failing task's log
    assert specifications() == before
    assert versions() == serving


@pytest.mark.long
def test_a_version_that_starts_slowly_is_waited_for(load: SteadyLoad) -> None:
    del load
    serving = versions()
    done = deploy("slow-start")
    assert done.code == 0, done.output
    assert versions() == {"slow-start"}
    back = playbook("rollback")
    assert back.code == 0, back.output
    assert versions() == serving


def test_rollback_shows_its_plan_and_goes_back(load: SteadyLoad) -> None:
    del load
    if versions() != {"v2"}:
        assert deploy("v2").code == 0
    before = specifications()
    shown = playbook("rollback", "--check")
    assert shown.code == 0, shown.output
    assert "would change" in shown.output
    assert "order: edge, then backend, then ai-engine" in shown.output
    assert specifications() == before
    done = playbook("rollback", REASON="two is worse")
    assert done.code == 0, done.output
    assert one_after_the_other(done.output, "backend", "ai-engine"), done.output
    assert versions() == {"v1"}
    assert "back to" in releases()[-1]


def upgrade_status(cookie: str, session: str) -> int:
    """Ask an edge to make a socket.io session of long polling a websocket, and return the answer's status."""
    headers = {"Cookie": cookie, "Connection": "Upgrade", "Upgrade": "websocket"}
    headers |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # RFC 6455, 1.3
    connection = http.client.HTTPConnection(EDGES[0].removeprefix("http://"), timeout=10)
    connection.request("GET", f"/socket.io/?EIO=4&transport=websocket&sid={session}", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.long
def test_long_polling_stays_with_its_task_while_tasks_are_replaced(load: SteadyLoad) -> None:
    del load
    statuses: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        restart = pool.submit(playbook, "restart", "-e", "restart_service=backend")
        while not restart.done():
            with urllib.request.urlopen(f"{EDGES[0]}/socket.io/?EIO=4&transport=polling", timeout=10) as answer:  # noqa: S310
                cookie = answer.headers["Set-Cookie"].partition(";")[0]
                session = json.loads(answer.read().decode()[1:])["sid"]
            statuses.append(upgrade_status(cookie, session))
            time.sleep(0.2)
    assert restart.result().code == 0, restart.result().output
    # a task may end between a session's two requests
    assert Counter(statuses)[101] > len(statuses) - 3, Counter(statuses)


@pytest.mark.long
def test_rollback_twice_goes_two_back(load: SteadyLoad) -> None:
    del load
    before = specifications()
    for version, level in (("v2", "warn"), ("v1", "error")):
        settings = lab_settings(LOG_LEVEL=level)
        done = deploy(version, "-e", json.dumps({"config_environment": settings}))
        assert done.code == 0, done.output
    for version in ("v2", "v1"):
        done = playbook("rollback")
        assert done.code == 0, done.output
        assert versions() == {version}
    assert specifications() == before


@pytest.mark.long
def test_settings_alone_go_back(load: SteadyLoad, tmp_path: Path) -> None:
    del load
    old = specifications()
    changed = tmp_path / "settings.json"
    changed.write_text(json.dumps({"config_environment": lab_settings(LOG_LEVEL="debug")}))
    done = deploy("v2", "-e", f"@{changed}")
    assert done.code == 0, done.output
    new = specifications()
    done = playbook("rollback", "-e", "only=config")
    assert done.code == 0, done.output
    now = specifications()
    for name in ("halobuzz_backend", "halobuzz_ai-engine"):
        assert now[name] == (new[name][0], old[name][1])
        assert new[name][1] != old[name][1]
    assert versions() == {"v2"}


@needs_several_hosts
@pytest.mark.parametrize("load", [EDGES[:2]], indirect=True)  # clients leave a host's edge before it is drained
def test_a_host_is_drained_and_comes_back(load: SteadyLoad) -> None:
    del load
    done = playbook("drain", "-e", "host=node3")
    assert done.code == 0, done.output
    assert on_host("node3", "docker ps --quiet --filter label=com.docker.swarm.service.name") == ""
    again = playbook("drain", "-e", "host=node3")
    assert set(again.changed.values()) == {0}, again.output
    back = playbook("undrain", "-e", "host=node3")
    assert back.code == 0, back.output
    running = on_host("node3", "docker ps --format {{.Names}} --filter label=com.docker.swarm.service.name")
    assert "halobuzz_backend" in running
    health = playbook("health")
    assert health.code == 0, health.output


@needs_several_hosts
@pytest.mark.long
@pytest.mark.parametrize("load", [EDGES[:2]], indirect=True)
def test_a_host_is_restarted_in_order(load: SteadyLoad) -> None:
    del load
    booted = on_host("node3", 'cut -d" " -f22 /proc/1/stat')
    done = playbook("reboot", "-e", "host=node3")
    assert done.code == 0, done.output
    assert on_host("node3", 'cut -d" " -f22 /proc/1/stat') != booted
    assert on_host("node3", "docker ps --quiet --filter name=halobuzz_backend") != ""


def answer(url: str) -> tuple[int, str, str]:
    """Return status, Retry-After and body."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310
            return response.status, "", response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Retry-After", ""), error.read().decode()


@pytest.mark.long
def test_maintenance_is_told_and_ends_by_itself() -> None:
    done = playbook("maintenance", "-e", "minutes=1", MESSAGE='Back at "four"')
    assert done.code == 0, done.output
    for edge in EDGES:
        status, retry_after, body = answer(f"{edge}/version")
        assert status == 503
        assert 0 < int(retry_after) <= 60
        assert json.loads(body)["message"] == 'Back at "four"'
        assert answer(f"{edge}/api/v1/health")[0] == 200
        assert answer(f"{edge}/api/v1/payments/stripe/webhook")[0] != 503
    deadline = time.monotonic() + 75
    while answer(f"{EDGES[0]}/version")[0] == 503 and time.monotonic() < deadline:
        time.sleep(1)
    assert answer(f"{EDGES[0]}/version")[0] == 200
    assert playbook("maintenance", "-e", "state=off").code == 0
    again = playbook("maintenance", "-e", "state=off")
    assert set(again.changed.values()) == {0}, again.output


@pytest.mark.long
def test_a_migration_runs_once_before_the_switch_after_a_backup(load: SteadyLoad) -> None:
    del load
    before = specifications()
    version = "v1" if versions() == {"v2"} else "v2"
    broken = json.dumps(
        {"stack_migrations": {"backend": ["node", "-e", "console.error('no such table');process.exit(3)"]}}
    )
    done = deploy(version, "-e", broken)
    assert done.code != 0
    assert "E_RELEASE_UNHEALTHY" in done.output
    assert "no such table" in done.output
    assert "exit code 3" in done.output
    assert specifications() == before
    working = json.dumps({"stack_migrations": {"backend": ["npm", "run", "db:create-indexes"]}})
    done = deploy(version, "-e", working)
    assert done.code == 0, done.output
    assert "Migration of backend: npm run db:create-indexes" in done.output
    backup = re.search(r"Safety backup: (\S+?):(\S+)", done.output)
    assert backup, done.output
    assert on_host(backup[1], f"stat -c %a {backup[2]}; gzip -t {backup[2]}") == "600\n"
    assert on_host("node1", "docker service ls -q -f label=com.docker.stack.namespace=halobuzz-migration") == ""
    assert versions() == {version}


@needs_several_hosts
@pytest.mark.long
@pytest.mark.parametrize("load", [EDGES[:2]], indirect=True)
def test_a_deploy_restarts_no_engine_and_an_upgrade_does_in_order(load: SteadyLoad, inventory: Inventory) -> None:
    del load
    shown = "systemctl show docker --property ActiveEnterTimestampMonotonic; cat /etc/docker/daemon.json"
    before = {host: on_host(host, shown) for host in ("node1", "node2", "node3")}
    (inventory.folder / "host_vars").mkdir(exist_ok=True)
    (inventory.folder / "host_vars" / "node3.yml").write_text("docker_log_max_size: 40m\n")
    refused = playbook("deploy_prod", inventory=inventory.folder)
    assert refused.code != 0
    assert "E_ENGINE_AT_WORK" in refused.output
    assert "make docker-upgrade" in refused.output
    assert {host: on_host(host, shown) for host in before} == before
    done = playbook("docker_upgrade", inventory=inventory.folder)
    assert done.code == 0, done.output
    after = {host: on_host(host, shown) for host in before}
    assert [host for host in before if after[host] != before[host]] == ["node3"]
    assert "40m" in after["node3"]
    again = playbook("docker_upgrade", inventory=inventory.folder)
    assert set(again.changed.values()) == {0}, again.output
    back = playbook("docker_upgrade")
    assert back.code == 0, back.output
    assert "50m" in on_host("node3", shown)


@needs_several_hosts
@pytest.mark.long
@pytest.mark.parametrize("load", [EDGES], indirect=True)
def test_a_host_is_added_and_taken_out_again(load: SteadyLoad, inventory: Inventory) -> None:
    """The same playbook takes in a longer inventory; remove-host and the old inventory take it out again."""
    del load
    lab = [str(CHECKOUT / "tests/lab/lab"), "up", "--debian", os.environ.get("DEBIAN", "13"), "--hosts"]
    nodes = "docker node ls --format {{.Hostname}}"
    subprocess.run([*lab, "4"], check=True)
    try:
        grown = playbook("deploy_prod")
        assert grown.code == 0, grown.output
        assert "node4" in on_host("node1", nodes)
        planned = playbook("remove_host", "-e", "host=node4", "--check")
        assert planned.code == 0, planned.output
        assert "would change  node4: leaves for good" in planned.output
        assert "node4" in on_host("node1", nodes)
        refused = playbook("remove_host", "-e", "host=node1")
        assert refused.code != 0
        assert "E_CAPACITY: node1 keeps" in refused.output, refused.output
        removed = playbook("remove_host", "-e", "host=node4")
        assert removed.code == 0, removed.output
        forgotten = playbook("deploy_prod", inventory=inventory.folder)
        assert forgotten.code == 0, forgotten.output
        assert "node4" not in on_host("node1", nodes)
        again = playbook("deploy_prod", inventory=inventory.folder)
        assert set(again.changed.values()) == {0}, again.output
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", "halobuzz-lab-node4"], check=True)
        subprocess.run(["docker", "volume", "rm", "halobuzz-lab-node4-docker"], check=True)
        subprocess.run([*lab, "3"], check=True)


@pytest.mark.long
def test_old_releases_leave_nothing_behind(tmp_path: Path) -> None:
    """RELEASES=20 for as many in a row, each with a setting of its own: the first of another version, then two of v1, two of v2, …

    Swarm keeps the last five tasks in each one's place, so the first version's images can go only after some more releases.
    """
    number, kept, versions_in_turn = int(os.environ.get("RELEASES", "9")), 2, ("v2", "v2", "v1", "v1")
    turn = len(versions_in_turn)
    left = (
        "ls /var/lib/halobuzz/stack/releases | wc -l; docker secret ls -q | wc -l; docker config ls -q | wc -l; "
        # Raft's log grows by segments of 64 MB, whatever is released
        "du -xsk --exclude=/var/lib/docker/swarm /var/lib/docker /var/lib/halobuzz/stack | cut -f 1"
    )
    first = ""
    counts: list[list[int]] = []
    used_kib: list[int] = []
    forget_images("slow-start")
    for release in range(number):
        changed = tmp_path / f"{release}.json"
        settings = lab_settings(CORS_ORIGIN=f"https://{release}.halobuzz.lab")
        quick = {"stack_at_once_percent": 100, "stack_monitor_seconds": 1}  # it is about what is left
        limits = {"stack_releases_kept": kept, "image_build_cache_hours": 0}
        changed.write_text(json.dumps({"config_environment": settings, **limits, **quick}))
        version = versions_in_turn[release % turn] if release else "slow-start"
        done = deploy(version, "-e", f"@{changed}")
        assert done.code == 0, done.output
        assert "CORS_ORIGIN" in done.output  # the plan names what changes
        assert f"{release}.halobuzz.lab" not in done.output.replace(str(changed), "")  # and shows no value
        if not release:
            first = specifications()["halobuzz_backend"][0].rpartition("@")[2]
            assert "<none>:<none>" not in on_host("node1", "docker image ls --format '{{.Repository}}:{{.Tag}}'")
        *things, docker_kib, stack_kib = (int(count) for count in on_host("node1", left).split())
        counts.append(things)
        used_kib.append(docker_kib + stack_kib)
        print(things, docker_kib, stack_kib, flush=True)
    assert max(count[0] for count in counts[1:]) == kept, counts
    assert counts[-turn:] == counts[-2 * turn : -turn], counts
    assert max(used_kib[-turn:]) - max(used_kib[-2 * turn : -turn]) < 8 * 1024, used_kib
    for host in (f"node{number}" for number in range(1, HOSTS + 1)):
        assert first not in on_host(host, "docker image ls --digests --format '{{.Digest}}'"), host
    again = deploy("v1")
    assert again.code == 0, again.output


@pytest.mark.long
def test_a_hook_that_says_no_stops_the_release(tmp_path: Path) -> None:
    before, known = specifications(), releases()
    hook = tmp_path / "before-switch"
    hook.write_text(f"#!/bin/sh\ncat > {tmp_path}/told\necho not tonight >&2\nexit 1\n")
    hook.chmod(0o755)
    settings = lab_settings(LOG_LEVEL="debug")
    done = deploy("v1", "-e", json.dumps({"config_environment": settings, "stack_hooks_dir": str(tmp_path)}))
    assert done.code != 0
    assert "not tonight" in done.output
    assert specifications() == before
    assert releases() == known
    told = json.loads((tmp_path / "told").read_text())
    assert (told["hook"], told["kind"], told["platform"]) == ("before-switch", "deploy", "halobuzz")
