#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongodb_drift
short_description: Compare a MongoDB replica set and its users with what is wanted
version_added: 0.1.0
description:
  - Asks every member at once, then the primary, and returns every difference in membership, users, roles and passwords
    (tried by logging in). It writes nothing.
  - Where stock modules fall short. M(community.mongodb.mongodb_user) cannot tell whether a password is right and reports
    C(changed) on every run, and one call per user costs more than this whole read.
  - The changes themselves are made by M(community.mongodb.mongodb_replicaset) and M(community.mongodb.mongodb_user).
author: HaloBuzz platform team (@halobuzz)
requirements: [pymongo >= 4]
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  members:
    description: Addresses of the wanted members, as C(host:port).
    type: list
    elements: str
    required: true
  replica_set:
    description: Name of the replica set.
    type: str
    required: true
  admin_user:
    description: Name of the administrator.
    type: str
    required: true
  admin_password:
    description: Password of the administrator.
    type: str
    required: true
  users:
    description: The wanted users, all in the database C(admin).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: User name.
        type: str
        required: true
      password:
        description: Password.
        type: str
        required: true
      roles:
        description: Roles, each with C(role) and C(db).
        type: list
        elements: dict
        required: true
  timeout_seconds:
    description: Time that a member has to answer.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Compare the replica set with what is wanted
  halobuzz.platform.mongodb_drift:
    members: ["10.0.0.1:27017"]
    replica_set: halobuzz
    admin_user: halobuzz_admin
    admin_password: "{{ mongodb_admin_password }}"
  register: __mongodb_set
"""

RETURN = r"""
found:
  description: Every difference, as M(halobuzz.platform.drift) returns them.
  returned: success
  type: list
  elements: dict
initiated:
  description: Whether the replica set exists.
  returned: success
  type: bool
admin:
  description: Whether the administrator could log in, V(ok), V(refused) or V(unknown).
  returned: success
  type: str
primary:
  description: Address of the primary, as C(host:port).
  returned: success
  type: str
config_members:
  description: Addresses in the replica set's configuration.
  returned: success
  type: list
  elements: str
error_code:
  description: A documented code where the task failed.
  returned: failure
  type: str
  sample: E_MONGODB
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.halobuzz.platform.plugins.module_utils import _mongodb_state


def main() -> None:
    """Read, judge, return."""
    module = AnsibleModule(argument_spec=_mongodb_state.argument_spec(), supports_check_mode=True)
    answer = _mongodb_state.main(module.params)
    if answer.get("failed"):
        module.fail_json(**{key: value for key, value in answer.items() if key != "failed"})
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
