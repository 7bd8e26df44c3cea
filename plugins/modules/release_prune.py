#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_prune
short_description: Remove what no kept release needs
version_added: 0.1.0
description:
  - Removes files of old releases, images of old releases on this host, and versioned Swarm secrets and configs.
  - What is in use stays, whatever the lists say.
  - Where stock modules fall short. M(community.docker.docker_prune) knows what is unused, not what a rollback would need.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  releases:
    description: Folders named by the number of the release.
    type: dict
    suboptions:
      directory:
        description: Where they are.
        type: path
        required: true
      keep:
        description: Numbers that stay.
        type: list
        elements: int
        required: true
  images:
    description: Images of this host.
    type: dict
    suboptions:
      repositories:
        description: Repositories that belong to the platform; no other image is touched.
        type: list
        elements: str
        required: true
      keep:
        description: References with digest that stay.
        type: list
        elements: str
        required: true
  objects:
    description: Secrets and configs of the Swarm; this host must be a manager.
    type: dict
    suboptions:
      stack:
        description: Name of the stack; only names of its versioned objects count.
        type: str
        required: true
      keep:
        description: Names that stay.
        type: list
        elements: str
        required: true
"""

EXAMPLES = r"""
- name: Remove the files of old releases
  halobuzz.platform.release_prune:
    releases:
      directory: /var/lib/halobuzz/stack/releases
      keep: [7, 8, 9]
"""

RETURN = r"""
removed:
  description: What was removed, one text each.
  returned: success
  type: list
  elements: str
  sample: [release 6, image registry.example.org/halobuzz/backend@sha256:…]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.halobuzz.platform.plugins.module_utils import _release_prune


def main() -> None:
    """Remove and report."""
    texts = {"type": "list", "elements": "str", "required": True}
    name = {"type": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            "releases": {
                "type": "dict",
                "options": {
                    "directory": {"type": "path", "required": True},
                    "keep": {"type": "list", "elements": "int", "required": True},
                },
            },
            "images": {"type": "dict", "options": {"repositories": texts, "keep": texts}},
            "objects": {"type": "dict", "options": {"stack": name, "keep": texts}},
        },
        supports_check_mode=True,
    )
    removed = _release_prune.prune(module.params, module.check_mode)
    module.exit_json(changed=bool(removed), removed=removed)


if __name__ == "__main__":
    main()
