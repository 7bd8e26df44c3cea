# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what a role wants on a host with what is there, in one pass.

Standard library only: besides being imported by the module, its source is piped to ``python3 -IS -``
on the host (plugin_utils/lean.py), which costs a fifth of a module call (docs/architecture.md, "A run that changes
nothing"). :func:`observe` reads the host, :func:`compare` is pure.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import stat
import subprocess
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._docker_engine import docker_json, template_sha256

SPEC_LABEL = "halobuzz.spec"
SCALED_LABEL = "halobuzz.scaled"
OUT_FOR_LABEL = "halobuzz.out_for"
"""On a node that a run has taken out of service and will take back (role stack, availability.yml): what it does meanwhile."""

_STACK_LABEL = "com.docker.stack.namespace"  # set by docker stack deploy

# Wanted:   {packages, directories, files, sysctls, units, containers, swarm, services, nftables}, all optional lists or mappings.
# Observed: the same keys, holding what the host has for the very names that were asked for.
State = dict[str, Any]


def run(argv: list[str]) -> tuple[int, str]:
    """Run a command with a fixed locale; return ``(exit code, stdout)``. A missing program is exit code 127."""
    try:
        # Runs without an AnsibleModule, so there is no run_command.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            argv, capture_output=True, check=False, text=True, timeout=30, env={**os.environ, "LC_ALL": "C"}
        )
    except FileNotFoundError:
        return 127, ""
    return done.returncode, done.stdout


