"""The report: cause and symptom, the form for people, Prometheus text."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _health as health

HOSTS = ("node1", "node2", "node3")
DOWN = {"ok": False}


def check(check_id: str, kind: str, title: str, detail: str = "", **more: Any) -> health.CheckResult:
    base: dict[str, Any] = {
        "id": check_id, "kind": kind, "title": title, "target": "", "scope": "platform", "severity": "critical",
        "host": "", "runs_on": "", "ok": True, "latency_ms": 4, "detail": detail, "reason": "", "warnings": [], "facts": {},
    }  # fmt: skip
    return {**base, **more}  # type: ignore[typeddict-item]


def platform(**changes: dict[str, Any]) -> list[health.CheckResult]:
    """Return a manager's view of a healthy platform of three hosts; `changes` by id (with _ for / and -)."""
    checks = [
        *(
            check(f"backend/http/{host}", "http", "Backend", "200", target=f"http://10.99.0.1{n}/api/v1/health", runs_on=host)
            for n, host in enumerate(HOSTS, 1)
        ),
        check("backend/tasks", "swarm_service", "Backend", "3 of 3 running"),
        check("mongodb", "mongodb", "MongoDB", "Connected (primary node1, 3 of 3 members, lag 0 s)",
              facts={"hosts": list(HOSTS), "container": "mongodb"}),
        check("redis/queue", "redis", "Redis", "Connected", facts={"name": "queue", "container": "redis-queue"}, runs_on="node1"),
        check("redis/cache", "redis", "Redis", "Connected", facts={"name": "cache", "container": "redis-cache"}, runs_on="node1"),
        check("swarm", "swarm", "Swarm", "3 of 3 nodes ready, 3 of 3 managers reachable, leader node1"),
        check("edge/tasks", "swarm_service", "Edge", "3 of 3 running"),
    ]  # fmt: skip
    return [changed(item, changes) for item in checks]


def host(name: str, **changes: dict[str, Any]) -> list[health.CheckResult]:
    containers = ["mongodb", "redis-queue"] if name == "node1" else ["mongodb"]
    checks = [
        check("disk/", "disk", "Disk /", "/ 71 % free", scope="host", target="/"),
        check("unit/docker", "unit", "Docker", "docker active", scope="host", target="docker.service"),
        *(
            check(f"container/{c}", "container", f"Container {c}", f"{c} running", scope="host", target=c)
            for c in containers
        ),
    ]
    return [changed(item, changes) for item in checks]


def changed(item: health.CheckResult, changes: dict[str, dict[str, Any]]) -> health.CheckResult:
    change = changes.get(item["id"].strip("/").replace("/", "_").replace("-", "_"), {})
    return {**item, **change, "facts": {**item["facts"], **change.get("facts", {})}}  # type: ignore[typeddict-item]


def answer(name: str, checks: list[health.CheckResult]) -> health.HostAnswer:
    return {"host": name, "health": health.summarise(checks, 0.8), "problem": None}


def unreachable(name: str) -> health.HostAnswer:
    command = f"ssh ops@{name} true"
    problem: health.Problem = {"reason": "unreachable", "error": "No route to host", "next_command": command}
    return {"host": name, "health": None, "problem": problem}


def combine(**per_host: Any) -> health.Report:
    """Combine three managers' answers; a host's value is its list of checks or a whole answer."""
    answers = []
    for name in HOSTS:
        given = per_host.get(name, platform() + host(name))
        answers.append(answer(name, given) if isinstance(given, list) else given)
    return health.combine(answers, list(HOSTS))


def everywhere(host_changes: dict[str, Any] | None = None, **changes: dict[str, Any]) -> health.Report:
    return combine(**{name: platform(**changes) + host(name, **(host_changes or {})) for name in HOSTS})


def test_healthy_report_has_the_runbooks_form() -> None:
    report = combine()
    assert report["healthy"]
    assert health.lines(report) == [
        "✅ Backend: http://10.99.0.11/api/v1/health (3 of 3 running, 4 ms)",
        "✅ MongoDB: Connected (primary node1, 3 of 3 members, lag 0 s)",
        "✅ Redis: Connected (queue, cache)",
        "✅ Swarm: 3 of 3 nodes ready, 3 of 3 managers reachable, leader node1",
        "✅ Edge: 3 of 3 running",
        "✅ node1: / 71 % free, docker active, mongodb running, redis-queue running",
        "✅ node2: / 71 % free, docker active, mongodb running",
        "✅ node3: / 71 % free, docker active, mongodb running",
        "Healthy: 19 checks in 0.8 s",
    ]


