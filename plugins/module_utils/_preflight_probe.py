# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read from a host what preflight judges: hardware, clock, ports, names, kernel, Docker, registry. It writes nothing.

Standard library only: piped to ``python3 -IS -`` on the host (plugin_utils/lean.py). It judges
nothing either: that is :mod:`_preflight`, on the controller, so that recorded facts can be judged again in a unit test.
"""

from __future__ import annotations

import ctypes
import glob
import json
import os
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._docker_engine import docker_json
from ansible_collections.halobuzz.platform.plugins.module_utils._registry import Registries

Facts = dict[str, Any]

_DOCKER_PACKAGES = ("docker.io", "docker-ce", "docker-compose", "docker-compose-v2", "docker-compose-plugin")
# Process names as the kernel cuts them, 15 characters.
_TIME_SERVICES = {"chronyd": "chrony", "ntpd": "ntpd", "systemd-timesyn": "systemd-timesyncd"}
_LABELS = ("halobuzz.", "com.docker.stack.namespace", "com.docker.swarm.service.name", "com.docker.compose.project")
_KERNEL_MODULES = ("overlay", "br_netfilter", "nf_tables", "vxlan")


def _read(path: str) -> str:
    try:
        with open(path, errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


# --- hardware and system -------------------------------------------------------------------------------------------


def parse_os_release(text: str) -> dict[str, str]:
    """Return ``{id, version, name}`` from the text of /etc/os-release (freedesktop.org, os-release)."""
    values = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values[key.strip()] = value.strip().strip("\"'")
    return {
        "id": values.get("ID", "unknown"),
        "version": values.get("VERSION_ID", ""),
        "name": values.get("PRETTY_NAME", values.get("ID", "unknown")),
    }


def parse_memory(text: str) -> dict[str, int]:
    """Return ``{memory_bytes, swap_bytes}`` from the text of /proc/meminfo, whose unit is KiB."""
    values = dict(re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE))
    return {
        "memory_bytes": int(values.get("MemTotal", 0)) * 1024,
        "swap_bytes": int(values.get("SwapTotal", 0)) * 1024,
    }


def has_avx(cpu_text: str, machine: str) -> bool | None:
    """Tell from /proc/cpuinfo whether an x86-64 processor has AVX; ``None`` for other processors."""
    if machine != "x86_64":
        return None
    flags = re.search(r"^flags\s*:(.*)$", cpu_text, re.MULTILINE)
    return "avx" in flags.group(1).split() if flags else None


def _file_system(path: str) -> Facts:
    """Describe the file system that holds ``path``, or would hold it once it is made."""
    there = path
    while not os.path.exists(there):
        there = os.path.dirname(there) or "/"
    numbers = os.statvfs(there)
    device = os.stat(there).st_dev
    mount = os.path.realpath(there)
    while mount != "/" and os.stat(os.path.dirname(mount)).st_dev == device:
        mount = os.path.dirname(mount)
    return {
        "path": path,
        "mount": mount,
        "device": device,
        "size_bytes": numbers.f_blocks * numbers.f_frsize,
        "free_bytes": numbers.f_bavail * numbers.f_frsize,
        # Some file systems (btrfs, some overlays) count no inodes and say 0.
        "free_inodes_percent": round(100 * numbers.f_favail / numbers.f_files) if numbers.f_files else 100,
        "writable": not numbers.f_flag & os.ST_RDONLY,
    }


def _kernel() -> Facts:
    release = os.uname().release
    folder = f"/lib/modules/{release}"
    listed = _read(f"{folder}/modules.builtin") + _read(f"{folder}/modules.dep")
    loaded_file_systems = _read("/proc/filesystems").split()
    modules = {}
    for name in _KERNEL_MODULES:
        if os.path.isdir(f"/sys/module/{name}") or name in loaded_file_systems:
            modules[name] = "loaded"
        elif not listed:
            modules[name] = "unknown"  # a container, or a kernel without modules: trying is the only test
        else:
            modules[name] = "available" if f"/{name}.ko" in listed else "missing"
    huge_pages = re.search(r"\[(\w+)\]", _read("/sys/kernel/mm/transparent_hugepage/enabled"))
    switched_off = [
        path
        for path in sorted([*glob.glob("/etc/sysctl.d/*.conf"), "/etc/sysctl.conf"])
        if re.search(r"^\s*net[./]ipv4[./]ip_forward\s*=\s*0", _read(path), re.MULTILINE)
    ]
    return {
        "release": release,
        "modules": modules,
        "cgroup": "v2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "v1",
        "memory_cgroup": "memory" in _read("/sys/fs/cgroup/cgroup.controllers").split()
        or os.path.isdir("/sys/fs/cgroup/memory"),
        "transparent_hugepages": huge_pages.group(1) if huge_pages else "",
        "swappiness": _read("/proc/sys/vm/swappiness").strip(),
        "ip_forward": _read("/proc/sys/net/ipv4/ip_forward").strip(),
        "ip_forward_off_in": switched_off,
    }


def _systemd() -> str:
    # The folder is systemd's own sign that it is the init system (sd_booted(3)); asking it would cost a process.
    return "running" if os.path.isdir("/run/systemd/system") else "absent"


def _clock(processes: dict[int, str]) -> Facts:
    """Read the kernel's own flag, as timedatectl does: adjtimex(2) with modes 0 changes nothing and needs no right."""
    buffer = ctypes.create_string_buffer(1024)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    # struct timex: int modes, (pad), long offset, freq, maxerror, esterror, int status
    status = struct.unpack_from("=i4xqqqqi", buffer.raw)[-1] if ctypes.sizeof(ctypes.c_long) == 8 else 0
    names = set(processes.values())
    return {
        # STA_UNSYNC is 0x40; a state of 5 (TIME_ERROR) alone also stands for other trouble.
        "synchronised": None if state < 0 else not status & 0x40,
        "service": next((title for name, title in _TIME_SERVICES.items() if name in names), ""),
    }


