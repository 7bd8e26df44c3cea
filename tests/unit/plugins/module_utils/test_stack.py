# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stack follows from the catalogue; what needs another task has another fingerprint, what does not has the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.halobuzz.platform.plugins.module_utils import _stack

CHECKOUT = Path(__file__).resolve().parents[4]


@pytest.fixture
def services() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load((CHECKOUT / "roles/catalog/defaults/main.yml").read_text())[
        "catalog_services"
    ]
    return loaded


@pytest.fixture
def settings(services: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "images": {service["image"]: f"registry/{service['image']}@sha256:1" for service in services},
        "environment_files": {service["name"]: "JWT_SECRET='planted-canary'\n" for service in services},
        "entrypoint": "#!/bin/sh\n",
        "edge_image": "registry/haproxy@sha256:2",
        "edge_dir": "/etc/halobuzz/edge",
        "https_port": 0,
        "monitor_seconds": 25,
        "at_once_percent": 0,
        "scaled": {},
    }


def specs(rendered: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["spec"] for entry in _stack.wanted_services("halobuzz", rendered)}


def test_every_service_and_the_edge_are_in_the_stack(services: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    rendered = _stack.render_stack("halobuzz", services, settings)
    assert set(rendered["services"]) == {"ai-engine", "backend", "edge"}
    assert all(service["deploy"]["endpoint_mode"] == "dnsrr" for service in rendered["services"].values())
    assert {port["mode"] for port in rendered["services"]["edge"]["ports"]} == {"host"}
    assert [port["published"] for port in rendered["services"]["edge"]["ports"]] == [5020, 80]


def test_services_are_updated_after_what_they_depend_on_and_go_back_before_it(
    services: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    rendered = _stack.render_stack("halobuzz", services, settings)
    steps = _stack.update_steps(rendered, "halobuzz", {})
    assert [step["services"] for step in steps] == [["ai-engine"], ["backend"], ["edge"]]
    assert [list(step["compose"]["services"]) for step in steps[:2]] == [["ai-engine"], ["backend"]]
    assert steps[0]["compose"]["secrets"] == rendered["secrets"]
    assert [step["last"] for step in steps] == [False, False, True]
    assert steps[2]["compose"] == rendered  # whatever else was in the stack can go
    back = _stack.update_steps(rendered, "halobuzz", {}, backwards=True)
    assert [step["services"] for step in back] == [["edge"], ["backend"], ["ai-engine"]]
    assert back[2]["compose"] == rendered


def test_what_depends_on_nothing_of_each_other_is_one_step() -> None:
    needs: dict[str, list[str]] = {
        "web": ["api", "chat"],
        "api": ["store"],
        "chat": ["store"],
        "store": [],
        "mail": ["gone"],
    }
    assert _stack.dependency_steps({name: {"depends_on": them} for name, them in needs.items()}) == [
        ["store", "mail"],
        ["api", "chat"],
        ["web"],
    ]
    assert _stack.in_dependency_order([{"name": name, "depends_on": them} for name, them in needs.items()])[-1] == "web"


def test_a_stack_that_was_released_without_an_order_is_one_step() -> None:
    (step,) = _stack.update_steps({"services": {"backend": {}, "ai-engine": {}}}, "halobuzz", {})
    assert (step["services"], step["last"]) == (["backend", "ai-engine"], True)


def test_where_several_tasks_are_replaced_at_once_one_goes_first(
    services: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    before = _stack.render_stack("halobuzz", services, settings)
    changed = {**settings, "images": {**settings["images"], "halobuzz/backend": "registry/backend@sha256:new"}}
    rendered = _stack.render_stack("halobuzz", services, {**changed, "at_once_percent": 100})
    seen = {f"halobuzz_{name}": {"labels": one["deploy"]["labels"]} for name, one in before["services"].items()}
    steps = _stack.update_steps(rendered, "halobuzz", seen)
    assert [(step["services"], step["canary"]) for step in steps] == [
        (["ai-engine"], False),
        (["backend"], True),
        (["backend"], False),
        (["edge"], False),
    ]
    canary, others = (step["compose"]["services"]["backend"]["deploy"]["update_config"] for step in steps[1:3])
    assert (canary["parallelism"], others["parallelism"]) == (1, before["services"]["backend"]["deploy"]["replicas"])
    # Swarm must not begin with the next task while somebody still watches the first.
    assert int(canary["delay"].rstrip("s")) > int(others["delay"].rstrip("s")) == settings["monitor_seconds"]
    assert (
        _stack.update_order(rendered, "halobuzz", seen)
        == "ai-engine, then one task of backend, then backend, then edge"
    )
    # A run that was killed after its canary; a platform that is not there yet; the way back to what has served.
    held = {f"halobuzz_{name}": {"labels": one["deploy"]["labels"]} for name, one in rendered["services"].items()}
    for other, backwards in ((held, False), ({}, False), (seen, True)):
        assert not any(step["canary"] for step in _stack.update_steps(rendered, "halobuzz", other, backwards))
    # One task after the other watches each of them anyway.
    one_by_one = _stack.render_stack("halobuzz", services, changed)
    assert not any(step["canary"] for step in _stack.update_steps(one_by_one, "halobuzz", seen))


def test_another_order_is_no_other_task(services: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    before = specs(_stack.render_stack("halobuzz", services, settings))
    assert specs(_stack.render_stack("halobuzz", [{**one, "depends_on": []} for one in services], settings)) == before


def test_no_secret_value_is_in_the_stack(services: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    assert "planted-canary" not in str(_stack.render_stack("halobuzz", services, settings))


def test_health_check_of_a_container_is_liveness_only(services: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    backend = _stack.render_stack("halobuzz", services, settings)["services"]["backend"]
    assert "/healthz" in backend["healthcheck"]["test"][3]
    assert "/api/v1/health" not in str(backend["healthcheck"])


@pytest.mark.parametrize("change", ["image", "settings", "command", "memory_limit_mb"])
def test_fingerprint_changes_when_tasks_must(
    services: list[dict[str, Any]], settings: dict[str, Any], change: str
) -> None:
    before = specs(_stack.render_stack("halobuzz", services, settings))
    settings, services = copy.deepcopy(settings), copy.deepcopy(services)
    backend = next(service for service in services if service["name"] == "backend")
    if change == "image":
        settings["images"]["halobuzz/backend"] = "registry/halobuzz/backend@sha256:9"
    elif change == "settings":
        settings["environment_files"]["backend"] = "JWT_SECRET='another'\n"
    elif change == "command":
        backend["command"] = ["node", "other.js"]
    else:
        backend["memory_limit_mb"] = 1024
    after = specs(_stack.render_stack("halobuzz", services, settings))
    assert after["halobuzz_backend"] != before["halobuzz_backend"]
    assert after["halobuzz_ai-engine"] == before["halobuzz_ai-engine"]


def test_fingerprint_stays_when_only_the_number_changes(
    services: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    before = specs(_stack.render_stack("halobuzz", services, settings))
    rendered = _stack.render_stack("halobuzz", services, {**settings, "scaled": {"backend": "5"}})
    assert specs(rendered) == before
    assert rendered["services"]["backend"]["deploy"]["replicas"] == 5
    assert rendered["services"]["backend"]["deploy"]["labels"][_stack.SCALED_LABEL] == "5"


def test_versioned_name_follows_the_content() -> None:
    assert _stack.versioned_name("halobuzz", "x", "a") == _stack.versioned_name("halobuzz", "x", "a")
    assert _stack.versioned_name("halobuzz", "x", "a") != _stack.versioned_name("halobuzz", "x", "b")


def test_tag_becomes_digest_and_unknown_tag_stays() -> None:
    references = {"a": "registry:5000/a:v1", "b": "registry:5000/b:v1"}
    assert _stack.pinned(references, {"registry:5000/a:v1": "sha256:1"}) == {
        "a": "registry:5000/a@sha256:1",
        "b": "registry:5000/b:v1",
    }


def test_a_percentage_of_the_tasks_is_replaced_at_once(
    services: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    def at_once(percent: int) -> int:
        several = {**settings, "scaled": {"backend": "10"}, "at_once_percent": percent}
        rendered = _stack.render_stack("halobuzz", services, several)["services"]
        assert rendered["edge"]["deploy"]["update_config"]["parallelism"] == 1
        return int(rendered["backend"]["deploy"]["update_config"]["parallelism"])

    assert [at_once(percent) for percent in (0, 5, 25, 100)] == [1, 1, 2, 10]


def test_scaled_replicas_are_read_from_labels() -> None:
    seen = {"halobuzz_backend": {"labels": {_stack.SCALED_LABEL: "5"}}, "halobuzz_edge": {"labels": {}}}
    assert _stack.scaled_replicas(seen, "halobuzz") == {"backend": "5"}


def test_a_new_image_is_migrated_once_with_the_settings_of_its_service(
    services: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    rendered = _stack.render_stack("halobuzz", services, settings)
    migrations = {"backend": ["npm", "run", "db:create-indexes"], "ai-engine": ["true"]}
    plan = _stack.migration_plan(migrations, rendered, "halobuzz-migration", ["registry/halobuzz/ai-engine@sha256:1"])
    assert [one["service"] for one in plan] == ["backend"]
    argv = plan[0]["argv"]
    assert argv[-4:] == ["registry/halobuzz/backend@sha256:1", "npm", "run", "db:create-indexes"]
    assert f"--secret=source={rendered['secrets']['backend-environment']['name']},target=environment,mode=0444" in argv
    assert "planted-canary" not in str(argv)
    running = ["registry/halobuzz/backend@sha256:1", "registry/halobuzz/ai-engine@sha256:1"]
    assert _stack.migration_plan(migrations, rendered, "halobuzz-migration", running) == []


def test_the_record_of_a_release_holds_a_fingerprint_per_service() -> None:
    services = [{"name": "b", "template": "2"}, {"name": "a", "template": "1"}]
    assert json.loads(_stack.released_record(services)) == {"a": "1", "b": "2"}