def test_mongodb_down_is_the_one_cause_and_the_backend_its_symptom() -> None:
    edge_says = {
        **DOWN,
        "reason": "status",
        "detail": "503 no replica is ready, says the edge",
        "facts": {"status": 503},
    }
    report = everywhere(
        {"container_mongodb": {**DOWN, "reason": "exited", "detail": "exited with code 0, 9 s ago"}},
        mongodb={**DOWN, "reason": "down", "detail": "not connected: none of its members answers (node1 refused)"},
        backend_http_node1=edge_says,
        backend_http_node2=edge_says,
        backend_http_node3=edge_says,
    )
    assert [cause["id"] for cause in report["causes"]] == ["mongodb"]
    assert report["summary"] == (
        "NOT healthy: MongoDB: not connected: none of its members answers (node1 refused); its container is not running on "
        "node1, node2, node3 (and so Backend). 7 of 19 checks failed"
    )
    text = health.lines(report)
    first = "❌ Backend: http://10.99.0.11/api/v1/health 503 no replica is ready, says the edge; 3 of 3 running"
    assert text[:2] == [first, "   follows from MongoDB"]
    assert text[-1] == report["summary"]


def test_degraded_backend_follows_from_the_database_it_names() -> None:
    degraded = {**DOWN, "reason": "degraded", "detail": "503 degraded: database disconnected",
                "facts": {"status": 503, "services_down": ["database"]}}  # fmt: skip
    report = everywhere(mongodb={**DOWN, "reason": "down"}, backend_http_node1=degraded)
    assert health.blame(report["checks"])["backend/http/node1"] == "mongodb"
    alone = everywhere(backend_http_node1=degraded)
    assert [cause["id"] for cause in alone["causes"]] == ["backend/http/node1"]


def test_hanging_readiness_follows_from_redis() -> None:
    report = everywhere(
        redis_queue={**DOWN, "reason": "refused", "detail": "not connected: refused"},
        backend_http_node1={**DOWN, "reason": "hangs", "detail": "hangs: no answer in 3 s"},
    )
    assert [(cause["id"], cause["symptoms"]) for cause in report["causes"]] == [("redis/queue", ["Backend"])]


def test_dead_host_is_a_finding_and_the_service_goes_on() -> None:
    gone = {**DOWN, "reason": "no_answer", "detail": "could not connect in 3 s"}
    seen = platform(
        backend_http_node3=gone,
        swarm={
            **DOWN,
            "reason": "nodes_down",
            "detail": "node3 down; 2 of 3 nodes ready",
            "facts": {"down": ["node3"]},
        },
    )
    report = combine(node1=seen + host("node1"), node2=seen + host("node2"), node3=unreachable("node3"))
    text = health.lines(report)
    assert text[0] == "✅ Backend: http://10.99.0.11/api/v1/health (3 of 3 running, 4 ms, not through node3)"
    assert "❌ Swarm: node3 down; 2 of 3 nodes ready" in text
    dead = "❌ node3: unreachable over SSH (No route to host)"
    assert text[text.index(dead) + 1] == "   Next: ssh ops@node3 true"
    assert [(cause["id"], cause["symptoms"]) for cause in report["causes"]] == [("node3/ssh", ["Swarm"])]
    assert not report["healthy"]


def test_the_closed_edge_of_a_drained_host_is_no_failure() -> None:
    refused = {**DOWN, "reason": "refused", "detail": "refused: nothing listens there"}
    seen = health.excuse_drained(platform(backend_http_node3=refused, swarm={"facts": {"drained": ["node3"]}}))
    report = combine(node1=seen + host("node1"))
    assert report["healthy"]
    assert (
        health.lines(report)[0]
        == "✅ Backend: http://10.99.0.11/api/v1/health (3 of 3 running, 4 ms, not through node3)"
    )
    shut = {f"backend_http_{name}": refused for name in HOSTS}
    assert not combine(node1=health.excuse_drained(platform(swarm={"facts": {"drained": [*HOSTS]}}, **shut)))["healthy"]


def test_platform_is_seen_from_the_next_manager_when_the_first_is_dead() -> None:
    report = combine(node1=unreachable("node1"))
    assert report["seen_from"] == "node2"
    assert health.lines(report)[0].startswith("✅ Backend")


def test_no_manager_left_is_a_finding_that_follows_from_the_dead_hosts() -> None:
    report = combine(**{name: unreachable(name) for name in HOSTS})
    text = health.lines(report)
    assert text[0] == "❌ Platform: unknown: no manager could be asked (node1, node2, node3)"
    assert text[-1].startswith(
        "NOT healthy: node1, node2, node3: unreachable over SSH (No route to host) (and so Platform)."
    )
    assert report["causes"][0]["id"] == "node1/ssh"


def test_limit_to_a_worker_reports_only_that_host() -> None:
    report = health.combine([answer("node9", host("node9"))], list(HOSTS))
    assert report["healthy"]
    assert health.lines(report)[-2] == "(Only hosts were looked at: no Swarm manager is within --limit.)"