# --- ports ---------------------------------------------------------------------------------------------------------


def parse_listeners(text: str, protocol: str) -> list[Facts]:
    """Return ``[{port, protocol, address, inode}]`` of the listening sockets in /proc/net/{tcp,tcp6,udp,udp6}.

    TCP listens in state 0A; an unconnected UDP socket is in state 07 (proc_pid_net(5)).
    """
    wanted_state = "0A" if protocol == "tcp" else "07"
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != wanted_state:
            continue
        address, _colon, port = fields[1].partition(":")
        # The kernel prints each 32-bit word in the host's byte order.
        words = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
        family = socket.AF_INET if len(words) == 4 else socket.AF_INET6
        found.append(
            {
                "port": int(port, 16),
                "protocol": protocol,
                "address": socket.inet_ntop(family, words),
                "inode": int(fields[9]),
            }
        )
    return found


def _processes() -> dict[int, str]:
    return {int(name): _read(f"/proc/{name}/comm").strip() for name in os.listdir("/proc") if name.isdigit()}


def _socket_owners(inodes: set[int], processes: dict[int, str]) -> dict[int, int]:
    """Return the process id by socket inode, for these inodes only."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes if inode}
    owners: dict[int, int] = {}
    for process_id in processes:
        if len(owners) == len(wanted):
            break
        folder = f"/proc/{process_id}/fd"
        try:
            for descriptor in os.listdir(folder):
                inode = wanted.get(os.readlink(f"{folder}/{descriptor}"))
                if inode:
                    owners[inode] = process_id
        except OSError:
            continue  # the process ended meanwhile, or belongs to somebody else and we are not root
    return owners


def _container(body: Facts) -> Facts:
    labels = body.get("Labels") or {}
    return {
        "name": (body.get("Names") or [body["Id"][:12]])[0].lstrip("/"),
        "image": body.get("Image", ""),
        "labels": {key: value for key, value in labels.items() if key.startswith(_LABELS)},
    }


def _published(containers: list[Facts]) -> list[Facts]:
    """Ports that containers publish: without the userland proxy nothing listens on them, and they are taken."""
    found = []
    for body in containers:
        for port in body.get("Ports") or []:
            if port.get("PublicPort"):
                found.append(
                    {
                        "port": port["PublicPort"],
                        "protocol": port.get("Type", "tcp"),
                        "address": port.get("IP", ""),
                        "inode": 0,
                        "container": _container(body),
                    }
                )
    return found


def _listeners(ports: list[Facts], processes: dict[int, str], containers: list[Facts]) -> list[Facts]:
    wanted = {(entry["port"], entry.get("protocol") or "tcp") for entry in ports}
    published = {(entry["port"], entry["protocol"]): entry for entry in _published(containers)}
    seen = [
        entry
        for protocol in ("tcp", "udp")
        for name in (protocol, f"{protocol}6")
        for entry in parse_listeners(_read(f"/proc/net/{name}"), protocol)
        if (entry["port"], protocol) in wanted
    ]
    owners = _socket_owners({entry["inode"] for entry in seen}, processes)
    by_id = {body["Id"]: body for body in containers}
    for entry in seen:
        process_id = owners.get(entry.pop("inode"))
        key = (entry["port"], entry["protocol"])
        entry["process"] = processes.get(process_id, "") if process_id else ""
        entry["process_id"] = process_id
        # In a nested container the path holds several ids; the last one is the innermost.
        ids = re.findall(r"[0-9a-f]{64}", _read(f"/proc/{process_id}/cgroup")) if process_id else []
        if ids and ids[-1] in by_id:
            entry["container"] = _container(by_id[ids[-1]])
        elif entry["process"] == "docker-proxy" and key in published:
            entry["container"] = published[key]["container"]
    for key in wanted - {(entry["port"], entry["protocol"]) for entry in seen}:
        if key in published:
            seen.append({**published[key], "process": "docker", "process_id": None})
            del seen[-1]["inode"]
    return sorted(seen, key=lambda entry: (entry["port"], entry["protocol"], entry["address"]))


# --- Docker --------------------------------------------------------------------------------------------------------


def parse_packages(text: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of these packages from the text of /var/lib/dpkg/status, where they are installed."""
    found = {}
    for name in names:
        start = text.find(f"\nPackage: {name}\n")
        if start < 0:
            continue
        block = text[start : text.find("\n\n", start + 1)]
        version = re.search(r"^Version: (\S+)", block, re.MULTILINE)
        if version and re.search(r"^Status: \S+ \S+ installed$", block, re.MULTILINE):
            found[name] = version.group(1)
    return found


