"""What the lab takes from the machine: packages, a Docker engine, package mirrors and trusted certificates."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .settings import CHECKOUT
from .shell import LabError, run, say, wait_until

# Command -> Debian package that brings it.
NEEDED_COMMANDS = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "git": "git",
    "openssl": "openssl",
    "npm": "npm",
    "go": "golang-go",
}
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_LOCAL_CA_DIR = Path("/usr/local/share/ca-certificates")
_DOCKER_PID_FILE = Path("/var/run/docker.pid")
# apt settings that decide whether the machine's mirror can be used at all.
_APT_OPTION = re.compile(r"^(Acquire::(?:Check-Valid-Until|Check-Date|https?::Proxy|Retries)\S*) \"(.*)\";$")


@dataclass(frozen=True)
class AptSource:
    """One archive of the machine's apt configuration."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """Configuration that host and service images inherit from the machine."""

    mirror: str
    security_mirror: str | None
    has_updates: bool
    apt_options: tuple[tuple[str, str], ...]
    pip_settings: tuple[tuple[str, str], ...]
    npm_registry: str | None
    certificates: tuple[tuple[str, str], ...] = field(repr=False)

    def apt_lines(self, suite: str) -> list[str]:
        """One-line apt sources for a Debian suite: main, updates and security as far as the machine has them."""
        lines = [f"deb {self.mirror} {suite} main"]
        if self.has_updates:
            lines.append(f"deb {self.mirror} {suite}-updates main")
        if self.security_mirror:
            lines.append(f"deb {self.security_mirror} {suite}-security main")
        return lines

    @property
    def fingerprint(self) -> str:
        """Hash of everything here that ends up inside an image."""
        return hashlib.sha256(repr((self, self.certificates)).encode()).hexdigest()

    def write_files(self, root: Path) -> None:
        """Write the files that make apt, pip and npm inside an image work as on the machine, below `root`."""
        files = {
            "etc/apt/apt.conf.d/80lab-machine": "".join(f'{name} "{value}";\n' for name, value in self.apt_options),
            "etc/pip.conf": "[global]\n" + "".join(f"{name} = {value}\n" for name, value in self.pip_settings),
            "etc/npmrc": f"cafile={CA_BUNDLE}\nfund=false\naudit=false\nupdate-notifier=false\n"
            + (f"registry={self.npm_registry}\n" if self.npm_registry else ""),
            **{f"usr/local/share/ca-certificates/{name}": text for name, text in self.certificates},
        }
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def parse_apt_sources(text: str, *, deb822: bool) -> list[AptSource]:
    """Read binary archives from apt's configuration, one-line (`deb URI SUITE COMPONENT…`) or deb822 form."""
    sources = []
    if not deb822:
        for line in text.splitlines():
            match = re.match(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)((?:\s+[^#\s]+)*)", line)
            if match:
                sources.append(AptSource(match[1].rstrip("/"), (match[2],), tuple(match[3].split())))
        return sources
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, list[str]] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and key:
                fields[key] += line.split()
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.split()
        if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"])[0] != "no":
            for uri in fields.get("uris", []):
                sources.append(
                    AptSource(uri.rstrip("/"), tuple(fields.get("suites", ())), tuple(fields.get("components", ())))
                )
    return sources


def _debian_archives(sources: list[AptSource]) -> tuple[str, str | None, bool]:
    """Main mirror, security mirror, and whether updates are used, from a Debian machine's sources."""
    debian = re.compile(r"^(bookworm|trixie|forky|sid|stable|testing)$")
    main = next((s.uri for s in sources if any(debian.match(x) for x in s.suites) and "main" in s.components), None)
    if main is None:
        raise LabError(
            "no Debian archive in /etc/apt/sources.list*: the lab takes its mirror from there; "
            "add a `deb MIRROR trixie main` line (a Debian mirror) and run the command again"
        )
    security = next((s.uri for s in sources if any(x.endswith("-security") for x in s.suites)), None)
    return main, security, any(x.endswith("-updates") for s in sources for x in s.suites)


def _pip_settings() -> dict[str, str]:
    """Index settings of the machine's pip. Local link folders are left out: they do not exist inside a host."""
    wanted = ("index-url", "extra-index-url", "trusted-host", "cert", "default-timeout", "timeout", "proxy")
    settings: dict[str, str] = {}
    listed = run(["python3", "-m", "pip", "config", "list"], check=False).stdout
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        name = name.rpartition(".")[2]
        if name in wanted:
            settings["timeout" if name == "default-timeout" else name] = value.strip("'\"")
    settings["cert"] = CA_BUNDLE
    return settings


@functools.cache
def read_machine() -> Machine:
    """Read the machine's package configuration. Raises LabError when it has no Debian archive."""
    sources: list[AptSource] = []
    parts = Path("/etc/apt/sources.list.d")
    for path in [Path("/etc/apt/sources.list"), *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]:
        if path.is_file():
            sources += parse_apt_sources(path.read_text(), deb822=path.suffix == ".sources")
    mirror, security, has_updates = _debian_archives(sources)
    options = []
    for line in run(["apt-config", "dump"]).stdout.splitlines():
        if match := _APT_OPTION.match(line):
            options.append((match[1], match[2]))
    registry = run(["npm", "config", "get", "registry"], check=False, cwd=Path("/")).stdout.strip()
    return Machine(
        mirror=mirror,
        security_mirror=security,
        has_updates=has_updates,
        apt_options=tuple(options),
        pip_settings=tuple(sorted(_pip_settings().items())),
        npm_registry=registry if registry.startswith("http") else None,
        certificates=tuple((path.name, path.read_text()) for path in sorted(_LOCAL_CA_DIR.glob("*.crt"))),
    )


def open_files_limit() -> int:
    """The machine's hard limit of open files, which no container can exceed without CAP_SYS_RESOURCE."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 1048576 if hard == resource.RLIM_INFINITY else hard


def install_packages() -> None:
    """Install what the lab needs and the machine lacks, with apt-get. Raises LabError when not root."""
    missing = sorted({package for command, package in NEEDED_COMMANDS.items() if shutil.which(command) is None})
    if run(["python3", "-m", "pip", "--version"], check=False).returncode != 0:
        missing.append("python3-pip")
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"missing packages: {' '.join(missing)}; run `apt-get install {' '.join(missing)}` as root")
    say(f"installing {' '.join(missing)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        run(["apt-get", "update", "-q"], env=quiet)
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
    if run(install, env=quiet, check=False).returncode != 0:
        # Old package lists name files that the mirror no longer has.
        run(["apt-get", "update", "-q"], env=quiet)
        run(install, env=quiet)


def engine_answers() -> bool:
    """Whether a Docker engine answers."""
    return run(["docker", "version", "--format", "{{.Server.Version}}"], check=False).returncode == 0


def start_engine() -> None:
    """Start a Docker engine in the background when none answers. Raises LabError with its log's name on failure."""
    if engine_answers():
        return
    if os.geteuid() != 0:
        raise LabError("no Docker engine answers, and starting one needs root; start it, or run the lab as root")
    if _DOCKER_PID_FILE.exists():
        pid = _DOCKER_PID_FILE.read_text().strip()
        comm = Path(f"/proc/{pid}/comm")
        if not (comm.exists() and comm.read_text().strip() == "dockerd"):
            _DOCKER_PID_FILE.unlink()
    log = CHECKOUT / ".lab" / "dockerd.log"
    log.parent.mkdir(exist_ok=True)
    say(f"starting dockerd, log in {log.relative_to(CHECKOUT)}")
    with log.open("ab") as out:
        subprocess.Popen(
            ["dockerd", "--storage-driver", "overlay2"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd="/",
        )
    wait_until("dockerd", engine_answers, seconds=40, hint=f"tail {log}")


def docker_json(*argv: str) -> list[dict[str, object]]:
    """Objects printed by a docker command with `--format '{{json .}}'`, one per line."""
    out = run(["docker", *argv, "--format", "{{json .}}"], check=False).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]
