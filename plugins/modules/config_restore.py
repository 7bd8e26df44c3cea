#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_restore
short_description: Bring a copy of the configuration back into the inventory
version_added: 0.1.0
description:
  - Compares a copy that a release has kept with what the inventory says, names what differs, writes the settings into a file of
    the inventory and the secrets into their store. The platform itself changes with the next deploy, which has its own plan,
    checks and way back.
  - Secrets that the copy does not have stay as they are. Settings become those of the copy.
  - It is an action on the controller. No host is touched. Values are never shown.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
  - halobuzz.platform.secret_store
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: The report names what changes; values have no diff.
options:
  copy:
    description: The copy, encrypted as it was kept. Without it, the file O(source) is read.
    type: str
  source:
    description: Where it is from, a file of the controller or a name for people.
    type: str
    required: true
  password:
    description: What it was encrypted with.
    type: str
    required: true
  settings:
    description: Plain settings of the inventory, values by name.
    type: dict
    default: {}
  secrets:
    description: Secret settings of the inventory, values by name.
    type: dict
    default: {}
  platform_secrets:
    description: The platform's own secrets in the inventory, by Ansible variable. Others are not brought back.
    type: dict
    default: {}
  settings_file:
    description: The file of the inventory that the settings are written to. It is replaced.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Bring a configuration back
  halobuzz.platform.config_restore:
    source: "{{ config_restore_from }}"
    password: "{{ config_backup_password }}"
    settings: "{{ config_environment }}"
    secrets: "{{ config_secrets }}"
    settings_file: "{{ inventory_dir }}/group_vars/all/zz_restored.yml"
    store: {path: "{{ inventory_dir }}/group_vars/all/vault.yml"}
  no_log: true
"""

RETURN = r"""
settings:
  description: Names of the settings that differ, with what becomes of each.
  returned: success
  type: dict
secrets:
  description: Names of the secrets that differ, with what becomes of each.
  returned: success
  type: dict
error_code:
  description: Why it failed, one of the documented codes.
  returned: failure
  type: str
  sample: E_CONFIG_COPY
"""
