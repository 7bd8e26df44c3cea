"""The checks, against answers recorded from a real lab and against small servers on this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _health_checks as checks

BASE = {"id": "x", "title": "X", "target": "", "scope": "host", "severity": "critical", "timeout_seconds": 1}
HTTP = {**BASE, "kind": "http", "status": [200]}
NOW = checks.parse_time("2026-11-24T12:59:00.5Z")


@contextlib.contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection after the other with `answer`; give the address as host:port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = listener.accept()
                with connection, contextlib.suppress(OSError):
                    answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def http(status: str, body: bytes, *headers: str) -> Callable[[socket.socket], None]:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]).encode()

    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(head + b"\r\n\r\n" + body)

    return answer


def get(answer: Callable[[socket.socket], None], **options: Any) -> checks.Finding:
    with server(answer) as address:
        return checks.check_http({**HTTP, "target": f"http://{address}/api/v1/health", **options})


def unused_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


# --- http


def test_http_passes_when_the_status_is_expected() -> None:
    finding = get(http("200 OK", b'{"status":"ok","services":{"database":"connected","redis":"ok"}}'))
    assert (finding.ok, finding.detail) == (True, "200")


def test_http_names_the_part_that_is_down_when_readiness_is_degraded() -> None:
    # recorded: the backend with MongoDB stopped
    body = b'{"status":"degraded","services":{"database":"disconnected","redis":"ok"}}'
    finding = get(http("503 Service Unavailable", body, "Content-Type: application/json"))
    assert (finding.reason, finding.detail) == ("degraded", "503 degraded: database disconnected")
    assert finding.facts["services_down"] == ["database"]


def test_http_says_that_the_edge_answered_itself() -> None:
    body = b'{"error":"Service temporarily unavailable","retry_after_seconds":5}'
    finding = get(http("503 Service Unavailable", body, "Content-Type: application/json"))
    assert finding.detail == "503 no replica is ready, says the edge"


def test_http_explains_https_required() -> None:
    finding = get(http("403 Forbidden", b'{"error":"HTTPS required"}'))
    assert finding.reason == "https_required"
    assert "X-Forwarded-Proto: https" in finding.detail


def test_http_hangs_when_no_answer_comes_and_gives_the_hint() -> None:
    finding = get(lambda connection: time.sleep(3), timeout_seconds=0.3, hang_hint="points to Redis")
    assert (finding.reason, finding.detail) == ("hangs", "hangs: no answer in 0.3 s (points to Redis)")


def test_http_is_refused_when_nothing_listens() -> None:
    finding = checks.check_http({**HTTP, "target": f"http://{unused_address()}/"})
    assert finding.reason == "refused"


def test_http_follows_no_redirect() -> None:
    finding = get(http("301 Moved", b"", "Location: http://elsewhere.example/\x1b[31m"))
    assert finding.detail == "301 redirect to http://elsewhere.example/ [31m, not followed"


def test_http_strips_control_characters_and_long_bodies() -> None:
    finding = get(http("500 Oops", b"\x1b[2Jboom {{ 7 * 7 }} " + b"x" * 200_000, "Content-Type: text/plain"))
    assert finding.detail.startswith("500 [2Jboom {{ 7 * 7 }} xxx")
    assert len(finding.detail) < 140


def test_http_checks_fields_of_the_body() -> None:
    answer = http("200 OK", b'{"a":{"b":true}}')
    assert get(answer, expected_fields={"a.b": True}).ok
    assert get(answer, expected_fields={"a.c": "x"}).detail == "200, but a.c is None instead of x"
    assert get(http("200 OK", b"no json"), expected_fields={"a": 1}).reason == "body"


def test_http_is_broken_when_the_connection_ends_early() -> None:
    assert get(lambda connection: None).reason == "broken"


def test_tcp_and_tls_on_a_plain_port() -> None:
    with server(http("200 OK", b"")) as address:
        assert checks.check_tcp({**BASE, "target": address}).ok
        assert checks.check_tls({**BASE, "target": address, "min_days": 14}).reason == "tls"
    assert checks.check_tcp({**BASE, "target": unused_address()}).reason == "refused"
    assert checks.check_tcp({**BASE, "target": "name.invalid:80"}).reason == "dns"


# --- redis: lines recorded from redis 7.0.15

INFO = (
    "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nused_memory:1048576\r\nmaxmemory:67108864\r\n"
    "maxmemory_policy:noeviction\r\n# Persistence\r\nloading:0\r\naof_enabled:1\r\naof_last_write_status:ok\r\n"
    "# Replication\r\nrole:master\r\n"
)
REDIS = {**BASE, "kind": "redis", "user": "monitoring", "password": "pw", "name": "queue", "policy": "noeviction"}
WRONG = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"


def redis(info: str = INFO, auth: str = "+OK\r\n", **options: Any) -> checks.Finding:
    answers = {b"AUTH": auth, b"PING": "+PONG\r\n", b"INFO": f"${len(info)}\r\n{info}\r\n" if info[0] != "-" else info}

    def answer(connection: socket.socket) -> None:
        while received := connection.recv(4096):
            connection.sendall(answers[received.split(b"\r\n")[2]].encode())

    with server(answer) as address:
        return checks.check_redis({**REDIS, "target": address, "aof_expected": True, **options})


def test_redis_is_connected() -> None:
    finding = redis()
    assert (finding.ok, finding.detail, finding.warnings) == (True, "Connected", [])
    assert finding.facts["role"] == "master"


def test_redis_warns_of_eviction_missing_persistence_and_full_memory() -> None:
    info = INFO.replace("noeviction", "allkeys-lru").replace("aof_enabled:1", "aof_enabled:0")
    assert [warning.split(":")[0] for warning in redis(info).warnings] == [
        "maxmemory-policy is allkeys-lru instead of noeviction",
        "the append-only file is off",
    ]
    assert (
        redis(INFO.replace("used_memory:1048576", "used_memory:66000000")).warnings[0].startswith("98 % of maxmemory")
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("role:master", "role:slave", "replica"),
        ("loading:0", "loading:1", "loading"),
        ("aof_last_write_status:ok", "aof_last_write_status:err", "aof"),
    ],
)
def test_redis_fails_when_it_cannot_take_writes(old: str, new: str, reason: str) -> None:
    assert redis(INFO.replace(old, new)).reason == reason


def test_redis_refuses_a_wrong_password_without_repeating_it() -> None:
    finding = redis(auth=WRONG, password="planted-secret")
    assert finding.reason == "auth"
    assert "planted-secret" not in finding.detail


def test_redis_takes_user_and_password_from_a_url_and_never_shows_it() -> None:
    with server(lambda connection: None) as address:
        bad = {**REDIS, "target": "", "uri": f"redis://u:planted@{address}/0"}  # pragma: allowlist secret
        assert "planted" not in checks.check_redis(bad).detail
    broken = checks.check_redis({**REDIS, "uri": "redis://u:plan/ted@host:6379"})
    assert (broken.reason, "plan" in broken.detail) == ("uri", False)


def test_redis_without_the_right_to_info_is_connected_with_a_warning() -> None:
    finding = redis("-NOPERM this user has no permissions to run the 'info' command\r\n")
    assert finding.ok
    assert finding.warnings


def test_redis_hangs_when_it_is_paused() -> None:
    with server(lambda connection: time.sleep(3)) as address:
        finding = checks.check_redis({**REDIS, "target": address, "timeout_seconds": 0.2})
    assert finding.reason == "hangs"


# --- mongodb: replSetGetStatus recorded from MongoDB 6.0.5 while members were killed, reduced to what is read

MONGO = {
    **BASE,
    "kind": "mongodb",
    "names": {"10.0.0.1:27017": "node1", "10.0.0.2:27017": "node2", "10.0.0.3:27017": "node3"},
    "lag_seconds_max": 30,
}


def replica_set(*states: str, lag: float = 0, elected: float = 5000) -> checks.Finding:
    members = [
        {
            "name": f"10.0.0.{number}:27017",
            "health": not state.startswith("("),
            "stateStr": state,
            "applied_seconds": 10_000 - (lag if state == "SECONDARY" else 0),
            "elected_seconds": 10_000 - elected if state == "PRIMARY" else 0,
        }
        for number, state in enumerate(states, 1)
    ]
    return checks.judge_replica_set(MONGO, {"set": "halobuzz", "now_seconds": 10_000, "members": members})


DEAD = "(not reachable/healthy)"


def test_mongodb_is_connected() -> None:
    finding = replica_set("PRIMARY", "SECONDARY", "SECONDARY")
    assert finding.detail == "Connected (primary node1, 3 of 3 members, lag 0 s)"
    assert not finding.warnings


def test_mongodb_with_one_member_is_connected() -> None:
    assert replica_set("PRIMARY").detail == "Connected (primary node1, 1 of 1 member)"


def test_mongodb_says_that_an_election_is_under_way() -> None:
    finding = replica_set(DEAD, "SECONDARY", "SECONDARY")
    assert finding.reason == "no_primary"
    assert finding.detail == (
        "no primary: an election is under way (2 of 3 members up: node1 unreachable); writes wait for it"
    )


def test_mongodb_names_the_new_primary_after_the_election() -> None:
    finding = replica_set(DEAD, "SECONDARY", "PRIMARY", elected=4)
    assert finding.detail == "Connected (primary node3, elected 4 s ago, 2 of 3 members, lag 0 s)"
    assert finding.warnings == ["node1 unreachable; the loss of one more stops writes"]


def test_mongodb_has_no_majority() -> None:
    finding = replica_set(DEAD, DEAD, "SECONDARY")
    assert finding.reason == "no_majority"
    assert "1 of 3 members up, a majority is 2" in finding.detail


def test_mongodb_warns_of_lag() -> None:
    assert "lags 45 s" in replica_set("PRIMARY", "SECONDARY", "SECONDARY", lag=45).warnings[0]


def test_mongodb_is_down_when_all_ports_refuse_and_no_driver_is_needed_for_that() -> None:
    address = unused_address()
    spec = {**MONGO, "hosts": [address], "names": {address: "node1"}, "container": "mongodb"}
    start = time.monotonic()
    finding = checks.check_mongodb(spec)
    assert finding.detail == "not connected: it does not answer (node1 refused)"
    assert time.monotonic() - start < 0.5


def test_mongodb_that_accepts_and_says_nothing_is_told_from_one_that_refuses() -> None:
    with server(lambda connection: time.sleep(3)) as address:
        finding = checks.check_mongodb({**MONGO, "hosts": [address], "names": {}, "timeout_seconds": 0.4})
    assert finding.detail == f"not connected: {address} accepts connections but does not answer"


def test_mongodb_never_shows_an_unusable_uri() -> None:
    finding = checks.check_mongodb({**MONGO, "uri": "mongodb://u:plan@ted@:::/x"})
    assert (finding.reason, "plan" in finding.detail) == ("uri", False)


# --- docker: the engine API's answers recorded from a lab of three hosts, reduced to what is read

NODES = [
    {
        "ID": f"id{number}",
        "Spec": {"Role": "manager", "Availability": "active"},
        "Description": {"Hostname": f"node{number}"},
        "Status": {"State": "ready", "Addr": f"10.99.0.1{number}"},
        "ManagerStatus": {"Reachability": "reachable", "Leader": number == 1},
    }
    for number in (1, 2, 3)
]
IMAGE = "registry.halobuzz.lab:5000/halobuzz/backend@sha256:6bd980d60886585515422a713fc1ad789219e55d718ba9825101bfe7fbf91e8a"


def service(update: dict[str, str] | None = None, replicas: int = 3) -> dict[str, Any]:
    spec = {"Mode": {"Replicated": {"Replicas": replicas}}, "TaskTemplate": {"ContainerSpec": {"Image": IMAGE}}}
    return {"Spec": spec, "UpdateStatus": update}


def task(node: int, state: str = "running", desired: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "NodeID": f"id{node}",
        "DesiredState": desired,
        "Status": {"Timestamp": "2026-11-24T12:55:24.712331281Z", "State": state, "Message": "started", **more},
        "Spec": {"ContainerSpec": {"Image": IMAGE}},
    }


def judge(tasks: list[dict[str, Any]], update: dict[str, str] | None = None, replicas: int = 3) -> checks.Finding:
    return checks.judge_service({"spread_hosts": 3}, service(update, replicas), tasks, NODES, NOW)


def test_service_runs_as_wanted_and_finished_tasks_do_not_count() -> None:
    finding = judge([task(1), task(2), task(3), task(3, "complete", "shutdown")])
    assert (finding.ok, finding.detail, finding.warnings) == (True, "3 of 3 running", [])
    assert finding.facts["images"] == [IMAGE]


def test_service_says_why_a_task_is_missing() -> None:
    failed = task(2, "failed", "shutdown", Err="task: non-zero exit (1)")
    finding = judge([task(1), task(3), task(2, "starting"), failed])
    assert (finding.ok, finding.detail) == (False, "2 of 3 running (failed: task: non-zero exit (1) on node2)")


def test_service_that_fits_nowhere_says_so() -> None:
    pending = task(0, "pending", Message="pending task scheduling", Err="no suitable node (insufficient resources)")
    assert "no suitable node" in judge([pending], replicas=1).detail


def test_service_scaled_to_nothing_is_no_success() -> None:
    assert judge([], replicas=0).detail == "0 of 0 running (scaled to 0)"


def test_service_warns_when_one_host_runs_all_replicas() -> None:
    assert "all 3 replicas run on node1" in judge([task(1), task(1), task(1)]).warnings[0]


def test_service_warns_of_recent_failures_and_of_stopped_updates() -> None:
    failed = task(2, "failed", "shutdown", Err="task: non-zero exit (137)")
    finding = judge([task(1), task(2), task(3), failed], {"State": "paused", "Message": "update paused due to failure"})
    assert finding.ok
    assert [warning.split(":")[0] for warning in finding.warnings] == [
        "its update has stopped half-way",
        "1 task failed in the last 10 min, the last",
    ]


def test_service_without_majority_of_managers(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = (503, {"message": "rpc error: code = Unknown desc = The swarm does not have a leader."})
    monkeypatch.setattr(checks._docker_engine, "docker_json", lambda path: answer)
    assert checks.check_swarm({**BASE}).reason == "no_quorum"
    assert checks.check_swarm_service({**BASE, "target": "halobuzz_backend"}).reason == "no_quorum"


def test_checks_of_docker_say_when_no_engine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks._docker_engine, "docker_json", lambda path: (0, None))
    assert checks.check_container({**BASE, "target": "mongodb"}).reason == "no_engine"


def test_swarm_is_well() -> None:
    finding = checks.judge_swarm({"nodes_wanted": 3}, NODES)
    assert finding.detail == "3 of 3 nodes ready, 3 of 3 managers reachable, leader node1"


def test_a_host_out_of_service_is_told_with_the_run_that_has_left_it() -> None:
    drained = {**NODES[2], "Spec": {"Role": "manager", "Availability": "drain"}}
    left = {**NODES[2], "Spec": {**drained["Spec"], "Labels": {"halobuzz.out_for": "reboot of node3"}}}
    assert checks.judge_swarm({}, [*NODES[:2], drained]).warnings == ["node3 is set to drain: it gets no tasks"]
    (said,) = checks.judge_swarm({}, [*NODES[:2], left]).warnings
    assert "for the reboot of node3; where that was interrupted, run it again, or make undrain" in said


def test_swarm_names_the_node_that_is_down_and_ignores_its_stale_entry() -> None:
    down = {**NODES[2], "Status": {"State": "down"}, "ManagerStatus": {"Reachability": "unreachable"}}
    finding = checks.judge_swarm({}, [NODES[0], NODES[1], down])
    assert finding.facts["down"] == ["node3"]
    assert "the loss of one more manager ends the majority" in finding.warnings
    again = checks.judge_swarm({}, [*NODES, {**down, "ID": "old", "ManagerStatus": None}])
    assert again.ok
    assert "1 stale entry" in again.warnings[0]


CONTAINER = {
    "State": {"Status": "running", "StartedAt": "2026-11-24T12:50:00.1Z", "FinishedAt": "0001-01-01T00:00:00Z"},
    "RestartCount": 0,
    "Config": {"Image": "registry.halobuzz.lab:5000/mongo:7.0"},
}


def container(restarts: int = 0, **state: Any) -> checks.Finding:
    body = {**CONTAINER, "RestartCount": restarts, "State": {**CONTAINER["State"], **state}}
    return checks.judge_container("mongodb", body, NOW)


def test_container_states() -> None:
    assert container().detail == "mongodb running"
    exited = container(Status="exited", ExitCode=137, OOMKilled=True, FinishedAt="2026-11-24T12:58:30Z")
    assert exited.detail == "exited with code 137 by the kernel for lack of memory, 30 s ago"
    sick = container(Health={"Status": "unhealthy", "Log": [{"Output": "no\nroute"}]})
    assert sick.detail == "runs but is unhealthy: no route"
    assert container(restarts=3).warnings == ["restarted 3 times, the last time 540 s ago"]


# --- host


def test_disk_levels() -> None:
    limits = {"free_percent_warning": 0, "free_percent_critical": 0}
    assert checks.check_disk({**BASE, "target": "/", **limits}).ok
    assert checks.check_disk({**BASE, "target": "/", **limits, "free_percent_warning": 101}).warnings
    assert checks.check_disk({**BASE, "target": "/", "free_percent_warning": 0, "free_percent_critical": 101}).reason
    assert checks.check_disk({**BASE, "target": "/no/such/path", **limits}).reason == "absent"


def test_memory_and_clock_answer_here() -> None:
    limits = {"free_percent_warning": 0, "free_percent_critical": 0}
    assert "memory free" in checks.check_memory({**BASE, **limits}).detail
    assert "clock" in checks.check_clock(BASE).detail


def test_load_levels() -> None:
    assert checks.judge_load(7.9, 2).ok
    assert checks.judge_load(64.4, 2).detail.startswith("load 64.4 on 2 CPUs: overloaded")
    assert "load" in checks.check_load(BASE).detail


def test_unit_states() -> None:
    running = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "NRestarts": "0"}
    assert checks.judge_unit("docker.service", running).detail == "docker active"
    assert checks.judge_unit("docker.service", {**running, "NRestarts": "2"}).warnings
    failed = {**running, "ActiveState": "failed", "SubState": "failed"}
    assert checks.judge_unit("docker.service", failed).detail == "docker.service is failed (failed)"
    assert checks.judge_unit("x.service", {"LoadState": "not-found"}).reason == "absent"


# --- running them


def test_a_check_that_never_returns_does_not_hold_up_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.CHECKS, "clock", lambda spec: time.sleep(30))
    specs = [{**BASE, "kind": "clock", "timeout_seconds": 0.1}, {**BASE, "kind": "unit", "target": "x.service"}]
    monkeypatch.setitem(checks.CHECKS, "unit", lambda spec: checks.Finding(True, "well"))
    start = time.monotonic()
    results = checks.run_all(specs)
    assert time.monotonic() - start < 2
    assert [(result["ok"], result["reason"]) for result in results] == [(False, "hangs"), (True, "")]


def test_more_checks_than_threads_all_run_and_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.CHECKS, "clock", lambda spec: checks.Finding(True, spec["id"]))
    specs = [{**BASE, "kind": "clock", "id": str(number)} for number in range(120)]
    assert [result["detail"] for result in checks.run_all(specs)] == [str(number) for number in range(120)]


def test_fifty_slow_checks_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(spec: dict[str, Any]) -> checks.Finding:
        time.sleep(0.2)
        return checks.Finding(True, "")

    monkeypatch.setitem(checks.CHECKS, "clock", slow)
    start = time.monotonic()
    checks.run_all([{**BASE, "kind": "clock", "id": str(number)} for number in range(50)])
    assert time.monotonic() - start < 2


def test_a_defect_in_a_check_is_a_finding_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(spec: dict[str, Any]) -> checks.Finding:
        raise KeyError(spec["password"])

    monkeypatch.setitem(checks.CHECKS, "redis", broken)
    (result,) = checks.run_all([{**BASE, "kind": "redis", "password": "planted"}])
    assert (result["reason"], "planted" in result["detail"]) == ("defect", False)


def test_waiting_ends_as_soon_as_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, False, True])
    monkeypatch.setitem(checks.CHECKS, "clock", lambda spec: checks.Finding(next(answers), "", "x"))
    report = checks.run_report([{**BASE, "kind": "clock"}], wait_seconds=5, interval_seconds=0.01)
    assert report["healthy"]


def test_waiting_ends_unhealthy_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checks.CHECKS, "clock", lambda spec: checks.Finding(False, "no", "x"))
    report = checks.run_report([{**BASE, "kind": "clock"}], wait_seconds=0.1, interval_seconds=0.02)
    assert report["summary"] == "NOT healthy: X: no (1 of 1 check failed)"
