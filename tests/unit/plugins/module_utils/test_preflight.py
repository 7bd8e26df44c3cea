# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judging a recorded host: a lab node that runs Swarm, edge, MongoDB and Redis has no findings until something is wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.halobuzz.platform.plugins.module_utils import _preflight

RECORDED = Path(__file__).parent / "recorded" / "preflight_running_host.json"


@pytest.fixture
def facts():
    return json.loads(RECORDED.read_text())


@pytest.fixture
def rules(checkout):
    defaults = yaml.safe_load((checkout / "roles/preflight/defaults/main.yml").read_text())
    thresholds = copy.deepcopy(defaults["preflight_thresholds"]["production"])
    thresholds.update(
        cpu_count={"minimum": 1, "recommended": 2},
        memory_gb={"minimum": 4, "recommended": 8},
        storage_gb={"minimum": 20, "recommended": 40},
    )
    return {
        "thresholds": thresholds,
        "supported_os": defaults["preflight_supported_os"],
        "ports": [{"port": 27017, "use": "MongoDB"}, {"port": 80, "use": "the edge"}],
        "platform_name": "halobuzz",
        "registry": "registry.halobuzz.lab:5000",
        "avx_needed": True,
        "clock_offset_max_seconds": 5,
        "time_sync_level": "ignore",
    }


def judge(facts, rules):
    return [(finding.level, finding.check, finding.text) for finding in _preflight.evaluate(facts, rules)]


def test_a_running_host_of_the_platform_has_no_findings(facts, rules):
    assert judge(facts, rules) == []


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ({"id": "debian", "version": "11", "name": "Debian GNU/Linux 11 (bullseye)"}, "Debian GNU/Linux 11 (bullseye)"),
        ({"id": "fedora", "version": "43", "name": "Fedora Linux 43"}, "Fedora Linux 43"),
    ],
)
def test_an_unsupported_system_is_an_error_that_names_the_supported(facts, rules, system, name):
    facts["os"] = system
    (finding,) = _preflight.evaluate(facts, rules)
    assert (finding.level, finding.check, finding.text) == ("error", "system", f"{name} is not supported")
    assert finding.fix == "install one of: Debian 12, 13; Ubuntu 22.04, 24.04"


@pytest.mark.parametrize(
    ("gigabytes", "level"), [(16, "error"), (30, "error"), (32, "warning"), (31, "warning"), (64, None), (62, None)]
)
def test_memory_below_minimum_is_an_error_below_recommended_a_warning(facts, rules, gigabytes, level):
    rules["thresholds"]["memory_gb"] = {"minimum": 32, "recommended": 64}
    facts["memory_bytes"] = gigabytes * 10**9
    assert [finding[0] for finding in judge(facts, rules)] == ([level] if level else [])


def test_cores_have_no_tolerance(facts, rules):
    rules["thresholds"]["cpu_count"] = {"minimum": 8, "recommended": 16}
    facts["cpu_count"] = 7
    assert judge(facts, rules) == [("error", "cpu", "7 cores; the minimum is 8, recommended are 16")]


def test_subvolumes_of_one_disk_count_once(facts, rules):
    rules["thresholds"]["storage_gb"] = {"minimum": 500, "recommended": 1000}
    assert judge(facts, rules) == [("error", "storage", "271 GB in all; the minimum is 500, recommended are 1000")]


def test_a_full_disk_is_one_error_with_all_its_folders(facts, rules):
    for entry in facts["file_systems"]:
        entry["free_bytes"] = 1_000_000
    (finding,) = _preflight.evaluate(facts, rules)
    assert (finding.level, finding.error_code) == ("error", "E_NO_SPACE")
    assert "0 % free (1 MB of 270.6 GB)" in finding.text
    assert "/var/lib/docker" in finding.text


def test_little_absolute_room_on_a_small_disk_is_an_error(facts, rules):
    rules["thresholds"]["storage_gb"] = {"minimum": 10, "recommended": 20}
    facts["file_systems"] = [{**facts["file_systems"][0], "size_bytes": 20 * 10**9, "free_bytes": 1_500_000_000}]
    assert [finding[:2] for finding in judge(facts, rules)] == [("error", "disk")]


