"""Names, addresses and paths of one lab instance."""

from __future__ import annotations

import os
import re
import secrets
import zlib
from dataclasses import dataclass
from pathlib import Path

from .shell import LabError

CHECKOUT = Path(__file__).resolve().parents[3]
LAB_SOURCES = Path(__file__).resolve().parents[1]
MAX_HOSTS = 20
DOMAIN = "halobuzz.lab"
REGISTRY_PORT = 5000
S3_PORT = 8080
S3_BUCKETS = ("halobuzz-media", "halobuzz-backup")
DEBIAN_SUITES = {"13": "trixie", "12": "bookworm"}

# Second number of an instance's network 10.N.0.0/24. Other names take a free one of a range that is below these and
# away from Docker's own 172.x pools, and keep it in their state folder.
_NETWORK_BY_NAME = {"halobuzz-lab": 99, "scratch": 98}
_OTHER_NETWORKS = range(64, 98)


@dataclass(frozen=True)
class Lab:
    """One lab instance, chosen by the environment variable LAB_NAME (default: the checkout's own lab)."""

    name: str
    prefix: str
    state_dir: Path
    inventory_dir: Path
    network_number: int

    @property
    def network_octets(self) -> str:
        """First three numbers of the /24, for instance `10.99.0`."""
        return f"10.{self.network_number}.0"

    @property
    def subnet(self) -> str:
        """The lab's network in CIDR form."""
        return f"{self.network_octets}.0/24"

    def address(self, last_number: int) -> str:
        """Address in the lab's network with this last number."""
        return f"{self.network_octets}.{last_number}"

    @property
    def service_addresses(self) -> dict[str, str]:
        """Addresses of the service containers by short name."""
        return {
            "registry": self.address(2),
            "git": self.address(3),
            "s3": self.address(4),
            "dns": self.address(5),
        }

    def node_address(self, number: int) -> str:
        """Address of host `node<number>`."""
        return self.address(10 + number)

    def container(self, name: str) -> str:
        """Container name of a host or service."""
        return f"{self.prefix}-{name}"

    @property
    def ssh_dir(self) -> Path:
        """Where the lab's SSH key, the hosts' keys and known_hosts are."""
        return self.state_dir / "ssh"

    @property
    def ca_dir(self) -> Path:
        """Where the lab's certificate authority and the registry's certificate are."""
        return self.state_dir / "ca"

    @property
    def owner(self) -> str:
        """Label of this lab's containers: the state folder and a random word kept in it.

        They mount keys and certificates of that folder, so a new clone at the same path cannot use them either.
        """
        path = self.state_dir / "identity"
        if not path.exists():
            self.state_dir.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets.token_hex(8))
        return f"{self.state_dir} {path.read_text()}"

    @property
    def cache_dir(self) -> Path:
        """What survives `destroy`: registry storage, downloads, built tools, fetched packages."""
        return self.state_dir / "cache"


def current_lab() -> Lab:
    """The lab that LAB_NAME names. Raises LabError for a name that cannot be a container name."""
    name = os.environ.get("LAB_NAME") or "halobuzz-lab"
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        raise LabError(f"LAB_NAME={name!r} is no usable name: lower-case letters, digits and dashes, at most 31")
    if name == "halobuzz-lab":
        return Lab(name, name, CHECKOUT / ".lab", CHECKOUT / "inventories" / "lab", _NETWORK_BY_NAME[name])
    state_dir = CHECKOUT / ".lab" / "other" / name
    kept = state_dir / "network"
    number = int(kept.read_text()) if kept.exists() else _NETWORK_BY_NAME.get(name) or network_candidates(name)[0]
    return Lab(name, f"halobuzz-{name}", state_dir, state_dir / "inventory", number)


def network_candidates(name: str) -> list[int]:
    """Network numbers that an instance may take, the one its name suggests first."""
    if name in _NETWORK_BY_NAME:
        return [_NETWORK_BY_NAME[name]]
    first = zlib.crc32(name.encode()) % len(_OTHER_NETWORKS)
    return [*_OTHER_NETWORKS[first:], *_OTHER_NETWORKS[:first]]


def shared_cache_dir() -> Path:
    """Downloads and built tools, the same for every instance of this checkout."""
    return CHECKOUT / ".lab" / "cache" / "build"
