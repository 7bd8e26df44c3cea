# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences are found, equal states are not, and nothing secret is said."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _host_state


def lines(wanted: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    return [
        f"{item['what']} {item['name']}: {item['now']} -> {item['then']}" for item in _host_state.compare(wanted, seen)
    ]


def test_real_files_of_this_machine_are_read_and_compared(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    os.chmod(tmp_path / "a", 0o600)
    sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # pragma: allowlist secret
    wanted = {"files": [{"path": str(tmp_path / "a"), "sha256": sha256, "mode": "0600"}]}
    assert lines(wanted, _host_state.observe(wanted)) == []
    wanted["files"][0].update(sha256="0" * 64, mode="0640")
    assert lines(wanted, _host_state.observe(wanted)) == [
        f"file {tmp_path}/a: content 2d711642b726 -> content 000000000000",
        f"file {tmp_path}/a: mode 0600 -> mode 0640",
    ]


def test_absent_file_and_wrong_kind_are_found(tmp_path: Path) -> None:
    wanted = {
        "files": [{"path": str(tmp_path / "a")}, {"path": str(tmp_path)}],
        "directories": [{"path": str(tmp_path / "d")}],
    }
    assert lines(wanted, _host_state.observe(wanted)) == [
        f"directory {tmp_path}/d: absent -> present",
        f"file {tmp_path}/a: absent -> present",
        f"file {tmp_path}: directory -> file",
    ]


def test_json_settings_are_compared_by_key(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text('{"a": {"b": 1, "mine": 2}}')
    wanted = {"files": [{"path": str(tmp_path / "d.json"), "merge_json": {"a": {"b": 1}}}]}
    assert lines(wanted, _host_state.observe(wanted)) == []
    wanted["files"][0]["merge_json"] = {"a": {"b": 2}}
    assert lines(wanted, _host_state.observe(wanted)) == [f"file {tmp_path}/d.json: lacks wanted settings -> merged"]


def test_packages() -> None:
    wanted = {
        "packages": [
            {"name": "a"},
            {"name": "b", "held": True},
            {"name": "c", "version": "26.1"},
            {"name": "d", "version": "26.*"},
        ]
    }
    seen = {
        "packages": {
            "b": {"version": "1", "held": False},
            "c": {"version": "20.10", "held": False},
            "d": {"version": "26.1", "held": True},
        }
    }
    assert lines(wanted, seen) == [
        "package a: not installed -> installed",
        "package b: not held -> held",
        "package c: 20.10 -> 26.1",
    ]


def test_units_and_sysctls() -> None:
    wanted = {"units": [{"name": "u.service", "enabled": True, "active": True}], "sysctls": {"net.x": "1"}}
    good = {"units": {"u.service": {"UnitFileState": "enabled", "ActiveState": "active"}}, "sysctls": {"net.x": "1"}}
    assert lines(wanted, good) == []
    bad = {"units": {"u.service": {"UnitFileState": "disabled", "ActiveState": "failed"}}, "sysctls": {"net.x": "0"}}
    assert lines(wanted, bad) == [
        "sysctl net.x: 0 -> 1",
        "unit u.service: disabled -> enabled",
        "unit u.service: failed -> active",
    ]


def test_containers() -> None:
    wanted = {"containers": [{"name": "mongodb", "spec": "b" * 64}]}
    assert lines(wanted, {"containers": {"mongodb": None}}) == ["container mongodb: absent -> running"]
    assert lines(wanted, {"containers": {"mongodb": {"spec": "a" * 64, "status": "running"}}}) == [
        "container mongodb: specification aaaaaaaaaaaa -> specification bbbbbbbbbbbb"
    ]
    assert lines(wanted, {"containers": {"mongodb": {"spec": "b" * 64, "status": "exited"}}}) == [
        "container mongodb: exited -> running"
    ]
    assert lines(wanted, {"containers": {"mongodb": {"spec": "b" * 64, "status": "running"}}}) == []


def test_swarm_membership_and_labels() -> None:
    wanted = {"swarm": {"manager": True, "node_labels": {"id1": {"halobuzz.app": "true"}, "id2": {}}}}
    assert lines(wanted, {"swarm": {"state": "inactive", "manager": False}}) == ["swarm membership: inactive -> active"]
    seen = {"swarm": {"state": "active", "manager": True, "nodes": {"id1": {"labels": {}}}}}
    assert lines(wanted, seen) == [
        "swarm node id1: labels [] -> labels ['halobuzz.app']",
        "swarm node id2: not a member -> member",
    ]
    # What a run notes on a node that it has taken out is nothing that deploy would have to undo.
    seen["swarm"]["nodes"] = {
        "id1": {"labels": {"halobuzz.app": "true", "halobuzz.out_for": "reboot"}},
        "id2": {"labels": {}},
    }
    assert lines(wanted, seen) == []


def test_a_service_that_was_changed_by_hand() -> None:
    wanted = {"services": [{"name": "s", "image": "i@sha256:1", "spec": "x", "replicas": 3}]}
    have = {"image": "i@sha256:1", "labels": {"halobuzz.spec": "x"}, "replicas": 3}
    assert lines(wanted, {"services": {"s": {**have, "as_released": True}}}) == []
    found = lines(wanted, {"services": {"s": {**have, "as_released": False}}})
    assert found == ["service s: changed by hand -> as it was released"]


def test_the_record_of_the_last_release_is_what_services_are_compared_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def service(memory: int) -> dict[str, Any]:
        template = {
            "ContainerSpec": {"Image": "i"},
            "Resources": {"Limits": {"MemoryBytes": memory}},
            "ForceUpdate": memory,
        }
        return {"Spec": {"Name": "s", "Labels": {}, "Mode": {"Global": {}}, "TaskTemplate": template}}

    record = tmp_path / "released.json"
    wanted = [{"name": "s", "image": "i", "spec": "x", "record_file": str(record)}]
    monkeypatch.setattr(_host_state, "docker_json", lambda _path: (200, [service(1)]))
    assert _host_state._observe_services(wanted)["s"]["as_released"]  # no record yet
    record.write_text(json.dumps({"s": _host_state.template_sha256(service(1))}))
    assert _host_state._observe_services(wanted)["s"]["as_released"]
    record.write_text(json.dumps({"s": _host_state.template_sha256(service(2))}))
    assert not _host_state._observe_services(wanted)["s"]["as_released"]
    record.write_text("half a rec")
    assert _host_state._observe_services(wanted)["s"]["as_released"]


def test_a_swarm_without_a_leader_is_no_swarm_without_services(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"services": [{"name": "s", "image": "i@sha256:1", "spec": "x"}]}
    lost = "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online."
    for status, message in (
        (500, lost),
        (503, "The swarm does not have a leader."),
        (500, "context deadline exceeded"),
    ):
        monkeypatch.setattr(_host_state, "docker_json", lambda *_path, answer=(status, {"message": message}): answer)
        assert _host_state.main({"wanted": wanted}) == {"error": message}
    for nothing in ((0, None), (503, {"message": 'This node is not a swarm manager. Use "docker swarm init" …'})):
        monkeypatch.setattr(_host_state, "docker_json", lambda *_path, answer=nothing: answer)
        assert [item["now"] for item in _host_state.main({"wanted": wanted})["found"]] == ["absent"]


def test_services() -> None:
    wanted = {"services": [{"name": "s", "image": "i@sha256:1", "spec": "x", "replicas": 3}]}

    def seen(**keys: Any) -> dict[str, Any]:
        return {"services": {"s": {"image": "i@sha256:1", "labels": {"halobuzz.spec": "x"}, "replicas": 3, **keys}}}

    assert lines(wanted, seen()) == []
    assert lines(wanted, {"services": {}}) == ["service s: absent -> i@sha256:1"]
    assert lines(wanted, seen(image="i@sha256:0")) == ["service s: i@sha256:0 -> i@sha256:1"]
    assert lines(wanted, seen(labels={})) == ["service s: another configuration -> the rendered configuration"]
    assert lines(wanted, seen(replicas=1)) == ["service s: 1 replicas -> 3 replicas"]
    assert lines(wanted, seen(replicas=5, labels={"halobuzz.spec": "x", "halobuzz.scaled": "5"})) == []


def test_a_service_of_the_stack_that_nobody_wants_any_more_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def service(name: str, stack: str) -> dict[str, Any]:
        template = {"ContainerSpec": {"Image": f"{name}@sha256:1"}}
        labels = {"com.docker.stack.namespace": stack, "halobuzz.spec": "x"} if stack else {}
        return {"Spec": {"Name": name, "Labels": labels, "Mode": {"Global": {}}, "TaskTemplate": template}}

    there = [service("p_s", "p"), service("p_gone", "p"), service("p-migration_s", "p-migration"), service("else", "")]
    monkeypatch.setattr(_host_state, "docker_json", lambda _path: (200, there))
    wanted = {"services": [{"name": "p_s", "stack": "p", "image": "p_s@sha256:1", "spec": "x"}]}
    seen = {"services": _host_state._observe_services(wanted["services"])}
    assert lines(wanted, seen) == ["service p_gone: p_gone@sha256:1 -> absent"]


def test_firewall_table_that_was_changed_by_hand_is_found() -> None:
    wanted = {"nftables": {"family": "inet", "table": "halobuzz_firewall", "record_file": "/x"}}
    assert lines(wanted, {"nftables": {"loaded": True, "listing": "1", "recorded": "1"}}) == []
    assert lines(wanted, {"nftables": {"loaded": True, "listing": "1", "recorded": "2"}}) == [
        "firewall table inet halobuzz_firewall: not what was loaded -> as rendered"
    ]
    assert "not loaded" in lines(wanted, {"nftables": {"loaded": False, "listing": "", "recorded": ""}})[0]
    unwanted = {"nftables": {**wanted["nftables"], "state": "absent"}}
    assert lines(unwanted, {"nftables": {"loaded": False, "listing": "", "recorded": ""}}) == []
    assert "loaded -> absent" in lines(unwanted, {"nftables": {"loaded": True, "listing": "1", "recorded": "1"}})[0]
