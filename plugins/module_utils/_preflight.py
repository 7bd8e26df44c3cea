# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge what the preflight probe has read, and write the report. Pure: facts in, findings and lines out."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ERROR_TEXTS, ErrorCode

Facts = dict[str, Any]
ERROR = "error"
WARNING = "warning"

_SIGNS = {ERROR: "❌", WARNING: "⚠️ ", "": "✅"}
_GB = 1_000_000_000
# A host sold as "32 GB" or "500 GB" shows a little less: firmware, kernel and the file system's tables take their part.
_TOLERANCE = 0.95
# 20.10 is Debian 12's engine, the oldest that a supported system brings. Engines from 29 on want API 1.44, which Compose
# v1 does not speak (docs.docker.com/engine/release-notes/29).
_ENGINE_MINIMUM = (20, 10)
_ENGINE_WITHOUT_COMPOSE_V1 = (29, 0)
_PYTHON_MINIMUM = (3, 10)
_SYSCTL_FILE = "60-halobuzz.conf"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: what was looked at, what was seen, and what to do about it."""

    level: str
    check: str
    text: str
    fix: str
    error_code: str = ErrorCode.E_PREFLIGHT.value


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _against(check: str, value: float, unit: str, limits: dict[str, float], setting: str) -> list[Finding]:
    """Compare a figure with its ``minimum`` (error) and ``recommended`` (warning)."""
    shown = f"{value:g} {unit}"
    if value < limits["minimum"] * (1 if unit == "cores" else _TOLERANCE):
        text = f"{shown}; the minimum is {limits['minimum']:g}, recommended are {limits['recommended']:g}"
        level = ERROR
    elif value < limits["recommended"] * (1 if unit == "cores" else _TOLERANCE):
        text, level = f"{shown}; recommended are {limits['recommended']:g}", WARNING
    else:
        return []
    return [
        Finding(level, check, text, f"use a larger host, or accept this one: preflight_thresholds_override.{setting}")
    ]


def _judge_system(facts: Facts, rules: Facts) -> list[Finding]:
    found = []
    system = facts["os"]
    supported = {entry["id"]: [str(version) for version in entry["versions"]] for entry in rules["supported_os"]}
    if system["version"] not in supported.get(system["id"], []):
        names = "; ".join(f"{name.capitalize()} {', '.join(versions)}" for name, versions in supported.items())
        found.append(Finding(ERROR, "system", f"{system['name']} is not supported", f"install one of: {names}"))
    if _version(facts["python"]) < _PYTHON_MINIMUM:
        wanted = ".".join(str(part) for part in _PYTHON_MINIMUM)
        found.append(
            Finding(
                ERROR,
                "python",
                f"Python {facts['python']}; the modules need {wanted} or newer",
                "install a supported release of the operating system",
            )
        )
    if facts["systemd"] == "absent":
        text = "systemd does not run here, and Docker, the firewall and the timers are its units"
        found.append(Finding(ERROR, "systemd", text, "use an ordinary host or virtual machine, no plain container"))
    if not facts["is_root"]:
        found.append(
            Finding(
                WARNING, "rights", "the probe did not run as root and cannot see who holds a port", "run it with become"
            )
        )
    return found


def _volumes(facts: Facts) -> list[Facts]:
    """Return each volume once, with all paths that it holds.

    Subvolumes and overlays have device numbers of their own over the same storage: they show the same size and the same
    free space to the megabyte.
    """
    volumes: dict[tuple[int, int], Facts] = {}
    for entry in facts["file_systems"]:
        key = (entry["size_bytes"], entry["free_bytes"] // 1_000_000)
        volumes.setdefault(key, {**entry, "paths": []})["paths"].append(entry["path"])
        volumes[key]["writable"] = volumes[key]["writable"] and entry["writable"]
    return list(volumes.values())


def _judge_hardware(facts: Facts, rules: Facts) -> list[Finding]:
    limits = rules["thresholds"]
    memory = round(facts["memory_bytes"] / _GB, 1)
    storage = round(sum(volume["size_bytes"] for volume in _volumes(facts)) / _GB)
    found = [
        *_against("cpu", facts["cpu_count"], "cores", limits["cpu_count"], "cpu_count"),
        *_against("memory", memory, "GB", limits["memory_gb"], "memory_gb"),
        *_against("storage", storage, "GB in all", limits["storage_gb"], "storage_gb"),
    ]
    if rules["avx_needed"] and facts["avx"] is False:
        # mongodb.com/docs/manual/administration/production-notes, "x86_64": 5.0 and later need AVX.
        found.append(
            Finding(
                ERROR,
                "avx",
                "the processor has no AVX, and MongoDB from 5.0 on does not start without",
                "choose another machine type, or the processor model 'host' in the hypervisor",
            )
        )
    return found


def _judge_file_systems(facts: Facts, rules: Facts) -> list[Finding]:
    found = []
    limits = rules["thresholds"]
    inodes = limits["free_inodes_percent"]
    for entry in _volumes(facts):
        paths = ", ".join(dict.fromkeys(entry["paths"]))
        code = ErrorCode.E_NO_SPACE.value
        free_percent = 100 * entry["free_bytes"] / max(entry["size_bytes"], 1)
        amount = f"{free_percent:.0f} % free ({_size(entry['free_bytes'])} of {_size(entry['size_bytes'])})"
        free_gb = entry["free_bytes"] / _GB
        short = {
            key: free_percent < limits["free_percent"][key] or free_gb < limits["free_gb"][key]
            for key in ("minimum", "recommended")
        }
        if not entry["writable"]:
            text = f"{entry['mount']} is mounted read-only ({paths})"
            found.append(Finding(ERROR, "disk", text, "dmesg: the kernel does that after a disk error"))
        elif short["minimum"] or short["recommended"]:
            level = ERROR if short["minimum"] else WARNING
            text = f"{entry['mount']} has {amount}, which holds {paths}"
            found.append(
                Finding(
                    level, "disk", text, f"du -xh --max-depth=2 {entry['mount']} | sort -h | tail; free space", code
                )
            )
        elif entry["free_inodes_percent"] < inodes["recommended"]:
            level = ERROR if entry["free_inodes_percent"] < inodes["minimum"] else WARNING
            text = f"{entry['mount']} has {entry['free_inodes_percent']} % of its inodes free, which holds {paths}"
            found.append(
                Finding(level, "disk", text, f"du -x --inodes --max-depth=2 {entry['mount']} | sort -n | tail", code)
            )
    return found


def _judge_clock(facts: Facts, rules: Facts) -> list[Finding]:
    offset, limit = facts["clock"].get("offset_seconds", 0.0), rules["clock_offset_max_seconds"]
    found = []
    if abs(offset) > limit:
        direction = "ahead of" if offset > 0 else "behind"
        found.append(
            Finding(
                ERROR,
                "clock",
                f"{abs(offset):.0f} s {direction} this controller; more than {limit:g} s breaks tokens and TLS",
                "start a time service on the host (chronyc makestep), or correct the controller's own clock",
            )
        )
    if facts["clock"]["synchronised"] is False and rules["time_sync_level"] != "ignore":
        service = facts["clock"]["service"]
        fix = "chronyc sources, timedatectl" if service else "the deploy installs one (host_time_sync_enabled)"
        found.append(
            Finding(
                rules["time_sync_level"],
                "clock",
                f"not synchronised ({service + ' runs' if service else 'no time service runs'})",
                fix,
            )
        )
    return found


def is_ours(listener: Facts, platform_name: str) -> bool:
    """Tell whether the platform itself holds a port: a container with our label or of our stack, or Swarm."""
    container = listener.get("container")
    if container:
        labels = container["labels"]
        return (
            any(key.startswith("halobuzz.") for key in labels)
            or labels.get("com.docker.stack.namespace") == platform_name
            or labels.get("com.docker.swarm.service.name", "").startswith((f"{platform_name}_", f"{platform_name}-"))
        )
    # A UDP port without a process is the kernel's: VXLAN of an overlay network.
    kernel = listener["protocol"] == "udp" and not listener.get("process_id")
    return listener.get("process") == "dockerd" or kernel


def _judge_ports(facts: Facts, rules: Facts) -> list[Finding]:
    uses = {(int(entry["port"]), entry.get("protocol") or "tcp"): entry["use"] for entry in rules["ports"]}
    found = []
    # A port may have several listeners, at several addresses. One of ours means that the platform runs, whoever else does.
    ours = {
        (listener["port"], listener["protocol"])
        for listener in facts["listeners"]
        if is_ours(listener, rules["platform_name"])
    }
    others = {(listener["port"], listener["protocol"]): listener for listener in facts["listeners"]}
    for listener in (listener for key, listener in others.items() if key not in ours):
        number = f"{listener['port']}/{listener['protocol']}"
        if listener.get("container"):
            holder = f"the container {listener['container']['name']} ({listener['container']['image']})"
            fix = f"docker stop {listener['container']['name']}, or choose another port for one of the two"
        else:
            process, process_id = listener.get("process") or "a process", listener.get("process_id")
            holder = f"{process} (pid {process_id})" if process_id else process
            fix = (
                f"systemctl status {process_id or ''}".rstrip() + "; stop it, or choose another port for one of the two"
            )
        use = uses.get((listener["port"], listener["protocol"]), "the platform")
        text = f"{number} on {listener['address']} is held by {holder}, and {use} needs it"
        found.append(Finding(ERROR, "port", text, fix))
    return found


def _judge_kernel(facts: Facts) -> list[Finding]:
    kernel = facts["kernel"]
    found = []
    for name, use in (
        ("overlay", "Docker's storage"),
        ("nf_tables", "the firewall"),
        ("br_netfilter", "container networks"),
        ("vxlan", "networks between hosts"),
    ):
        if kernel["modules"][name] == "missing":
            text = f"kernel {kernel['release']} has no {name}, which {use} needs"
            found.append(Finding(ERROR, "kernel", text, "boot the distribution's own kernel"))
    if not kernel["memory_cgroup"]:
        found.append(
            Finding(
                ERROR,
                "kernel",
                "the memory controller of cgroups is off, so no memory limit would hold",
                "boot with cgroup_enable=memory",
            )
        )
    # Files are read in the order of their names, /etc/sysctl.conf last (sysctl.d(5)); ours sets it back to 1.
    late = [
        path
        for path in kernel["ip_forward_off_in"]
        if path.rsplit("/", 1)[1] > _SYSCTL_FILE or path == "/etc/sysctl.conf"
    ]
    if late:
        found.append(
            Finding(
                ERROR,
                "kernel",
                f"{', '.join(late)} sets net.ipv4.ip_forward=0, which cuts containers off at the next boot",
                "remove that line (hardening roles write it)",
            )
        )
    return found


def _judge_docker(facts: Facts) -> list[Finding]:
    docker = facts["docker"]
    found = []
    engine = _version(docker["version"])
    compose_v1 = docker["packages"].get("docker-compose", "").startswith("1.")
    if docker["snap"]:
        text = "Docker is installed as a snap, which cannot read the platform's folders"
        found.append(Finding(ERROR, "docker", text, "snap remove docker; the deploy installs packages"))
    if engine and engine < _ENGINE_MINIMUM:
        text = f"Docker Engine {docker['version']} is too old; 20.10 is the oldest that works"
        found.append(Finding(ERROR, "docker", text, "apt-get install docker.io, or docker_source: docker"))
    if engine >= _ENGINE_WITHOUT_COMPOSE_V1 and compose_v1:
        text = f"Docker Engine {docker['version']} refuses Compose {docker['packages']['docker-compose']}"
        found.append(Finding(WARNING, "docker", text, "apt-get install docker-compose-plugin"))
    if not docker["settings_readable"]:
        text = "/etc/docker/daemon.json is not a JSON object"
        found.append(Finding(ERROR, "docker", text, "python3 -m json.tool /etc/docker/daemon.json"))
    if docker["settings"].get("firewall-backend") == "nftables":
        text = "daemon.json sets firewall-backend: nftables, and Swarm refuses to work with it"
        found.append(Finding(ERROR, "docker", text, "remove that line from /etc/docker/daemon.json"))
    if docker["settings"].get("iptables") is False:
        text = "daemon.json sets iptables: false, so no container reaches the network"
        found.append(Finding(ERROR, "docker", text, "remove that line from /etc/docker/daemon.json"))
    return found


def _judge_network(facts: Facts, rules: Facts) -> list[Finding]:
    found = []
    for name, addresses in facts["names"].items():
        if not addresses:
            fix = f"getent hosts {name}; add it to DNS or /etc/hosts"
            found.append(Finding(ERROR, "name", f"{name} does not resolve on this host", fix))
    registry = facts["registry"]
    registry_works = not registry or registry["outcome"] == "found"
    if not registry_works:
        fix = f"curl -I https://{rules['registry']}/v2/ on the host"
        if registry["outcome"] == "certificate":
            fix = f"put the registry's CA certificate into docker_registry_certificates['{rules['registry']}']"
        found.append(Finding(ERROR, "registry", registry["detail"], fix, ErrorCode.E_REGISTRY.value))
    for image, answer in facts["images"].items():
        from_registry = bool(rules["registry"]) and image.startswith(f"{rules['registry']}/")
        if answer["outcome"] == "found" or (from_registry and not registry_works):
            continue  # a registry that does not answer is one finding, not one per image
        if answer["outcome"] == "not_found":
            code, fix = (
                ErrorCode.E_IMAGE,
                "check the name and tag: platform_version, the *_image variables, catalog_services",
            )
        else:
            code, fix = ErrorCode.E_REGISTRY, f"docker pull {image} on the host"
        found.append(Finding(ERROR, "image", answer["detail"], fix, code.value))
    return found


def evaluate(facts: Facts, rules: Facts) -> list[Finding]:
    """Judge one host.

    :param facts: ``_preflight_probe.main()["facts"]``, with ``clock.offset_seconds`` added by the controller.
    :param rules: ``{thresholds: {cpu_count, memory_gb, storage_gb, free_percent, free_gb, free_inodes_percent:
        {minimum, recommended}}, supported_os: [{id, versions}], ports: [{port, protocol, use}], platform_name, registry,
        avx_needed, clock_offset_max_seconds, time_sync_level}``. Sizes are in decimal GB.
    :returns: errors first, then warnings.
    """
    found = [
        *_judge_system(facts, rules),
        *_judge_hardware(facts, rules),
        *_judge_file_systems(facts, rules),
        *_judge_clock(facts, rules),
        *_judge_ports(facts, rules),
        *_judge_kernel(facts),
        *_judge_docker(facts),
        *_judge_network(facts, rules),
    ]
    return sorted(found, key=lambda finding: finding.level != ERROR)


def clock_offset_seconds(host: float, before: float, after: float) -> float:
    """Return by how much the host's clock is certainly off: 0 while its time lies between the call's start and end."""
    if host < before:
        return host - before
    return max(0.0, host - after)


def from_failure(failure: dict[str, Any], host: str) -> Finding:
    """Turn a failed probe (``_errors.failure``) into a finding, without the parts that the report adds itself."""
    checks = {"E_HOST_UNREACHABLE": "ssh", "E_SSH_AUTH": "ssh", "E_SUDO": "sudo", "E_PYTHON_MISSING": "python"}
    code = str(failure["error_code"])
    text, _next, fix = str(failure["msg"]).partition("\nNext: ")
    # "node1 (10.0.0.1): ssh: connect to …": the report says host, address and "ssh" already.
    text = re.sub(rf"^(?:{code}: )?{re.escape(host)}(?: \([^)]*\))?: (?:ssh: )?", "", text)
    return Finding(ERROR, checks.get(code, "probe"), " ".join(text.split()), fix, code)


def describe(facts: Facts) -> str:
    """Return one line about a host: system, size, engine."""
    volumes = _volumes(facts)
    free, size = (sum(volume[key] for volume in volumes) / _GB for key in ("free_bytes", "size_bytes"))
    system = facts["os"]
    engine = facts["docker"]["version"].split("+")[0]
    return (
        f"{system['id'].capitalize()} {system['version']}, {facts['cpu_count']} cores, "
        f"{facts['memory_bytes'] / _GB:.0f} GB RAM, {free:.0f} of {size:.0f} GB free, "
        f"{'Docker ' + engine if engine else 'no Docker yet'}"
    )


def as_dicts(findings: list[Finding]) -> list[dict[str, str]]:
    """Return the findings as they stand in a task's result."""
    return [asdict(finding) for finding in findings]


