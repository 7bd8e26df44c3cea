# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be changed, and what is refused with which code."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _operations as operations

GIB = 1024**3
APP = ["node.labels.halobuzz.app == true"]


def service(name: str, wanted: int, memory_mb: int = 512, scaled: str = "") -> dict[str, Any]:
    labels = {"halobuzz.scaled": scaled} if scaled else {}
    return {
        "name": f"halobuzz_{name}",
        "wanted": wanted,
        "memory_bytes": memory_mb * 1024**2,
        "constraints": APP,
        "labels": labels,
    }


def node(name: str, memory_gib: int, **other: Any) -> dict[str, Any]:
    seen = {
        "name": name,
        "memory_bytes": memory_gib * GIB,
        "labels": {"halobuzz.app": "true"},
        "state": "ready",
        "availability": "active",
    }
    return {**seen, **other}


def plan(
    replicas: object, name: str = "backend", swarm: dict[str, Any] | None = None, **request: Any
) -> dict[str, Any]:
    catalogue = [{"name": "ai-engine", "replicas": 2}, {"name": "backend", "replicas": 3, "edge": {"port": 80}}]
    seen = swarm or {
        "services": [service("ai-engine", 2, 384), service("backend", 3)],
        "nodes": [node("a", 4), node("b", 4)],
    }
    given = {"service": name, "replicas": replicas, "reserve_mb": 1024, "edge_slots": 20, **request}
    return operations.scale_plan(seen, "halobuzz", catalogue, given)


def test_scaling_up_sets_the_number_and_the_label() -> None:
    found = plan("5")
    assert (found["code"], found["changed"]) == ("", True)
    assert found["argv"][-3:] == ["--replicas=5", "--label-add=halobuzz.scaled=5", "halobuzz_backend"]
    assert found["message"] == "backend: 3 -> 5 replicas"


def test_the_catalogues_number_removes_the_label() -> None:
    swarm = {"services": [service("backend", 5, scaled="5")], "nodes": [node("a", 8)]}
    found = plan(3, swarm=swarm)
    assert found["argv"][-3:] == ["--replicas=3", "--label-rm=halobuzz.scaled", "halobuzz_backend"]
    assert found["changed"] and not found["label"]


def test_the_same_number_changes_nothing() -> None:
    assert not plan("3")["changed"]
    swarm = {"services": [service("backend", 5, scaled="5")], "nodes": [node("a", 8)]}
    assert not plan("5", swarm=swarm)["changed"]


@pytest.mark.parametrize("replicas", ["", "many", "-1", "1.5", "٣", "99999999"])
def test_what_is_no_number_is_refused(replicas: str) -> None:
    assert plan(replicas)["code"] == "E_VARIABLES"


def test_zero_points_to_stop() -> None:
    found = plan("0")
    assert (found["code"], found["next_command"]) == ("E_VARIABLES", "make down ARGS='-e stop_service=backend'")


def test_unknown_service_is_refused_with_the_nearest_name() -> None:
    found = plan("2", name="backnd")
    assert found["code"] == "E_UNKNOWN_SERVICE"
    assert "Did you mean 'backend'?" in found["message"]
    assert plan("2", name="edge")["code"] == "E_UNKNOWN_SERVICE"
    assert plan("2", name="")["code"] == "E_VARIABLES"


def test_stopped_platform_is_said() -> None:
    assert plan("2", swarm={"services": [], "nodes": []})["next_command"] == "make up"


def test_more_than_the_memory_is_refused_with_what_would_fit() -> None:
    # 2 hosts x (4 - 1) GiB = 6144 MiB; ai-engine takes 768; (6144 - 768) / 512 = 10, one of them for updates.
    assert plan("9")["code"] == ""
    found = plan("10")
    assert found["code"] == "E_CAPACITY"
    assert "9 replicas would fit" in found["message"]


@pytest.mark.parametrize("other", [{"state": "down"}, {"availability": "drain"}, {"labels": {}}])
def test_only_hosts_that_take_the_service_count(other: dict[str, Any]) -> None:
    swarm = {"services": [service("backend", 3)], "nodes": [node("a", 4), node("b", 40, **other)]}
    assert plan("6", swarm=swarm)["code"] == "E_CAPACITY"


def test_scaling_down_is_never_refused_for_capacity() -> None:
    swarm = {"services": [service("backend", 9)], "nodes": [node("a", 2)]}
    assert plan("8", swarm=swarm)["code"] == ""


