"""Filter `health_checks`: from inventory and catalogue to a host's checks."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.halobuzz.platform.plugins.filter.health_checks import _uri_hosts, health_checks
from ansible_collections.halobuzz.platform.plugins.module_utils import _health_arguments
from ansible_collections.halobuzz.platform.plugins.modules import health_info

NODES = {"node1": "10.0.0.11", "node2": "10.0.0.12", "node3": "10.0.0.13"}


def facts(checkout: Any, host: str = "node1", **changes: Any) -> dict[str, Any]:
    catalogue = yaml.safe_load((checkout / "roles/catalog/defaults/main.yml").read_text(encoding="utf-8"))
    limits = [f"{what}_free_percent_{level}" for what in ("disk", "memory") for level in ("warning", "critical")]
    user = {"uri": "", "user": "monitoring", "password": "pw"}
    members = {"members": NODES, "port": 27017, "replica_set": "halobuzz", "lag_seconds_max": 30}
    base: dict[str, Any] = {
        "host": host, "stack": "halobuzz", "services": catalogue["catalog_services"], "managers": list(NODES),
        "app_hosts": list(NODES), "nodes_wanted": 3, "edges": NODES, "timeout_seconds": 3, "disk_paths": ["/"],
        "limits": dict.fromkeys(limits, 5), "mongodb": {**user, **members},
        "redis": {**user, "host": "node1", "address": "10.0.0.11", "queue_port": 6379, "cache_port": 6380},
    }  # fmt: skip
    return {key: {**value, **changes.get(key, {})} if key in ("mongodb", "redis") else changes.get(key, value)
            for key, value in base.items()}  # fmt: skip


def by_id(checks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    named = {check["id"]: check for check in checks}
    assert len(named) == len(checks)
    return named


def test_a_manager_looks_at_the_platform_and_at_itself(checkout: Any) -> None:
    checks = by_id(health_checks(facts(checkout)))
    assert checks["backend/http/node2"]["target"] == "http://10.0.0.12/api/v1/health"
    assert checks["ai-engine/http/node1"]["target"] == "http://10.0.0.11:5020/health"
    assert checks["backend/tasks"]["target"] == "halobuzz_backend"
    assert checks["mongodb"]["names"] == {f"{address}:27017": node for node, address in NODES.items()}
    assert {"redis/queue", "redis/cache", "swarm", "edge/tasks", "container/mongodb", "container/redis-queue"} <= set(
        checks
    )
    assert next(iter(checks)).startswith("backend/")


def test_another_host_looks_only_at_itself(checkout: Any) -> None:
    checks = by_id(health_checks(facts(checkout, "node2", managers=["node1"])))
    assert set(checks) == {"disk/", "memory", "load", "clock", "unit/docker", "container/mongodb"}


def test_external_databases_are_asked_by_uri_and_have_no_containers(checkout: Any) -> None:
    mongodb = {"uri": "mongodb+srv://app:planted@db.example.com/halobuzz"}  # pragma: allowlist secret
    redis = {"uri": "rediss://:planted@cache.example.com:6380"}
    checks = by_id(health_checks(facts(checkout, mongodb=mongodb, redis=redis)))
    assert (checks["mongodb"]["target"], checks["redis"]["target"]) == ("db.example.com", "cache.example.com:6380")
    assert not [check for check in checks if check.startswith("container/")]
    assert "planted" not in str([{key: check[key] for key in check if key != "uri"} for check in checks.values()])


def test_a_uri_gives_its_hosts_and_nothing_else() -> None:
    assert _uri_hosts("mongodb://u:p@h1:27017,h2:27017/db?replicaSet=x") == "h1:27017,h2:27017"
    assert _uri_hosts("mongodb://u:pl/an@ted@h1/db") == "h1"
    assert _uri_hosts("redis://h1:6379/0") == "h1:6379"


def test_a_service_without_an_edge_is_checked_by_its_tasks(checkout: Any) -> None:
    worker = {"name": "worker", "title": "Worker", "readiness_path": "/health"}
    checks = by_id(health_checks(facts(checkout, services=[worker], edges={})))
    assert "worker/tasks" in checks
    assert not [check for check in checks if "/http/" in check or check == "edge/tasks"]


def test_every_key_is_an_option_of_the_module(checkout: Any) -> None:
    options = _health_arguments.check_options()
    documented = yaml.safe_load(health_info.DOCUMENTATION)["options"]["checks"]["suboptions"]
    assert set(options) == set(documented)
    for check in health_checks(facts(checkout)):
        assert set(check) <= set(options)
        assert check["kind"] in options["kind"]["choices"]  # type: ignore[operator]
