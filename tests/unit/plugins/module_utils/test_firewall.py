"""What the firewall lets in, and that nobody locks himself out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils._firewall import (
    FirewallRefused,
    address_sets,
    check_controller,
    check_uplinks,
    parse_connection,
    port_sets,
    uplinks,
)

ALLOWED: dict[str, Any] = {"trusted": ["10.0.0.0/24"], "management": [], "ssh_ports": ["22"], "public_ports": [80]}


def allowed(**changes: Any) -> dict[str, Any]:
    return {**ALLOWED, **changes}


def test_addresses_are_sorted_by_family_without_overlaps() -> None:
    assert address_sets(["10.0.0.9", "10.0.0.0/24", "2001:db8::1", "192.0.2.1", "10.0.1.0/24"]) == {
        "ipv4": ["10.0.0.0/23", "192.0.2.1"],
        "ipv6": ["2001:db8::1"],
    }


def test_order_of_addresses_does_not_matter() -> None:
    assert address_sets(["10.0.0.2", "10.0.0.9"]) == address_sets(["10.0.0.9", "10.0.0.2", "10.0.0.9"])


@pytest.mark.parametrize("text", ["office.example", "10.0.0.256", "", "10.0.0.1; flush ruleset", "10.0.0.1/33"])
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(FirewallRefused, match="is no IP address"):
        address_sets([text])


def test_ports_are_merged_by_protocol() -> None:
    assert port_sets([443, "80", "81/tcp", "3478/udp", "100-200/udp", "150-300/udp"]) == {
        "tcp": ["80-81", "443"],
        "udp": ["100-300", "3478"],
    }


@pytest.mark.parametrize("text", ["http", "0", "65536", "90-80", "80/sctp", "80,81", "-1", "80 accept"])
def test_what_is_no_port_is_refused_by_name(text: str) -> None:
    with pytest.raises(FirewallRefused, match="is no port"):
        port_sets([text])


@pytest.mark.parametrize(
    ("connection", "rules"),
    [
        ("198.51.100.7 50000 10.0.0.11 22", allowed()),
        ("198.51.100.7 50000 10.0.0.11 22", allowed(management=["198.51.100.0/24"])),
        ("::ffff:198.51.100.7 50000 ::ffff:10.0.0.11 22", allowed(management=["198.51.100.7"])),
        ("fe80::1%eth0 50000 fe80::2%eth0 22", allowed(management=["fe80::/10"])),
        ("10.0.0.12 50000 10.0.0.11 2222", allowed(management=["198.51.100.0/24"])),
        ("198.51.100.7 50000 10.0.0.11 80", allowed(management=["203.0.113.0/24"])),
        ("", allowed(management=["203.0.113.0/24"])),
    ],
)
def test_a_controller_that_is_let_in_passes(connection: str, rules: dict[str, Any]) -> None:
    check_controller(parse_connection(connection), rules)


@pytest.mark.parametrize(
    ("connection", "rules", "variable"),
    [
        (
            "198.51.100.7 50000 10.0.0.11 22",
            allowed(management=["203.0.113.0/24"]),
            "198.51.100.7.*firewall_management_addresses",
        ),
        ("2001:db8::7 50000 2001:db8::1 22", allowed(management=["203.0.113.0/24"]), "firewall_management_addresses"),
        ("198.51.100.7 50000 10.0.0.11 2222", allowed(), "SSH port 2222.*firewall_ssh_ports"),
    ],
)
def test_a_controller_that_would_be_shut_out_is_told_why(connection: str, rules: dict[str, Any], variable: str) -> None:
    with pytest.raises(FirewallRefused, match=variable):
        check_controller(parse_connection(connection), rules)


ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100530A\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0
"""
ROUTES_IPV6 = (
    "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
    "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "fe800000000000000000000000000001 00000400 00000001 00000000 00000003     br-wan\n"
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"
)


def test_uplinks_are_the_interfaces_with_a_default_route() -> None:
    assert uplinks(ROUTES, ROUTES_IPV6) == {"eth0", "br-wan"}
    assert uplinks("", "") == set()


def test_a_trusted_uplink_is_refused() -> None:
    check_uplinks({"eth0"}, ["docker0", "br-*"])
    with pytest.raises(FirewallRefused, match=r"br-wan has the default route.*'br-\*'"):
        check_uplinks({"eth0", "br-wan"}, ["docker0", "br-*"])
