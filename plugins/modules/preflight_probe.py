#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_probe
short_description: Read a host for preflight, where pipelining is off
version_added: 0.1.0
description:
  - The second transport of M(halobuzz.platform.preflight_info), which calls it by itself where Ansible's pipelining is off.
    It judges nothing. Use M(halobuzz.platform.preflight_info).
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  probe:
    description: What to read, as preflight_info puts it together, with the user names by registry.
    type: dict
    required: true
  credentials:
    description: Passwords by registry.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Read whether the host can carry the platform
  halobuzz.platform.preflight_info:
    platform_name: halobuzz
    thresholds: "{{ preflight_thresholds.production }}"
    supported_os: "{{ preflight_supported_os }}"
"""

RETURN = r"""
facts:
  description: Everything that was read.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.halobuzz.platform.plugins.module_utils import _preflight_probe


def main() -> None:
    """Probe as an ordinary module."""
    module = AnsibleModule(
        argument_spec={
            "probe": {"type": "dict", "required": True},
            "credentials": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    users = module.params["probe"].get("users") or {}
    credentials = {address: [users[address], word] for address, word in module.params["credentials"].items()}
    module.exit_json(changed=False, **_preflight_probe.main({**module.params["probe"], "credentials": credentials}))


if __name__ == "__main__":
    main()
