"""The lab's hosts: containers with systemd, sshd and room for their own Docker engine."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .images import ImageCache
from .machine import docker_json, open_files_limit
from .settings import CHECKOUT, DEBIAN_SUITES, DOMAIN, MAX_HOSTS, Lab
from .shell import LabError, bind_mount, docker, run, say, wait_until

# --privileged is refused where CAP_SYS_RESOURCE is outside the bounding set, so they are listed one by one.
_CAPABILITIES = (
    "SYS_ADMIN NET_ADMIN NET_RAW SYS_PTRACE MKNOD AUDIT_WRITE DAC_READ_SEARCH SYS_CHROOT SYS_BOOT SYS_NICE IPC_LOCK "
    "LINUX_IMMUTABLE AUDIT_CONTROL SYSLOG SETPCAP SETFCAP"
).split()


def node_name(number: int) -> str:
    """Name of the host with this number, from 1."""
    return f"node{number}"


def debian_versions(text: str, hosts: int) -> list[str]:
    """Debian version per host from `13`, `12` or a list such as `13,13,12`; the last one repeats.

    Raises LabError for a version that the lab has no image for, or more versions than hosts.
    """
    versions = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [version for version in versions if version not in DEBIAN_SUITES]
    if unknown or not versions:
        raise LabError(f"--debian {text}: known versions are {', '.join(DEBIAN_SUITES)}, also as a list: 13,13,12")
    if len(versions) > hosts:
        raise LabError(f"--debian {text} names {len(versions)} hosts, --hosts says {hosts}; give one of both")
    return versions + [versions[-1]] * (hosts - len(versions))


def existing_hosts(lab: Lab) -> dict[str, dict[str, str]]:
    """Hosts that exist, by name: `state` (running, exited …), `debian`, `image`, `address`."""
    found: dict[str, dict[str, str]] = {}
    for row in docker_json("ps", "-a", "--filter", f"label=halobuzz.lab={lab.name}", "--filter", "label=halobuzz.node"):
        labels = dict(part.split("=", 1) for part in str(row["Labels"]).split(",") if "=" in part)
        number = labels["halobuzz.node"]
        found[node_name(int(number))] = {
            "state": str(row["State"]),
            "status": str(row["Status"]),
            "debian": labels["halobuzz.debian"],
            "image": str(row["Image"]),
            "address": lab.node_address(int(number)),
        }
    return dict(sorted(found.items(), key=lambda item: int(item[0].removeprefix("node"))))


def require_host(lab: Lab, name: str) -> dict[str, str]:
    """The host of this name. Raises LabError naming those that exist."""
    found = existing_hosts(lab)
    if name not in found:
        known = ", ".join(found) or "none; run `tests/lab/lab up`"
        raise LabError(f"no host {name!r} in lab {lab.name}; there are: {known}")
    return found[name]


def require_debian(name: str, present: dict[str, dict[str, str]], debian: str) -> None:
    """Raise LabError when this host exists with another Debian version."""
    if name in present and present[name]["debian"] != debian:
        raise LabError(
            f"{name} runs Debian {present[name]['debian']}, not {debian}; "
            f"run `tests/lab/lab reset --debian {debian}` for fresh hosts, or leave --debian out"
        )


def ensure_keys(lab: Lab) -> None:
    """Make the user's key, every possible host's key and known_hosts once: hosts keep their keys over `reset`."""
    folder = lab.ssh_dir
    known_hosts = folder / "known_hosts"
    if known_hosts.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    lines = []
    for name in ["id_ed25519", *(f"host_node{n}" for n in range(1, MAX_HOSTS + 1))]:
        (folder / name).unlink(missing_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{lab.name}-{name}", "-f", folder / name])
    for number in range(1, MAX_HOSTS + 1):
        public = (folder / f"host_node{number}.pub").read_text().split()
        lines.append(f"{lab.node_address(number)},node{number} {public[0]} {public[1]}")
    known_hosts.write_text("\n".join(lines) + "\n")


def ssh_options(lab: Lab) -> list[str]:
    """Options for ssh to a host of the lab, the user's key apart."""
    return [
        f"-oUserKnownHostsFile={lab.ssh_dir / 'known_hosts'}",
        "-oGlobalKnownHostsFile=/dev/null",
        "-oStrictHostKeyChecking=yes",
        "-oIdentitiesOnly=yes",
    ]


def ssh_command(lab: Lab, name: str) -> list[str]:
    """Words of `ssh` to a host as `ops`."""
    address = lab.node_address(int(name.removeprefix("node")))
    return ["ssh", *ssh_options(lab), "-i", str(lab.ssh_dir / "id_ed25519"), f"ops@{address}"]


def ensure_host(lab: Lab, cache: ImageCache, number: int, debian: str) -> str | None:
    """Create and start a host, or start it when it is stopped; done when ssh runs a command.

    A host that exists stays as it is, also when the image has changed since: `reset` renews it.
    """
    name = node_name(number)
    container = lab.container(name)
    present = existing_hosts(lab).get(name)
    if present and present["state"] == "running":
        _wait_for_ssh(lab, name, seconds=30)
        return None
    if not present:
        docker(*_create_words(lab, cache, number, debian))
        docker("cp", "-", f"{container}:/", stdin=_identity_archive(lab, name))
    docker("start", container)
    _wait_for_ssh(lab, name, seconds=60)
    if not present:
        docker("exec", container, "update-ca-certificates")
    return f"Debian {debian} at {lab.node_address(number)}, ssh answers"