def test_more_than_the_edge_has_room_for_is_refused() -> None:
    found = plan("6", edge_slots=6)
    assert found["code"] == "E_CAPACITY"
    assert "edge_server_slots" in found["next_command"]


def test_the_last_good_release_keeps_the_number() -> None:
    stack = {
        "version": "3.9",
        "services": {"backend": {"image": "x", "deploy": {"replicas": 3, "labels": {"halobuzz.spec": "s"}}}},
    }
    scaled = operations.with_replicas(stack, "backend", 5, True)
    assert scaled["services"]["backend"]["deploy"] == {
        "replicas": 5,
        "labels": {"halobuzz.spec": "s", "halobuzz.scaled": "5"},
    }
    assert operations.kept_replicas(scaled) == {"backend": "5"}
    assert operations.kept_replicas(stack) == operations.kept_replicas(None) == {}
    assert operations.with_replicas(scaled, "backend", 3, False) == stack


def test_a_dead_host_may_be_left_out_and_most_hosts_may_not() -> None:
    hosts = ["node1", "node2", "node3"]
    assert operations.limit_problem(hosts, hosts) == ""
    assert operations.limit_problem(["node1", "node3"], hosts) == ""
    assert operations.limit_problem(["node2"], hosts) == "--limit leaves out node1, node3"
    assert operations.limit_problem(["node1"], ["node1"]) == ""


def test_remains_say_shared_things_once() -> None:
    swarm = {"state": "active", "services": [{"name": "halobuzz_backend"}]}
    remains = {
        "secrets": ["halobuzz_s"],
        "configs": [],
        "volumes": ["halobuzz_uploads"],
        "paths": {"/var/lib/x": 3 * GIB},
    }
    answer = {"swarm": swarm, "remains": remains, "containers": {"mongodb": {"state": "running"}, "redis-queue": None}}
    lines = operations.remains_lines({"node1": answer, "node2": {**answer, "containers": {}}})
    text = "\n".join(lines)
    assert text.count("halobuzz_backend") == 1
    assert text.count("halobuzz_s") == 1
    assert text.count("halobuzz_uploads") == 2
    assert text.count("3.0 GiB") == 2
    assert (
        operations.remains_lines(
            {"node1": {"swarm": {"state": "inactive"}, "remains": {}, "containers": {"mongodb": None}}}
        )
        == []
    )


@pytest.mark.parametrize("path", ["/", "/var", "var/lib/x", "/var/lib/../..", ""])
def test_paths_near_the_root_are_refused(path: str) -> None:
    assert operations.paths_problem(["/var/lib/halobuzz", path])


def test_usual_paths_are_accepted() -> None:
    assert operations.paths_problem(["/var/lib/halobuzz/mongodb", "/etc/halobuzz"]) == ""


def _swarm(tasks: dict[str, list[str]], availability: dict[str, str] | None = None) -> dict[str, Any]:
    """Three nodes with the label `app`; services with tasks on the named nodes; `edge` only where the label says so."""
    nodes = [
        {
            "name": f"node{number}",
            "state": "ready",
            "availability": (availability or {}).get(f"node{number}", "active"),
            "labels": {"halobuzz.app": "true"},
        }
        for number in (1, 2, 3)
    ]
    services = [
        {
            "name": f"halobuzz_{name}",
            "mode": "replicated",
            "constraints": ["node.labels.halobuzz.app == true"],
            "tasks": [{"node": node} for node in where],
        }
        for name, where in tasks.items()
    ]
    return {"nodes": nodes, "services": services}


def test_a_drain_moves_only_what_runs_there() -> None:
    swarm = _swarm({"backend": ["node1", "node2", "node3"], "ai-engine": ["node1", "node3"]})
    plan = operations.drain_plan(swarm, "halobuzz", "node2")
    assert (plan["code"], plan["changed"], plan["services"]) == ("", True, ["backend"])


def test_a_drained_host_is_left_alone() -> None:
    plan = operations.drain_plan(_swarm({"backend": ["node1"]}, {"node2": "drain"}), "halobuzz", "node2")
    assert (plan["changed"], plan["message"]) == (False, "node2 is out of service already")


