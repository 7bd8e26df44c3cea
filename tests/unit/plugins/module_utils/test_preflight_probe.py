# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe's parsers on text recorded from a lab host (Debian 13), and the probe itself on the machine that runs the tests."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _preflight_probe as probe
from ansible_collections.halobuzz.platform.plugins.plugin_utils import lean

OS_RELEASE = """PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
NAME="Debian GNU/Linux"
VERSION_ID="13"
VERSION_CODENAME=trixie
ID=debian
"""
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:A211 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 116640 1 00000000dcc8 100 0 0 10 0
   1: 00000000:139C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 178167 1 000000002741 100 0 0 10 0
   2: 0B00630A:0016 0100630A:CF2A 01 00000000:00000000 02:000A7214 00000000     0        0 180001 2 000000001c16 20 4 30 10 -1
"""
UDP = """   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1379: 00000000:12B5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 121670 2 00000000954c27af 0
 4536: 0B00630A:1F0A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 122516 2 0000000038c179bb 0
"""
DPKG = """
Package: docker.io
Status: hold ok installed
Architecture: amd64
Version: 26.1.5+dfsg1-9+deb13u1+b1

Package: docker-compose
Status: deinstall ok config-files
Version: 1.29.2-3

"""


def test_os_release_gives_id_and_version():
    assert probe.parse_os_release(OS_RELEASE) == {
        "id": "debian",
        "version": "13",
        "name": "Debian GNU/Linux 13 (trixie)",
    }


def test_memory_is_in_bytes():
    text = "MemTotal:       24683656 kB\nMemFree: 13151504 kB\nSwapTotal:             0 kB\n"
    assert probe.parse_memory(text) == {"memory_bytes": 25276063744, "swap_bytes": 0}


@pytest.mark.parametrize(
    ("flags", "machine", "expected"),
    [("fpu sse4_2 avx avx2", "x86_64", True), ("fpu sse4_2", "x86_64", False), ("fp asimd", "aarch64", None)],
)
def test_avx_is_known_for_x86_only(flags, machine, expected):
    assert probe.has_avx(f"processor : 0\nflags\t\t: {flags}\n", machine) is expected


def test_established_connections_are_no_listeners():
    assert [(entry["port"], entry["address"]) for entry in probe.parse_listeners(TCP, "tcp")] == [
        (41489, "127.0.0.1"),
        (5020, "0.0.0.0"),
    ]


def test_udp_listeners_have_their_address():
    assert [(entry["port"], entry["address"], entry["inode"]) for entry in probe.parse_listeners(UDP, "udp")] == [
        (4789, "0.0.0.0", 121670),
        (7946, "10.99.0.11", 122516),
    ]


def test_a_removed_package_is_not_installed():
    names = ("docker.io", "docker-compose", "docker-ce")
    assert probe.parse_packages(DPKG, names) == {"docker.io": "26.1.5+dfsg1-9+deb13u1+b1"}


def test_ports_that_docker_publishes_count_without_a_listener():
    containers = [
        {
            "Id": "a" * 64,
            "Names": ["/web"],
            "Image": "nginx",
            "Ports": [{"PublicPort": 8080, "Type": "tcp", "IP": "::"}],
        }
    ]
    found = probe._listeners([{"port": 8080}], {}, containers)
    assert [(entry["port"], entry["container"]["name"]) for entry in found] == [(8080, "web")]


def parameters(**changes):
    return {"directories": ["/", "/not/yet/there"], **changes}


def test_the_probe_sees_who_listens_here():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        facts = probe.main(parameters(ports=[{"port": port}]))["facts"]
    assert [(entry["port"], entry["process_id"] is not None) for entry in facts["listeners"]] == [(port, True)]
    assert facts["cpu_count"] > 0
    assert facts["file_systems"][1]["mount"] == "/"


def test_late_and_unknown_names_are_found():
    facts = probe.main(parameters(names=["localhost", "nowhere.invalid"]))["facts"]
    assert facts["names"]["localhost"]
    assert facts["names"]["nowhere.invalid"] == []


def test_it_runs_on_a_host_with_the_standard_library_only():
    program = lean._program("_preflight_probe", parameters())
    done = subprocess.run([sys.executable, "-IS", "-"], input=program, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.partition(lean._MARK)[2])["facts"]["os"]["id"]