def test_a_disk_without_inodes_is_an_error(facts, rules):
    facts["file_systems"][0]["free_inodes_percent"] = 1
    assert [finding[:2] for finding in judge(facts, rules)] == [("error", "disk")]


def test_a_read_only_disk_is_an_error(facts, rules):
    facts["file_systems"][1]["writable"] = False
    assert [finding[:2] for finding in judge(facts, rules)] == [("error", "disk")]


def test_avx_matters_to_mongodb_hosts_only(facts, rules):
    facts["avx"] = False
    assert [finding[:2] for finding in judge(facts, rules)] == [("error", "avx")]
    rules["avx_needed"] = False
    assert judge(facts, rules) == []


def test_the_clock(facts, rules):
    facts["clock"]["offset_seconds"] = -61.2
    rules["time_sync_level"] = "warning"
    assert [finding[:2] for finding in judge(facts, rules)] == [("error", "clock"), ("warning", "clock")]
    assert judge(facts, rules)[0][2].startswith("61 s behind this controller")


@pytest.mark.parametrize(("host", "offset"), [(99.0, -1.0), (100.0, 0.0), (102.5, 0.0), (110.0, 7.0)])
def test_the_clock_offset_is_what_the_call_cannot_explain(host, offset):
    assert _preflight.clock_offset_seconds(host, before=100.0, after=103.0) == offset


def test_a_foreign_process_on_a_port_is_an_error(facts, rules):
    facts["listeners"] = [
        {"port": 27017, "protocol": "tcp", "address": "127.0.0.1", "process": "mongod", "process_id": 812}
    ]
    assert judge(facts, rules) == [
        ("error", "port", "27017/tcp on 127.0.0.1 is held by mongod (pid 812), and MongoDB needs it")
    ]


def test_a_foreign_container_on_a_port_is_an_error(facts, rules):
    for listener in facts["listeners"]:
        listener.get("container", {}).get("labels", {}).clear()
    found = [text for _level, check, text in judge(facts, rules) if check == "port"]
    assert any("27017/tcp" in text and "is held by the container mongodb" in text for text in found)


def test_a_foreign_listener_beside_ours_is_no_conflict(facts, rules):
    facts["listeners"].append(
        {"port": 27017, "protocol": "tcp", "address": "127.0.0.9", "process": "mongod", "process_id": 812}
    )
    assert judge(facts, rules) == []


def test_a_registry_that_is_down_is_one_finding_not_one_per_image(facts, rules):
    facts["registry"] = {"outcome": "unreachable", "detail": "registry.halobuzz.lab:5000: connection refused"}
    for answer in facts["images"].values():
        answer["outcome"] = "unreachable"
    (finding,) = _preflight.evaluate(facts, rules)
    assert (finding.check, finding.error_code) == ("registry", "E_REGISTRY")


def test_an_image_that_does_not_exist_is_an_error_of_its_own(facts, rules):
    detail = "registry.halobuzz.lab:5000 has no image halobuzz/backend:v9"
    facts["images"] = {
        "registry.halobuzz.lab:5000/halobuzz/backend:v9": {"outcome": "not_found", "digest": "", "detail": detail}
    }
    (finding,) = _preflight.evaluate(facts, rules)
    assert (finding.check, finding.error_code, finding.text) == ("image", "E_IMAGE", detail)


@pytest.mark.parametrize(
    ("part", "value", "check"),
    [
        ("kernel", {"modules": {"overlay": "missing"}}, "kernel"),
        ("kernel", {"memory_cgroup": False}, "kernel"),
        ("kernel", {"ip_forward_off_in": ["/etc/sysctl.d/99-hardening.conf"]}, "kernel"),
        ("docker", {"settings": {"firewall-backend": "nftables"}}, "docker"),
        ("docker", {"settings": {"iptables": False}}, "docker"),
        ("docker", {"settings_readable": False}, "docker"),
        ("docker", {"snap": True}, "docker"),
        ("docker", {"version": "19.03.15"}, "docker"),
        ("docker", {"version": "29.0.1", "packages": {"docker-compose": "1.29.2-3"}}, "docker"),
    ],
)
def test_what_would_break_docker_is_found(facts, rules, part, value, check):
    if "modules" in value:
        value = {"modules": {**facts["kernel"]["modules"], **value["modules"]}}
    facts[part].update(value)
    assert [finding[1] for finding in judge(facts, rules)] == [check]