def test_another_managers_different_view_is_a_warning() -> None:
    refused = {**DOWN, "reason": "refused", "detail": "refused: nothing listens there"}
    report = combine(node2=platform(backend_http_node3=refused) + host("node2"))
    assert report["healthy"]
    assert "⚠️  Backend: node2 sees it otherwise: refused: nothing listens there" in health.lines(report)


def test_stopped_docker_engine_explains_its_containers() -> None:
    silent = {**DOWN, "reason": "no_engine", "detail": "the Docker engine does not answer"}
    broken = host("node2", unit_docker={**DOWN, "detail": "docker.service is failed"}, container_mongodb=silent)
    report = combine(node2=platform() + broken)
    assert [cause["id"] for cause in report["causes"]] == ["node2/unit/docker"]
    assert (
        "❌ node2: Docker: docker.service is failed; Container mongodb: the Docker engine does not answer"
        in health.lines(report)
    )


def test_lost_majority_of_hosts_explains_mongodb() -> None:
    seen = platform(mongodb={**DOWN, "reason": "no_majority", "detail": "no primary"})
    report = combine(node1=seen + host("node1"), node2=unreachable("node2"), node3=unreachable("node3"))
    assert health.blame(report["checks"])["mongodb"] == "node2/ssh"


def test_edge_that_answers_is_not_excused_by_a_host_that_ssh_cannot_reach() -> None:
    refused = {**DOWN, "reason": "status", "detail": "500 boom", "facts": {"status": 500}}
    seen = platform(backend_http_node1=refused)
    report = combine(node1=unreachable("node1"), node2=seen + host("node2"), node3=seen + host("node3"))
    assert "backend/http/node1" not in health.blame(report["checks"])


def test_equal_findings_are_told_once() -> None:
    report = everywhere(
        backend_tasks={**DOWN, "reason": "absent", "detail": "not deployed"},
        edge_tasks={**DOWN, "reason": "absent", "detail": "not deployed"},
        redis_queue={**DOWN, "reason": "refused", "detail": "not connected: refused"},
        redis_cache={**DOWN, "reason": "refused", "detail": "not connected: refused"},
    )
    assert report["summary"].startswith("NOT healthy: Redis: not connected: refused; Backend, Edge: not deployed.")
    assert "❌ Redis: queue and cache not connected: refused" in health.lines(report)


def test_overloaded_host_puts_the_verdict_in_doubt_but_is_no_failure() -> None:
    busy = check(
        "load", "load", "CPU", "load 64 on 2 CPUs", scope="host", severity="warning", ok=False, reason="overloaded"
    )
    assert combine(node2=[*platform(), busy])["healthy"]
    seen = platform(mongodb={**DOWN, "detail": "hangs: no answer in 3 s"})
    summary = combine(node1=[*seen, busy])["summary"]
    assert summary.endswith("failed (node1 overloaded: what hangs may only be slow)")


def test_warnings_do_not_fail() -> None:
    clock = check("clock", "clock", "Clock", "clock not synchronised", scope="host", severity="warning", ok=False)
    report = health.combine([answer("node1", [*platform(), clock])], ["node1"])
    assert report["healthy"]
    assert "⚠️  node1: Clock: clock not synchronised" in health.lines(report)


def test_every_kind_of_finding_has_a_next_command() -> None:
    for kind in health._KINDS_BY_DEPTH:
        for reason in ("", "auth", "no_primary", "no_client", "no_engine", "absent", "no_quorum", "https_required"):
            assert health.next_command(check("x", kind, "X", reason=reason, host="node1", target="t"))


def test_prometheus_text_escapes_labels() -> None:
    report = everywhere(mongodb={**DOWN, "target": 'a"b\\c'})
    text = health.prometheus_text(report, 1_795_000_000)
    assert "health_healthy 0\n" in text
    assert 'health_check_ok{id="mongodb",kind="mongodb",target="a\\"b\\\\c",severity="critical"} 0\n' in text
    assert "health_report_timestamp_seconds 1795000000\n" in text
    assert text.count("\nhealth_check_ok{") == 19


@pytest.mark.parametrize(("given", "shown"), [("a\x1b[2J\nb", "a [2J b"), ("x" * 400, "x" * 299 + "…")])
def test_foreign_text_is_made_safe(given: str, shown: str) -> None:
    assert health.clean(given) == shown


def test_causes_never_go_in_circles() -> None:
    """A symptom's cause is a check that fails and has no cause itself."""
    silent = {**DOWN, "reason": "no_engine"}
    report = everywhere(
        {"unit_docker": DOWN, "container_mongodb": silent},
        **{key: {**DOWN, "reason": "no_engine"} for key in ("swarm", "backend_tasks", "edge_tasks", "mongodb")},
    )
    blamed = health.blame(report["checks"])
    assert not set(blamed) & set(blamed.values())
