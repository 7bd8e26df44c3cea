# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host: cases are recorded answers of an engine that runs the platform in the lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _platform_state as state

RECORDED = Path(__file__).parents[2] / "fixtures" / "operations"


def load(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


def engine(monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, Any]]) -> None:
    """Let the engine answer each path (without its query) from ``answers``, everything else with 404."""

    def docker(path: str) -> tuple[int, bytes]:
        status, body = answers.get(path.partition("?")[0], (404, {"message": "no such thing"}))
        return status, json.dumps(body).encode()

    monkeypatch.setattr(state, "docker", docker)


def manager() -> dict[str, tuple[int, Any]]:
    return {
        "/info": (200, {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}),
        "/services": (200, load("services")),
        "/tasks": (200, load("tasks")),
        "/nodes": (200, load("nodes")),
        "/containers/json": (200, load("containers")),
        "/containers/mongodb/json": (200, load("mongodb")),
    }


def test_manager_reports_services_nodes_and_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    engine(monkeypatch, manager())
    seen = state.main({"stack": "halobuzz", "containers": ["mongodb", "redis-queue"]})
    assert {one["name"]: one["wanted"] for one in seen["swarm"]["services"]} == {
        "halobuzz_ai-engine": 2,
        "halobuzz_backend": 3,
        "halobuzz_edge": 3,
    }
    assert [node["name"] for node in seen["swarm"]["nodes"]] == ["node1", "node2", "node3"]
    assert sum(node["leader"] for node in seen["swarm"]["nodes"]) == 1
    assert seen["containers"]["mongodb"]["state"] == "running"
    assert seen["containers"]["redis-queue"] is None
    assert "remains" not in seen


def test_lost_quorum_is_an_error_of_the_swarm_and_local_containers_are_still_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reason = "rpc error: code = Unknown desc = The swarm does not have a leader."
    engine(monkeypatch, {**manager(), "/services": (503, {"message": reason})})
    seen = state.main({"stack": "halobuzz", "containers": ["mongodb"]})
    assert seen["swarm"]["error"] == reason
    assert "services" not in seen["swarm"]
    assert seen["containers"]["mongodb"]["state"] == "running"
    assert seen["tasks"]


def test_dead_engine_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "docker", lambda path: (0, b"[Errno 2] No such file or directory"))
    seen = state.main({"stack": "halobuzz", "containers": ["mongodb"]})
    assert seen["engine_error"] == "[Errno 2] No such file or directory"
    assert seen["containers"] == {}


def test_remains_are_those_of_the_stack_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_bytes(b"x" * 10_000)
    named = [{"Spec": {"Name": "halobuzz_a"}}, {"Spec": {"Name": "other_a"}}]
    volumes = {"Volumes": [{"Name": "halobuzz_uploads"}, {"Name": "x"}]}
    engine(monkeypatch, {**manager(), "/secrets": (200, named), "/configs": (200, []), "/volumes": (200, volumes)})
    paths = [str(tmp_path / "data"), str(tmp_path / "absent")]
    remains = state.main({"stack": "halobuzz", "paths": paths})["remains"]
    assert (remains["secrets"], remains["configs"], remains["volumes"]) == (["halobuzz_a"], [], ["halobuzz_uploads"])
    assert list(remains["paths"]) == [paths[0]]
    assert remains["paths"][paths[0]] >= 10_000


@pytest.mark.parametrize(
    ("answer", "role"),
    [
        (b"....\x08isWritablePrimary\x00\x01\x08secondary\x00\x00", "primary"),
        (b"....\x08isWritablePrimary\x00\x00\x08secondary\x00\x01", "secondary"),
        (b"....\x08isWritablePrimary\x00\x00\x08secondary\x00\x00", "other"),
    ],
)
def test_role_is_read_from_the_raw_hello(answer: bytes, role: str) -> None:
    assert state.role_of_hello(answer) == role


def test_no_answer_of_mongodb_is_no_role() -> None:
    assert state.mongodb_role(1) == ""
