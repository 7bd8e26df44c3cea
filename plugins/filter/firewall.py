# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that bring the firewall's settings into nft's form: thin names for pure Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.halobuzz.platform.plugins.module_utils import _firewall


def _reporting(
    function: Callable[[list[Any]], dict[str, list[str]]],
) -> Callable[[list[Any], str], dict[str, list[str]]]:
    def named(values: list[Any], variable: str) -> dict[str, list[str]]:
        try:
            return function(values)
        except _firewall.FirewallRefused as refused:
            raise AnsibleFilterError(f"E_VARIABLES: {variable}: {refused}") from None

    return named


class FilterModule:
    """Registers the filters."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file by name."""
        return {"address_sets": _reporting(_firewall.address_sets), "port_sets": _reporting(_firewall.port_sets)}