def _observe_packages(wanted: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    names = [package["name"] for package in wanted]
    _rc, out = run(
        ["dpkg-query", "-W", "-f", "${Package}\t${Version}\t${db:Status-Status}\t${db:Status-Want}\n", *names]
    )
    seen: dict[str, dict[str, Any]] = {}
    for line in out.splitlines():
        name, version, status, want = line.split("\t")
        if status == "installed":
            seen[name] = {"version": version, "held": want == "hold"}
    return seen


def _owner(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)


def _group(group_id: int) -> str:
    try:
        return grp.getgrgid(group_id).gr_name
    except KeyError:
        return str(group_id)


def _observe_path(path: str, want_content: bool, want_json: bool) -> dict[str, Any] | None:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    seen: dict[str, Any] = {
        "kind": "directory" if stat.S_ISDIR(status.st_mode) else "file" if stat.S_ISREG(status.st_mode) else "other",
        "owner": _owner(status.st_uid),
        "group": _group(status.st_gid),
        "owner_id": str(status.st_uid),
        "group_id": str(status.st_gid),
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
    }
    if seen["kind"] == "file" and (want_content or want_json):
        with open(path, "rb") as handle:
            content = handle.read()
        seen["sha256"] = hashlib.sha256(content).hexdigest()
        if want_json:
            try:
                seen["json"] = json.loads(content or b"{}")
            except ValueError:
                seen["json"] = None
    return seen


def _observe_sysctls(wanted: dict[str, str]) -> dict[str, str | None]:
    seen: dict[str, str | None] = {}
    for name in wanted:
        try:
            with open("/proc/sys/" + name.replace(".", "/")) as handle:
                seen[name] = " ".join(handle.read().split())
        except OSError:
            seen[name] = None
    return seen


def _observe_units(wanted: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    # One call for all; systemctl prints the blocks in the order asked, separated by an empty line.
    names = [unit["name"] for unit in wanted]
    _rc, out = run(["systemctl", "show", "--property=LoadState,UnitFileState,ActiveState,SubState", *names])
    seen: dict[str, dict[str, str]] = {}
    for name, block in zip(names, out.strip().split("\n\n"), strict=False):
        seen[name] = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return seen


def _observe_containers(wanted: list[dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    seen: dict[str, dict[str, Any] | None] = {}
    for container in wanted:
        status, body = docker_json(f"/containers/{container['name']}/json")
        if status != 200:
            seen[container["name"]] = None
            continue
        seen[container["name"]] = {
            "spec": (body["Config"].get("Labels") or {}).get(SPEC_LABEL),
            "status": body["State"]["Status"],
            "image": body["Config"]["Image"],
        }
    return seen


def _observe_swarm() -> dict[str, Any]:
    status, info = docker_json("/info")
    if status != 200:
        return {"state": "no engine", "manager": False}
    swarm = info["Swarm"]
    seen = {
        "state": swarm["LocalNodeState"],
        "manager": bool(swarm["ControlAvailable"]),
        "node_id": swarm["NodeID"],
        "address": swarm["NodeAddr"],
        "error": swarm.get("Error") or "",
    }
    if seen["manager"]:
        status, nodes = docker_json("/nodes")
        if status == 200:
            seen["nodes"] = {
                node["ID"]: {
                    "hostname": node["Description"]["Hostname"],
                    "labels": node["Spec"].get("Labels") or {},
                    "role": node["Spec"]["Role"],
                    "availability": node["Spec"]["Availability"],
                    "state": node["Status"]["State"],
                }
                for node in nodes
            }
        status, networks = docker_json("/networks?filters=%7B%22driver%22%3A%5B%22overlay%22%5D%7D")
        if status == 200:
            seen["networks"] = sorted(network["Name"] for network in networks)
    return seen


def _released(record_files: set[str]) -> dict[str, str]:
    """Return the fingerprints of the services that the last release has recorded, by name; none where there is no record."""
    released: dict[str, str] = {}
    for path in record_files:
        try:
            with open(path) as handle:
                released.update(json.load(handle))
        except (OSError, ValueError):
            continue
    return released


class NoLeaderError(Exception):
    """The Swarm cannot say what it runs: too few of its managers answer. The engine's own sentence."""


def _observe_services(wanted: list[dict[str, Any]]) -> dict[str, Any]:
    status, services = docker_json("/services")
    if status != 200:
        # Without an engine, or on a host that is no manager (503), there are none. Without a leader (500; seen on 26.1.5) nobody knows.
        message = str((services or {}).get("message", ""))
        if status == 500 or "leader" in message:
            raise NoLeaderError(message)
        return {}
    names = {service["name"] for service in wanted}
    stacks = {service["stack"] for service in wanted if service.get("stack")}
    released = _released({service["record_file"] for service in wanted if service.get("record_file")})
    return {
        service["Spec"]["Name"]: {
            "labels": service["Spec"].get("Labels") or {},
            "replicas": ((service["Spec"].get("Mode") or {}).get("Replicated") or {}).get("Replicas"),
            "image": service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"],
            "as_released": released.get(service["Spec"]["Name"]) in (None, template_sha256(service)),
        }
        for service in services
        if service["Spec"]["Name"] in names or (service["Spec"].get("Labels") or {}).get(_STACK_LABEL) in stacks
    }


def nftables_listing(family: str, table: str) -> tuple[bool, str]:
    """Return whether an nft table is loaded, and the SHA-256 of its listing.

    nft prints its own normal form, so a rendered file cannot be compared with it: what is compared is the listing now with
    the one taken right after loading. Without ``--stateless``, counters would change it.
    """
    code, out = run(["nft", "--stateless", "list", "table", family, table])
    return code == 0, hashlib.sha256(out.encode()).hexdigest()


def _observe_nftables(wanted: dict[str, Any]) -> dict[str, Any]:
    loaded, listing = nftables_listing(wanted["family"], wanted["table"])
    try:
        with open(wanted["record_file"]) as handle:
            recorded = handle.read().strip()
    except OSError:
        recorded = ""
    return {"loaded": loaded, "listing": listing, "recorded": recorded}


def observe(wanted: State) -> State:
    """Read from this host everything that ``wanted`` speaks of."""
    seen: State = {}
    if wanted.get("packages"):
        seen["packages"] = _observe_packages(wanted["packages"])
    for key in ("directories", "files"):
        if wanted.get(key):
            seen[key] = {
                entry["path"]: _observe_path(entry["path"], key == "files", "merge_json" in entry)
                for entry in wanted[key]
            }
    if wanted.get("sysctls"):
        seen["sysctls"] = _observe_sysctls(wanted["sysctls"])
    if wanted.get("units"):
        seen["units"] = _observe_units(wanted["units"])
    if wanted.get("containers"):
        seen["containers"] = _observe_containers(wanted["containers"])
    if wanted.get("swarm"):
        seen["swarm"] = _observe_swarm()
    if wanted.get("services"):
        seen["services"] = _observe_services(wanted["services"])
    if wanted.get("nftables"):
        seen["nftables"] = _observe_nftables(wanted["nftables"])
    return seen


def _drift(what: str, name: str, now: str, then: str) -> dict[str, str]:
    return {"what": what, "name": name, "now": now, "then": then}


def _compare_packages(wanted: list[dict[str, Any]], seen: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for package in wanted:
        name, version = package["name"], package.get("version") or ""
        have = seen.get(name)
        if have is None:
            found.append(_drift("package", name, "not installed", f"installed {version}".strip()))
        elif version and not have["version"].startswith(version.rstrip("*")):
            found.append(_drift("package", name, have["version"], version))
        elif "held" in package and have["held"] != package["held"]:
            found.append(
                _drift("package", name, "not held", "held")
                if package["held"]
                else _drift("package", name, "held", "not held")
            )
    return found


def json_covers(have: Any, want: Any) -> bool:
    """Say whether every key of the mapping ``want`` stands in ``have`` with an equal value (recursively)."""
    if isinstance(want, dict):
        return isinstance(have, dict) and all(key in have and json_covers(have[key], want[key]) for key in want)
    return bool(have == want)


def _compare_paths(what: str, wanted: list[dict[str, Any]], seen: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for entry in wanted:
        path, have = entry["path"], seen[entry["path"]]
        if entry.get("state") == "absent":
            if have is not None:
                found.append(_drift(what, path, "present", "absent"))
            continue
        if have is None:
            found.append(_drift(what, path, "absent", "present"))
            continue
        if have["kind"] != what:
            found.append(_drift(what, path, have["kind"], what))
            continue
        if "merge_json" in entry:
            if not json_covers(have["json"], entry["merge_json"]):
                found.append(_drift(what, path, "lacks wanted settings", "merged"))
        elif "sha256" in entry and have["sha256"] != entry["sha256"]:
            found.append(_drift(what, path, f"content {have['sha256'][:12]}", f"content {entry['sha256'][:12]}"))
        for key in ("owner", "group", "mode"):
            if entry.get(key) and str(entry[key]) not in (have[key], have.get(f"{key}_id")):
                found.append(_drift(what, path, f"{key} {have[key]}", f"{key} {entry[key]}"))
    return found


def _compare_units(wanted: list[dict[str, Any]], seen: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for unit in wanted:
        have = seen.get(unit["name"], {})
        enabled = have.get("UnitFileState") in ("enabled", "static", "alias", "generated")
        active = have.get("ActiveState") in ("active", "activating", "reloading")
        if "enabled" in unit and enabled != unit["enabled"]:
            found.append(
                _drift(
                    "unit",
                    unit["name"],
                    have.get("UnitFileState") or "absent",
                    "enabled" if unit["enabled"] else "disabled",
                )
            )
        if "active" in unit and active != unit["active"]:
            found.append(
                _drift(
                    "unit", unit["name"], have.get("ActiveState") or "absent", "active" if unit["active"] else "stopped"
                )
            )
    return found


def _compare_containers(wanted: list[dict[str, Any]], seen: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for container in wanted:
        have = seen[container["name"]]
        if have is None:
            found.append(_drift("container", container["name"], "absent", "running"))
        elif have["spec"] != container["spec"]:
            found.append(
                _drift(
                    "container",
                    container["name"],
                    f"specification {str(have['spec'])[:12]}",
                    f"specification {container['spec'][:12]}",
                )
            )
        elif have["status"] not in ("running", "restarting"):
            found.append(_drift("container", container["name"], have["status"], "running"))
    return found


def _compare_swarm(wanted: dict[str, Any], seen: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    if seen["state"] != "active":
        return [_drift("swarm", "membership", seen["state"], "active")]
    if seen["manager"] != wanted["manager"]:
        role = {True: "manager", False: "worker"}
        found.append(_drift("swarm", "role", role[seen["manager"]], role[wanted["manager"]]))
    for node_id, labels in (wanted.get("node_labels") or {}).items():
        have = (seen.get("nodes") or {}).get(node_id)
        if have is None:
            found.append(_drift("swarm node", node_id, "not a member", "member"))
        elif {name: value for name, value in have["labels"].items() if name != OUT_FOR_LABEL} != labels:
            found.append(_drift("swarm node", node_id, f"labels {sorted(have['labels'])}", f"labels {sorted(labels)}"))
    for network in wanted.get("networks") or []:
        if network not in (seen.get("networks") or []):
            found.append(_drift("overlay network", network, "absent", "present"))
    return found


def _compare_services(wanted: list[dict[str, Any]], seen: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for service in wanted:
        have = seen.get(service["name"])
        if have is None:
            found.append(_drift("service", service["name"], "absent", service["image"]))
        elif have["image"] != service["image"]:
            found.append(_drift("service", service["name"], have["image"], service["image"]))
        elif have["labels"].get(SPEC_LABEL) != service["spec"]:
            found.append(_drift("service", service["name"], "another configuration", "the rendered configuration"))
        elif not have.get("as_released", True):
            found.append(_drift("service", service["name"], "changed by hand", "as it was released"))
        elif "replicas" in service:
            # A number that the playbook scale has set outlives a deploy.
            replicas = int(have["labels"].get(SCALED_LABEL, service["replicas"]))
            if have["replicas"] != replicas:
                found.append(_drift("service", service["name"], f"{have['replicas']} replicas", f"{replicas} replicas"))
    names = {service["name"] for service in wanted}
    return found + [
        _drift("service", name, have["image"], "absent") for name, have in seen.items() if name not in names
    ]


def _compare_nftables(seen: dict[str, Any], wanted: dict[str, Any]) -> list[dict[str, str]]:
    name = f"{wanted['family']} {wanted['table']}"
    if wanted.get("state") == "absent":
        return [_drift("firewall table", name, "loaded", "absent")] if seen["loaded"] else []
    if not seen["loaded"]:
        return [_drift("firewall table", name, "not loaded", "loaded")]
    if seen["listing"] != seen["recorded"]:
        return [_drift("firewall table", name, "not what was loaded", "as rendered")]
    return []


def compare(wanted: State, seen: State) -> list[dict[str, str]]:
    """Return every difference as ``{what, name, now, then}``, in the order in which a role would mend it.

    Values of files never appear, only the first 12 characters of their SHA-256.
    """
    found: list[dict[str, str]] = []
    if "packages" in seen:
        found += _compare_packages(wanted["packages"], seen["packages"])
    if "directories" in seen:
        found += _compare_paths("directory", wanted["directories"], seen["directories"])
    if "files" in seen:
        found += _compare_paths("file", wanted["files"], seen["files"])
    if "sysctls" in seen:
        found += [
            _drift("sysctl", name, str(seen["sysctls"][name]), str(value))
            for name, value in wanted["sysctls"].items()
            if seen["sysctls"][name] != str(value)
        ]
    if "units" in seen:
        found += _compare_units(wanted["units"], seen["units"])
    if "containers" in seen:
        found += _compare_containers(wanted["containers"], seen["containers"])
    if "swarm" in seen:
        found += _compare_swarm(wanted["swarm"], seen["swarm"])
    if "services" in seen:
        found += _compare_services(wanted["services"], seen["services"])
    if "nftables" in seen:
        found += _compare_nftables(seen["nftables"], wanted["nftables"])
    return found


def main(parameters: dict[str, Any]) -> dict[str, Any]:
    """Entry point of both transports.

    :param parameters: ``{wanted}``.
    :returns: ``{found, seen}`` (``seen``: what roles use), or ``{error: reason}`` where a Swarm without a leader was asked for services.
    """
    wanted = parameters["wanted"]
    try:
        seen = observe(wanted)
    except NoLeaderError as error:
        return {"error": str(error)}
    return {
        "found": compare(wanted, seen),
        "seen": {key: seen[key] for key in ("packages", "swarm", "services") if key in seen},
    }
