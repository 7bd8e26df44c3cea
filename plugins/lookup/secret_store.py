# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of the store that the inventory names."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secret_store
author: HaloBuzz platform team (@halobuzz)
short_description: Read secrets from AWS Secrets Manager, HashiCorp Vault or OpenBao
version_added: 0.1.0
description:
  - Returns current values. Without a term, all settings of the application (names in capitals) as one dictionary, for C(config_secrets).
  - Where P(amazon.aws.secretsmanager_secret#lookup) and P(community.hashi_vault.vault_kv2_get#lookup) fall short. They read one
    secret per call. This one reads all below a prefix at once, and tells wrong credentials, a right that is lacking, no connection
    and throttling apart.
  - Secrets in a vault file need no lookup, they are variables.
options:
  _terms:
    description: Names of secrets.
    type: list
    elements: str
  store:
    description: What keeps them, V(aws) or V(vault).
    type: str
    vars:
      - name: config_secret_store
  prefix:
    description: What the names in the store begin with.
    type: str
    default: halobuzz
    vars:
      - name: config_secret_store_prefix
  region:
    description: With O(store=aws), the region. Found as by every AWS tool where it is not set.
    type: str
    vars:
      - name: config_secret_store_region
  mount:
    description: With O(store=vault), where the KV engine (version 2) is.
    type: str
    default: secret
    vars:
      - name: config_secret_store_mount
  endpoint:
    description: Another address than Amazon's own, or than E(VAULT_ADDR).
    type: str
    vars:
      - name: config_secret_store_endpoint
"""

EXAMPLES = r"""
- name: All settings of the application, in group_vars
  ansible.builtin.set_fact:
    config_secrets: "{{ lookup('halobuzz.platform.secret_store') }}"
    mongodb_admin_password: "{{ lookup('halobuzz.platform.secret_store', 'mongodb_admin_password') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: One value per term; without terms one dictionary.
  type: list
  elements: raw
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.parsing.vault import VaultLib
from ansible.plugins.lookup import LookupBase
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import StoreError
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_stores import SERVERS, open_store


class LookupModule(LookupBase):
    """Read the store once per call."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """Return current values.

        :raises AnsibleLookupError: the store does not answer, or has no current value of a name.
        """
        self.set_options(var_options=variables, direct=kwargs)
        # An option that comes from a variable comes as it is written there.
        names = ("store", "prefix", "region", "mount", "endpoint")
        options = {name: self._templar.template(self.get_option(name) or "") for name in names}
        kind = options.pop("store")
        if kind not in SERVERS:
            raise AnsibleLookupError(
                f"config_secret_store is {kind or 'not set'}; a lookup can ask {' or '.join(SERVERS)}. Secrets in a vault file need no lookup"
            )
        try:
            secrets = open_store({**options, "kind": kind}, VaultLib()).read()
        except StoreError as error:
            raise AnsibleLookupError(str(error)) from None
        values = {name: versions.current.value for name, versions in secrets.items() if versions.current}
        if not terms:
            return [{name: value for name, value in values.items() if name.isupper()}]
        missing = [name for name in terms if name not in values]
        if missing:
            raise AnsibleLookupError(f"{options['prefix']} has no {', '.join(missing)}. Next: make setup-env")
        return [values[name] for name in terms]
