# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Compose file follows from the catalogue; made-up secrets are strong, kept, and in no rendered text."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.halobuzz.platform.plugins.module_utils import _compose, _environment

CHECKOUT = Path(__file__).resolve().parents[4]


@pytest.fixture
def services() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load((CHECKOUT / "roles/catalog/defaults/main.yml").read_text())[
        "catalog_services"
    ]
    return loaded


@pytest.fixture
def settings(services: list[dict[str, Any]]) -> dict[str, Any]:
    names = ["entrypoint", "mongodb-health", "mongodb-initiate", "mongodb-keyfile", "mongodb-users", "redis.conf"]
    return {
        "project": "halobuzz-development",
        "checkout_dir": "/srv/dev/halobuzz-platform",
        "files_dir": "/srv/dev/files",
        "image_prefix": "registry:5000/",
        "image_tag": "git-0123456789ab",
        "base_image": "registry:5000/node:20",
        "mongodb_image": "registry:5000/mongo:7.0",
        "redis_image": "registry:5000/redis:7.4",
        "replica_set": "halobuzz",
        "mongodb_port": 27017,
        "redis_port": 6379,
        "files": dict.fromkeys(names + [f"{service['name']}.env" for service in services], "planted-canary"),
    }


def specs(compose: dict[str, Any]) -> dict[str, str]:
    return {entry["name"]: entry["spec"] for entry in _compose.wanted_containers(compose)}


def test_services_and_databases_listen_on_loopback_only(
    services: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    rendered = _compose.render_compose(services, settings)["services"]
    assert {name: service["ports"] for name, service in rendered.items()} == {
        "mongodb": ["127.0.0.1:27017:27017"],
        "redis": ["127.0.0.1:6379:6379"],
        "ai-engine": ["127.0.0.1:5020:5020"],
        "backend": ["127.0.0.1:5010:5010"],
    }


def test_services_start_when_what_they_depend_on_is_healthy(
    services: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    rendered = _compose.render_compose(services, settings)["services"]
    assert set(rendered["backend"]["depends_on"]) == {"mongodb", "redis", "ai-engine"}
    assert set(rendered["ai-engine"]["depends_on"]) == {"mongodb", "redis"}
    assert all(need["condition"] == "service_healthy" for need in rendered["backend"]["depends_on"].values())


def test_no_file_content_is_in_the_compose_file(services: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    assert "planted-canary" not in str(_compose.render_compose(services, settings))


def test_every_mounted_file_is_declared_and_every_volume_named(
    services: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    compose = _compose.render_compose(services, settings)
    assert {**compose["secrets"], **compose["configs"]}.keys() == settings["files"].keys()
    assert compose["volumes"].keys() == {"mongodb", "redis"}


@pytest.mark.parametrize(
    ("name", "affected"),
    [
        ("backend.env", {"backend"}),
        ("mongodb-keyfile", {"mongodb"}),
        ("entrypoint", {"backend", "ai-engine"}),
    ],
)
def test_another_content_means_another_container(
    services: list[dict[str, Any]], settings: dict[str, Any], name: str, affected: set[str]
) -> None:
    before = specs(_compose.render_compose(services, settings))
    changed = {**settings, "files": {**settings["files"], name: "other"}}
    after = specs(_compose.render_compose(services, changed))
    assert {container for container in before if before[container] != after[container]} == {
        f"halobuzz-development-{service}-1" for service in affected
    }


def test_compose_takes_a_dollar_literally(services: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    changed = copy.deepcopy(services)
    changed[0]["command"] = ["node", "-e", "console.log(`${HOME}`)"]
    rendered = _compose.render_compose(changed, settings)["services"]["ai-engine"]
    assert rendered["command"] == ["node", "-e", "console.log(`$${HOME}`)"]


def test_a_service_without_build_comes_from_the_registry(
    services: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    changed = copy.deepcopy(services)
    del changed[0]["build"]
    rendered = _compose.render_compose(changed, settings)["services"]["ai-engine"]
    assert rendered["image"] == "registry:5000/halobuzz/ai-engine:git-0123456789ab"
    assert "build" not in rendered
    assert "pull_policy" not in rendered


def test_an_image_that_is_built_is_never_pulled(services: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    rendered = _compose.render_compose(services, settings)["services"]
    assert {name: service.get("pull_policy") for name, service in rendered.items() if "build" in service} == {
        "ai-engine": "never",
        "backend": "never",
    }


def test_secrets_are_made_once_and_kept(services: list[dict[str, Any]]) -> None:
    first = _compose.completed_secrets({"JWT_SECRET": "mine"}, services)
    assert first["JWT_SECRET"] == "mine"
    assert _compose.completed_secrets(first, services) == first
    assert set(_compose.secret_names(services)) == set(first)
    assert len({first[name] for name in first}) == len(first)


def test_made_up_secrets_are_long_and_of_third_parties_never_live(services: list[dict[str, Any]]) -> None:
    made = _compose.completed_secrets({}, services)
    assert all(len(value) >= 32 for name, value in made.items() if name != "TWILIO_PHONE_NUMBER")
    assert not any("live" in value for name, value in made.items() if name.startswith(("STRIPE", "KHALTI")))
    assert len(bytes.fromhex(made["ENCRYPTION_KEY"])) == 32


def test_made_up_secrets_and_the_databases_satisfy_every_service(services: list[dict[str, Any]]) -> None:
    made = _compose.completed_secrets({}, services)
    secrets = {**made, **_compose.database_settings(made, "halobuzz", "halobuzz")}
    files = _environment.environment_files(services, {}, secrets)
    assert "@mongodb:27017/halobuzz?replicaSet=halobuzz" in files["backend"]
    assert "mongodb_administrator" not in str(files)
    assert made["mongodb_administrator"] not in str(files)


def test_health_asks_readiness_and_both_databases(services: list[dict[str, Any]], settings: dict[str, Any]) -> None:
    checks = _compose.health_checks(services, _compose.completed_secrets({}, services), settings)
    assert [(check["title"], check["target"]) for check in checks] == [
        ("Backend", "http://localhost:5010/api/v1/health"),
        ("AI Engine", "http://localhost:5020/health"),
        ("MongoDB", "halobuzz"),
        ("Redis", "127.0.0.1:6379"),
    ]


def check(title: str, kind: str, target: str, detail: str, ok: bool = True) -> dict[str, Any]:
    return {"title": title, "kind": kind, "target": target, "detail": detail, "ok": ok, "warnings": []}


def test_lines_are_the_runbooks() -> None:
    checks = [
        check("Backend", "http", "http://localhost:5010/api/v1/health", "200"),
        check("MongoDB", "mongodb", "halobuzz", "Connected (primary mongodb, 1 of 1 member)"),
    ]
    assert _compose.health_lines({"healthy": True, "checks": checks, "summary": "Healthy"}) == [
        "✅ Backend: http://localhost:5010/api/v1/health",
        "✅ MongoDB: Connected (primary mongodb, 1 of 1 member)",
        "✅ Services running successfully",
    ]


def test_what_is_wrong_is_said_and_success_is_not_claimed() -> None:
    checks = [check("Backend", "http", "http://localhost:5010/api/v1/health", "503 degraded: redis down", ok=False)]
    lines = _compose.health_lines({"healthy": False, "checks": checks, "summary": "NOT healthy"})
    assert lines == ["❌ Backend: http://localhost:5010/api/v1/health 503 degraded: redis down", "NOT healthy"]
