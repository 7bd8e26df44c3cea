# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall lets in: addresses and ports in nft's own form, and whether the controller is among those let in. Pure."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Union

_PORTS = re.compile(r"^(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp))?$")
Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]  # noqa: UP007 (evaluated: ansible-test judges by Python 3.9)


class FirewallRefused(Exception):
    """A setting that cannot become a rule, or rules that must not be loaded. The text is safe to print."""


@dataclass(frozen=True)
class Connection:
    """The SSH connection that a task came by: ``SSH_CONNECTION``, whose four fields ssh(1) documents."""

    client: str
    client_port: int
    server: str
    server_port: int


def parse_connection(text: str) -> Connection | None:
    """Read ``SSH_CONNECTION``; an empty text (no SSH: connection ``local``) is None."""
    fields = text.split()
    if len(fields) != 4:
        return None
    return Connection(fields[0], int(fields[1]), fields[2], int(fields[3]))


def address_sets(addresses: list[str]) -> dict[str, list[str]]:
    """Sort addresses and networks into ``{ipv4, ipv6}``, without overlaps (nft refuses those), in a fixed order.

    :raises FirewallRefused: naming what is no address. Host names are refused: a rule must not hang on DNS.
    """
    networks: dict[int, list[Any]] = {4: [], 6: []}
    for text in addresses:
        try:
            network = ipaddress.ip_network(str(text).strip(), strict=False)
        except ValueError:
            raise FirewallRefused(f"{text!r} is no IP address or network") from None
        networks[network.version].append(network)

    def rendered(version: int, longest: int) -> list[str]:
        merged = ipaddress.collapse_addresses(networks[version])
        return [str(net.network_address) if net.prefixlen == longest else str(net) for net in merged]

    return {"ipv4": rendered(4, 32), "ipv6": rendered(6, 128)}


def port_sets(ports: list[str | int]) -> dict[str, list[str]]:
    """Sort ``80``, ``443/tcp``, ``3478/udp`` and ``49152-65535/udp`` into ``{tcp, udp}``, merged where they touch.

    :raises FirewallRefused: naming what is no port.
    """
    ranges: dict[str, list[tuple[int, int]]] = {"tcp": [], "udp": []}
    for text in ports:
        match = _PORTS.match(str(text).strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if match is None or not 1 <= first <= last <= 65535:
            raise FirewallRefused(f"{text!r} is no port; write 443, 3478/udp or 49152-65535/udp")
        ranges[match[3] or "tcp"].append((first, last))

    def rendered(protocol: str) -> list[str]:
        merged: list[tuple[int, int]] = []
        for first, last in sorted(ranges[protocol]):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return [str(first) if first == last else f"{first}-{last}" for first, last in merged]

    return {"tcp": rendered("tcp"), "udp": rendered("udp")}


def _plain_address(text: str) -> Address:
    address = ipaddress.ip_address(text.split("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _within(address: Address, networks: list[str]) -> bool:
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)


def _port_open(port: int, ports: list[str | int]) -> bool:
    spans = [span.split("-") for span in port_sets(ports)["tcp"]]
    return any(int(span[0]) <= port <= int(span[-1]) for span in spans)


def check_controller(connection: Connection | None, allowed: dict[str, Any]) -> None:
    """Refuse rules that would shut out the connection by which they are being loaded.

    :param connection: of the present task; None (no SSH) is never shut out.
    :param allowed: ``{trusted, management, ssh_ports, public_ports}``, what the rules let in; ``management`` empty: all.
    :raises FirewallRefused: saying who would be shut out and which variable lets them in.
    """
    if connection is None:
        return
    client = _plain_address(connection.client)
    if _within(client, allowed["trusted"]) or _port_open(connection.server_port, allowed["public_ports"]):
        return
    if not _port_open(connection.server_port, allowed["ssh_ports"]):
        raise FirewallRefused(
            f"you came in by SSH port {connection.server_port}, which the rules would close; "
            f"firewall_ssh_ports is {allowed['ssh_ports']}"
        )
    if allowed["management"] and not _within(client, allowed["management"]):
        raise FirewallRefused(
            f"you came in from {client}, which the rules would shut out; "
            f"firewall_management_addresses is {allowed['management']}"
        )


def uplinks(ipv4_routes: str, ipv6_routes: str) -> set[str]:
    """Return the interfaces with a default route.

    :param ipv4_routes: text of /proc/net/route (proc_pid_net(5)): interface, destination, …, mask as the 8th field.
    :param ipv6_routes: text of /proc/net/ipv6_route: destination, prefix length, …, interface last.
    """
    found = set()
    for line in ipv4_routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == fields[7] == "00000000":
            found.add(fields[0])
    for line in ipv6_routes.splitlines():
        fields = line.split()
        if len(fields) == 10 and fields[0] == "0" * 32 and fields[1] == "00" and fields[9] != "lo":
            found.add(fields[9])
    return found


def check_uplinks(interfaces: set[str], trusted: list[str]) -> None:
    """Refuse rules that trust an interface which faces the outside.

    :param interfaces: those with a default route.
    :param trusted: names as nft reads them, with a ``*`` at the end at most.
    :raises FirewallRefused: naming the interface.
    """
    for interface in sorted(interfaces):
        for pattern in trusted:
            if fnmatch.fnmatchcase(interface, pattern):
                raise FirewallRefused(
                    f"{interface} has the default route and is trusted by {pattern!r} of firewall_trusted_interfaces: "
                    "everything would be let in"
                )