def _size(size_bytes: float) -> str:
    return f"{size_bytes / _GB:.1f} GB" if size_bytes >= _GB else f"{size_bytes / 1_000_000:.0f} MB"


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _worst(probe: Facts) -> str:
    levels = {finding["level"] for finding in probe["findings"]}
    return ERROR if ERROR in levels else WARNING if levels else ""


def _finding_lines(findings: list[Facts]) -> list[str]:
    lines = []
    for finding in findings:
        lines.append(f"     {_SIGNS[finding['level']]} {finding['check']:<9} {finding['text']}")
        lines.append(f"        {'':<9} → {finding['fix']}")
    return lines


def report_lines(probes: list[Facts], title: str) -> list[str]:
    """Write the report for people: what all hosts share first, then each host, those with errors before the others.

    :param probes: one per host: ``{host, address, summary, findings: [Finding as dict]}``.
    :param title: what was looked at, for example ``halobuzz (production)``.
    """
    lines = [f"Preflight of {title}: {_plural(len(probes), 'host')}", ""]
    first, *others = probes
    shared = [
        finding for finding in first["findings"] if others and all(finding in probe["findings"] for probe in others)
    ]
    if shared:
        lines += [f"{_SIGNS[_worst({'findings': shared})]} all hosts", *_finding_lines(shared)]
    order = [ERROR, WARNING, ""]
    width = max(len(probe["host"]) for probe in probes)
    for probe in sorted(probes, key=lambda probe: order.index(_worst(probe))):
        lines.append(
            f"{_SIGNS[_worst(probe)]} {probe['host']:<{width}}  {probe['address']}  {probe['summary']}".rstrip()
        )
        lines += _finding_lines([finding for finding in probe["findings"] if finding not in shared])
    return [*lines, ""]


