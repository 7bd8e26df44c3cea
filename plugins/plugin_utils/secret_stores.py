# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stores of secrets that a server keeps, by the name that ``config_secret_store`` gives them."""

from __future__ import annotations

from typing import Any

from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import SecretStore

STORES = ("aws", "vault")


def open_store(name: str, options: dict[str, Any]) -> SecretStore:
    """Return a store; nothing is asked of it yet.

    :param name: one of :data:`STORES`.
    :param options: ``prefix``; for AWS ``region``; for Vault ``mount``; ``endpoint`` for another address than the usual one.
    :raises StoreError: its client library is not installed.
    """
    # Only the one that is asked for: the client libraries cost 0.3 s each.
    if name == "aws":
        from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_aws import AwsStore

        return AwsStore(options["prefix"], options["region"] or None, options["endpoint"] or None)
    from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_vault import VaultStore

    return VaultStore(options["prefix"], options["mount"], options["endpoint"] or None)