def test_a_sysctl_file_that_ours_overrides_is_no_finding(facts, rules):
    facts["kernel"]["ip_forward_off_in"] = ["/etc/sysctl.d/10-network.conf"]
    assert judge(facts, rules) == []


# --- report ---------------------------------------------------------------------------------------------------------


def host(name, *findings):
    return {
        "host": name,
        "address": "10.0.0.1",
        "summary": "Debian 13",
        "findings": _preflight.as_dicts(list(findings)),
    }


MEMORY = _preflight.Finding("error", "memory", "16 GB; the minimum is 32", "use a larger host")
CLOCK = _preflight.Finding("warning", "clock", "not synchronised", "chronyc sources")
IMAGE = _preflight.Finding("error", "image", "no image x:1", "check the name", "E_IMAGE")


def test_hosts_with_errors_come_first_and_healthy_hosts_have_one_line():
    lines = _preflight.report_lines([host("node1"), host("node2", CLOCK), host("node3", MEMORY, CLOCK)], "halobuzz")
    assert lines == [
        "Preflight of halobuzz: 3 hosts",
        "",
        "❌ node3  10.0.0.1  Debian 13",
        "     ❌ memory    16 GB; the minimum is 32",
        "                  → use a larger host",
        "     ⚠️  clock     not synchronised",
        "                  → chronyc sources",
        "⚠️  node2  10.0.0.1  Debian 13",
        "     ⚠️  clock     not synchronised",
        "                  → chronyc sources",
        "✅ node1  10.0.0.1  Debian 13",
        "",
    ]


def test_what_all_hosts_share_is_said_once():
    lines = _preflight.report_lines([host("node1", MEMORY), host("node2", IMAGE, MEMORY)], "halobuzz")
    assert [line for line in lines if "16 GB" in line] == ["     ❌ memory    16 GB; the minimum is 32"]
    assert lines[2] == "❌ all hosts"


def test_warnings_alone_do_not_fail():
    assert _preflight.verdict([host("node1", CLOCK)]) is None


def test_one_cause_has_its_own_code_and_next_command():
    code, message, command = _preflight.verdict([host("node1", IMAGE), host("node2")])
    assert (code.value, command) == ("E_IMAGE", "check the name")
    assert message == "node1: image: no image x:1. Nothing was changed."


def test_several_causes_are_one_preflight_error():
    code, message, _command = _preflight.verdict([host("node1", IMAGE, MEMORY), host("node2", MEMORY)])
    assert code.value == "E_PREFLIGHT"
    assert message.startswith("2 errors on 2 of 2 hosts (image, memory)")


@pytest.mark.parametrize(
    ("failure", "check", "text"),
    [
        (
            {
                "error_code": "E_HOST_UNREACHABLE",
                "msg": "E_HOST_UNREACHABLE: node2 (10.99.0.200): ssh: connect to host 10.99.0.200 port 22: "
                "No route to host\nNext: ssh ops@10.99.0.200 true",
            },
            "ssh",
            "connect to host 10.99.0.200 port 22: No route to host",
        ),
        (
            {"error_code": "E_SUDO", "msg": "E_SUDO: node2: sudo: a password is required\nNext: add NOPASSWD"},
            "sudo",
            "sudo: a password is required",
        ),
    ],
)
def test_a_host_that_cannot_be_probed_is_a_finding(failure, check, text):
    finding = _preflight.from_failure(failure, "node2")
    assert (finding.check, finding.text, finding.error_code) == (check, text, failure["error_code"])
    assert finding.fix == failure["msg"].split("Next: ")[1]