def verdict(probes: list[Facts]) -> tuple[ErrorCode, str, str | None] | None:
    """Return code, message and next command of the failure, or ``None`` when no host has an error.

    One cause gives its own code (``E_IMAGE``, ``E_SSH_AUTH``, …), several give ``E_PREFLIGHT``.
    """
    hosts: dict[tuple[str, str, str, str], list[str]] = {}
    for probe in probes:
        for finding in probe["findings"]:
            if finding["level"] == ERROR:
                key = (finding["error_code"], finding["check"], finding["text"], finding["fix"])
                hosts.setdefault(key, []).append(probe["host"])
    if not hosts:
        return None
    codes = {key[0] for key in hosts}
    code = ErrorCode(codes.pop()) if len(codes) == 1 else ErrorCode.E_PREFLIGHT
    if len(hosts) == 1:
        (_code, check, text, fix), names = next(iter(hosts.items()))
        where = ", ".join(names) if len(names) < len(probes) or len(names) == 1 else "all hosts"
        return code, f"{where}: {check}: {text.rstrip('.')}. Nothing was changed.", fix
    with_errors = len({name for names in hosts.values() for name in names})
    checks = ", ".join(dict.fromkeys(key[1] for key in hosts))
    message = (
        f"{_plural(len(hosts), 'error')} on {with_errors} of {_plural(len(probes), 'host')} ({checks}): "
        "see the report above. Nothing was changed."
    )
    return code, message, ERROR_TEXTS[ErrorCode.E_PREFLIGHT].next_command