def _docker() -> Facts:
    status, version = docker_json("/version")
    version = version if status == 200 else {}
    try:
        settings = json.loads(_read("/etc/docker/daemon.json") or "{}")
        settings_readable = isinstance(settings, dict)
    except ValueError:
        settings_readable = False
    settings = settings if settings_readable else {}
    return {
        "version": version.get("Version", ""),
        "api_version": version.get("ApiVersion", ""),
        "packages": parse_packages("\n" + _read("/var/lib/dpkg/status"), _DOCKER_PACKAGES),
        "snap": os.path.exists("/snap/bin/docker"),
        "settings_readable": settings_readable,
        "settings": {key: settings[key] for key in ("firewall-backend", "iptables") if key in settings},
    }


# --- network, all at once ------------------------------------------------------------------------------------------


def _concurrently(jobs: dict[str, Callable[[], Any]], seconds: float) -> dict[str, Any]:
    """Run all jobs in daemon threads, so that a stuck resolver holds nobody up; a job that is late has no entry."""
    answers: dict[str, Any] = {}

    def work(name: str, job: Callable[[], Any]) -> None:
        answers[name] = job()

    deadline = time.monotonic() + seconds
    threads = [threading.Thread(target=work, args=item, daemon=True) for item in jobs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(answers)


def _addresses(name: str) -> list[str]:
    try:
        return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):
        return []


def _network(parameters: Facts) -> Facts:
    seconds = float(parameters.get("timeout_seconds") or 4)
    registries = Registries(parameters)
    jobs: dict[str, Callable[[], Any]] = {}
    for name in parameters.get("names") or []:
        jobs[f"name {name}"] = lambda name=name: _addresses(name)  # type: ignore[misc]
    address = parameters.get("registry") or ""
    if address:
        jobs["registry"] = lambda: registries.ping(address)
    for image in parameters.get("images") or []:
        jobs[f"image {image}"] = lambda image=image: registries.look_up(image)  # type: ignore[misc]
    # A token takes two more requests than a plain answer.
    answers = _concurrently(jobs, seconds * 2)

    def answer(job: str, name: str) -> Facts:
        late = {"outcome": "unreachable", "digest": "", "detail": f"{name}: no answer within {seconds * 2:g} s"}
        return dict(answers.get(job) or late)

    return {
        "names": {name: answers.get(f"name {name}", []) for name in parameters.get("names") or []},
        "registry": answer("registry", address) if address else None,
        "images": {image: answer(f"image {image}", image) for image in parameters.get("images") or []},
    }


def main(parameters: dict[str, Any]) -> dict[str, Any]:
    """Entry point of both transports.

    :param parameters: ``{directories: [path], ports: [{port, protocol}], names: [str], registry, images: [reference],
        certificates: {address: PEM}, credentials: {address: [user, password]}, timeout_seconds}``.
    :returns: ``{facts}``.
    """
    unix_time_seconds = time.time()  # first of all: the controller compares it with its own clock around the call
    network: Facts = {}
    background = threading.Thread(target=lambda: network.update(_network(parameters)), daemon=True)
    background.start()
    machine = os.uname().machine
    processes = _processes()
    status, containers = docker_json("/containers/json")
    containers = containers if status == 200 else []
    facts: Facts = {
        "os": parse_os_release(_read("/etc/os-release")),
        "architecture": machine,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "cpu_count": len(os.sched_getaffinity(0)),
        "avx": has_avx(_read("/proc/cpuinfo"), machine),
        **parse_memory(_read("/proc/meminfo")),
        "file_systems": [_file_system(path) for path in parameters.get("directories") or ["/"]],
        "kernel": _kernel(),
        "systemd": _systemd(),
        "clock": {**_clock(processes), "unix_time_seconds": unix_time_seconds},
        "listeners": _listeners(parameters.get("ports") or [], processes, containers),
        "docker": _docker(),
        "is_root": os.geteuid() == 0,
    }
    background.join()
    facts.update(network)
    return {"facts": facts}