def test_a_host_that_a_killed_run_has_left_out_is_taken_back_by_the_next() -> None:
    swarm = _swarm({"backend": ["node1"]}, {"node2": "drain"})
    swarm["nodes"][1]["labels"]["halobuzz.out_for"] = "reboot of node2"
    assert operations.drain_plan(swarm, "halobuzz", "node2")["changed"]


def test_the_last_host_of_a_service_is_not_drained() -> None:
    swarm = _swarm({"backend": ["node2"]}, {"node1": "drain", "node3": "pause"})
    plan = operations.drain_plan(swarm, "halobuzz", "node2")
    assert (plan["code"], plan["message"]) == ("E_CAPACITY", "no other host can take backend")


def test_a_misspelt_host_is_named_with_the_nearest() -> None:
    plan = operations.drain_plan(_swarm({}), "halobuzz", "nod2")
    assert plan["code"] == "E_INVENTORY"
    assert "Did you mean 'node2'?" in plan["message"]


HOSTS = ["node1", "node2", "node3"]


def test_a_host_that_keeps_data_or_is_the_only_manager_stays() -> None:
    swarm = _swarm({"backend": HOSTS})
    kept = operations.removal_plan(swarm, "halobuzz", "node1", HOSTS, {"node1": ["mongodb", "redis-queue"]})
    assert (kept["code"], kept["message"]) == ("E_CAPACITY", "node1 keeps mongodb, redis-queue, which would go with it")
    assert operations.removal_plan(swarm, "halobuzz", "node1", ["node1"], {})["code"] == "E_NO_QUORUM"
    assert operations.removal_plan(swarm, "halobuzz", "nod1", HOSTS, {})["code"] == "E_INVENTORY"
    plan = operations.removal_plan(swarm, "halobuzz", "node3", HOSTS, {"node1": ["mongodb"]})
    assert plan["lines"] == ["node3: leaves for good; moves backend", "2 managers stay; 0 of them may fail"]


def test_hosts_restart_in_the_order_given_each_once() -> None:
    swarm = _swarm({"backend": ["node1", "node2", "node3"]})
    plan = operations.turns_plan(swarm, "halobuzz", "node3, node1,node3", HOSTS, ["node1"])
    assert (plan["code"], plan["hosts"]) == ("", ["node3", "node1"])
    assert plan["lines"] == [
        "node3: restarts; moves backend",
        "node1: restarts; moves backend",
        "node1 has the only Redis: requests are answered with 503 while it restarts",
    ]
    assert operations.turns_plan(swarm, "halobuzz", "all", [*HOSTS, "db1"], [])["hosts"] == [*HOSTS, "db1"]
    assert operations.turns_plan(swarm, "halobuzz", "", HOSTS, [], "all is well")["lines"] == ["all is well"]


def test_a_host_outside_the_swarm_and_an_only_host_restart_without_a_drain() -> None:
    swarm = _swarm({"backend": ["node1", "node2", "node3"]})
    assert operations.turns_plan(swarm, "halobuzz", "db1", [*HOSTS, "db1"], [])["lines"] == [
        "db1: restarts; moves nothing"
    ]
    alone = {**swarm, "nodes": swarm["nodes"][:1]}
    plan = operations.turns_plan(alone, "halobuzz", "all", ["node1"], ["node1"])
    assert (plan["code"], plan["hosts"]) == ("", ["node1"])
    assert "the whole platform is away meanwhile" in plan["lines"][0]


def test_no_host_restarts_where_one_cannot_and_all_reasons_are_said() -> None:
    swarm = _swarm({"backend": ["node2"]}, {"node1": "drain", "node3": "pause"})
    plan = operations.turns_plan(swarm, "halobuzz", "nod1,node2", HOSTS, [])
    assert plan["hosts"] == []
    assert "Did you mean 'node1'?" in plan["message"]
    assert "no other host can take backend" in plan["message"]
    assert operations.turns_plan(swarm, "halobuzz", " ", HOSTS, [])["code"] == "E_VARIABLES"


@pytest.mark.parametrize(
    ("where", "uneven"),
    [
        (["node1", "node2", "node3"], []),
        (["node1", "node1", "node2"], ["backend"]),
        (["node1", "node2"], []),
        (["node1", "node1"], ["backend"]),
    ],
)
def test_services_that_leave_a_host_empty(where: list[str], uneven: list[str]) -> None:
    assert operations.uneven_services(_swarm({"backend": where}), "halobuzz") == uneven
