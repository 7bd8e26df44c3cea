# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option by which modules are told where secrets are kept."""

from __future__ import annotations


class ModuleDocFragment:
    """The option ``store`` (plugin_utils/secret_stores.py)."""

    DOCUMENTATION = r"""
options:
  store:
    description: What keeps the secrets.
    type: dict
    default: {}
    suboptions:
      kind:
        description: A vault file, AWS Secrets Manager, or the KV engine of HashiCorp Vault or OpenBao.
        type: str
        choices: [file, aws, vault]
        default: file
      path:
        description: With O(store.kind=file), the vault file. It and its folder are created.
        type: path
      prefix:
        description: With another store than a file, what the names there begin with.
        type: str
        default: halobuzz
      region:
        description: With O(store.kind=aws), the region. Found as by every AWS tool where it is empty.
        type: str
        default: ""
      mount:
        description: With O(store.kind=vault), where the KV engine (version 2) is.
        type: str
        default: secret
      endpoint:
        description: Another address than Amazon's own, or than E(VAULT_ADDR).
        type: str
        default: ""
"""
