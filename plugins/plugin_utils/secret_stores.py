# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stores of secrets by the names that ``config_secret_store`` gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.parsing.vault import VaultLib
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import SecretStore
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_file import FileStore, VaultFile

SERVERS = ("aws", "vault")
# What a module takes as `store`; documented in doc_fragments/secret_store.py.
STORE_SPEC = {
    "type": "dict",
    "default": {},
    "apply_defaults": True,
    "options": {
        "kind": {"choices": ["file", *SERVERS], "default": "file"},
        "path": {"type": "path"},
        "prefix": {"type": "str", "default": "halobuzz"},
        "region": {"type": "str", "default": ""},
        "mount": {"type": "str", "default": "secret"},
        "endpoint": {"type": "str", "default": ""},
    },
}


def open_store(options: dict[str, Any], vault: VaultLib) -> SecretStore:
    """Return a store; nothing is asked of it yet.

    :param options: as in :data:`STORE_SPEC`.
    :param vault: opens the vault file: the passwords of this run.
    :raises StoreError: its client library is not installed.
    """
    prefix, endpoint = options["prefix"], options["endpoint"] or None
    # Only what is asked for: the client libraries cost 0.3 s each.
    if options["kind"] == "aws":
        from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_aws import AwsStore

        return AwsStore(prefix, options["region"] or None, endpoint)
    if options["kind"] == "vault":
        from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_vault import VaultStore

        return VaultStore(prefix, options["mount"], endpoint)
    return FileStore(VaultFile(Path(options["path"]), vault))