def _create_words(lab: Lab, cache: ImageCache, number: int, debian: str) -> list[str]:
    """Words of `docker create` for a host."""
    name = node_name(number)
    limit = open_files_limit()
    words = ["create", "--name", lab.container(name), "--hostname", name, "--network", lab.prefix]
    words += ["--ip", lab.node_address(number), "--restart", "unless-stopped"]
    words += ["--label", f"halobuzz.lab={lab.name}", "--label", f"halobuzz.node={number}"]
    words += ["--label", f"halobuzz.debian={debian}", "--label", f"halobuzz.lab.owner={lab.owner}"]
    words += [word for capability in _CAPABILITIES for word in ("--cap-add", capability)]
    for option in ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"):
        words += ["--security-opt", option]
    words += ["--device-cgroup-rule", "a *:* rwm", "--cgroupns=host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    words += ["--tmpfs", "/run:exec,mode=755", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec,mode=1777"]
    words += ["-v", f"{lab.container(name)}-docker:/var/lib/docker"]
    words += ["--mount", bind_mount(lab.state_dir / "resolv.conf", "/etc/resolv.conf")]
    for service in ("registry", "git", "s3"):
        words += ["--add-host", f"{service}.{DOMAIN}:{lab.service_addresses[service]}"]
    words += ["--ulimit", f"nofile={limit}:{limit}"]
    return [*words, cache.tag(f"host-{DEBIAN_SUITES[debian]}")]


def _identity_archive(lab: Lab, name: str) -> bytes:
    """Tar with what makes a host this host: its SSH key, the user's authorized key, the lab's authority."""
    files: list[tuple[str, Path, int, int]] = [
        ("etc/ssh/ssh_host_ed25519_key", lab.ssh_dir / f"host_{name}", 0o600, 0),
        ("etc/ssh/ssh_host_ed25519_key.pub", lab.ssh_dir / f"host_{name}.pub", 0o644, 0),
        ("home/ops/.ssh/authorized_keys", lab.ssh_dir / "id_ed25519.pub", 0o600, 1000),
        ("usr/local/share/ca-certificates/halobuzz-lab.crt", lab.ca_dir / "ca.crt", 0o644, 0),
    ]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, source, mode, owner in files:
            content = source.read_bytes()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, owner, owner
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _port_open(address: str) -> bool:
    """Whether an SSH server greets at this address."""
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _wait_for_ssh(lab: Lab, name: str, *, seconds: float) -> None:
    """Wait until `ssh NODE true` works. Raises LabError with where to look."""
    hint = f"docker logs {lab.container(name)}"
    address = lab.node_address(int(name.removeprefix("node")))
    wait_until(f"sshd of {name}", lambda: _port_open(address), seconds=seconds, hint=hint)
    words = [*ssh_command(lab, name)[:-1], "-oBatchMode=yes", "-oConnectTimeout=5", f"ops@{address}", "true"]
    wait_until(
        f"ssh to {name}",
        lambda: run(words, check=False).returncode == 0,
        seconds=seconds,
        hint=f"tests/lab/lab ssh {name}",
    )


def remove_hosts(lab: Lab) -> int:
    """Remove all hosts and their volumes; return how many there were."""
    names = list(existing_hosts(lab))
    # One process each: the engine removes them side by side, a single `docker rm` one after the other.
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda name: docker("rm", "-f", "-v", lab.container(name)), names))
    volumes = docker("volume", "ls", "-q", "--filter", f"name=^{lab.prefix}-node[0-9]+-docker$").split()
    if volumes:
        docker("volume", "rm", "-f", *volumes)
    return len(names)


def remove_containers(lab: Lab) -> tuple[int, int]:
    """Remove hosts, services and all their volumes, whichever checkout made them; return how many hosts and services."""
    removed = remove_hosts(lab)
    containers = docker("ps", "-aq", "--filter", f"label=halobuzz.lab={lab.name}").split()
    if containers:
        docker("rm", "-f", "-v", *containers)
    volumes = docker("volume", "ls", "-q", "--filter", f"label=halobuzz.lab={lab.name}").split()
    if volumes:
        docker("volume", "rm", "-f", *volumes)
    return removed, len(containers)


def foreign_containers(lab: Lab) -> dict[str, str]:
    """Containers of this lab's name that it did not make: container name and the checkout that did (empty: unknown)."""
    rows = docker_json("ps", "-a", "--filter", f"label=halobuzz.lab={lab.name}")
    found = {}
    for row in rows:
        labels = dict(part.split("=", 1) for part in str(row["Labels"]).split(",") if "=" in part)
        owner = labels.get("halobuzz.lab.owner", "")
        if owner != lab.owner:
            found[str(row["Names"])] = owner.partition(f"{os.sep}.lab")[0]
    return found


def take_over(lab: Lab, *, allowed: bool) -> None:
    """Remove this lab when another checkout made it and `allowed`; else raise LabError naming it.

    With its volumes: the S3 server's hold the keys of the other checkout.
    """
    foreign = foreign_containers(lab)
    if not foreign:
        return
    other = next(iter(foreign.values()))
    if not allowed and other not in ("", str(CHECKOUT)) and Path(other).is_dir():
        raise LabError(
            f"lab {lab.name} belongs to the checkout {other}; run `{other}/tests/lab/lab destroy` there, "
            "`tests/lab/lab up --take-over` to remove it from here, or choose another name: LAB_NAME=mine"
        )
    say(f"removing the lab that {other or 'an unknown checkout'} left behind")
    remove_containers(lab)
