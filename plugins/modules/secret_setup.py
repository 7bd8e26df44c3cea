#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_setup
short_description: Create or complete the store of a platform's secrets
version_added: 0.1.0
description:
  - Makes every secret that chance can make and that is missing or a placeholder, and lists what a person has to bring and where to
    get it. What is set already is never changed.
  - The store is a file, encrypted with the vault password of this run, AWS Secrets Manager, or the KV engine of
    HashiCorp Vault or OpenBao.
  - It is an action on the controller. No host is touched. Values are never shown, nor kept in a fact.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
  - halobuzz.platform.secret_store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: The report names what is generated; values have no diff.
options:
  recipes:
    description: How to make each secret of the platform itself, by Ansible variable.
    type: dict
    required: true
  schema:
    description: Record by environment variable, see C(roles/config/vars/schema.yml).
    type: dict
    required: true
  environment:
    description: What the platform is for.
    type: str
    default: production
  settings:
    description: Plain settings, values by name. A feature that is off needs no secrets.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Complete the secrets
  halobuzz.platform.secret_setup:
    store: {path: "{{ inventory_dir }}/group_vars/all/vault.yml"}
    recipes: "{{ __config_platform_secrets }}"
    schema: "{{ __config_schema }}"
    settings: "{{ config_environment }}"
"""

RETURN = r"""
generated:
  description: Names of the secrets that were made.
  returned: success
  type: list
  elements: str
needed:
  description: Names of those that a person has to bring, with where to get them.
  returned: success
  type: dict
error_code:
  description: Why it failed, one of the documented codes.
  returned: failure
  type: str
  sample: E_VAULT
"""
