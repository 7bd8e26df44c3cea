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

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.module_utils._mongodb import Member, ReplicaSet, plan

try:
    from pymongo import MongoClient
    from pymongo.errors import OperationFailure, PyMongoError

    PYMONGO_FOUND = True
except ImportError:
    PYMONGO_FOUND = False


class MongodbDrift:
    """Reads the set through pymongo and leaves judging to module_utils/_mongodb.py."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.timeout_ms = module.params["timeout_seconds"] * 1000

    def client(self, address: str, **credentials: Any) -> Any:
        """Return a client of one member, not of the whole set."""
        return MongoClient(
            address,
            directConnection=True,
            serverSelectionTimeoutMS=self.timeout_ms,
            connectTimeoutMS=self.timeout_ms,
            socketTimeoutMS=self.timeout_ms,
            **credentials,
        )

    def read_member(self, address: str) -> Member:
        """Ask one member who it is; ``hello`` needs no login."""
        try:
            hello = self.client(address).admin.command("hello")
        except PyMongoError as error:
            return Member(address, False, error=type(error).__name__)
        return Member(address, True, hello.get("setName", ""), hello.get("primary", ""))

    def password_ok(self, address: str, user: str, password: str) -> bool:
        """Say whether a user can log in."""
        try:
            self.client(address, username=user, password=password, authSource="admin").admin.command("ping")
        except OperationFailure:
            return False
        return True

    def read(self) -> ReplicaSet:
        """Read membership, users, roles and passwords."""
        params = self.module.params
        with ThreadPoolExecutor(max_workers=16) as pool:
            seen = ReplicaSet(list(pool.map(self.read_member, params["members"])))
            if not seen.primary:
                return seen
            if not self.password_ok(seen.primary, params["admin_user"], params["admin_password"]):
                seen.admin = "refused"
                return seen
            seen.admin = "ok"
            admin = self.client(
                seen.primary, username=params["admin_user"], password=params["admin_password"], authSource="admin"
            ).admin
            config = admin.command("replSetGetConfig")["config"]
            seen.config_members = [member["host"] for member in config["members"]]
            present = {user["user"]: user["roles"] for user in admin.command("usersInfo")["users"]}
            asked = [user for user in params["users"] if user["name"] in present]
            right = pool.map(lambda user: self.password_ok(seen.primary, user["name"], user["password"]), asked)
            for user, password_ok in zip(asked, right, strict=True):
                seen.users[user["name"]] = {"roles": present[user["name"]], "password_ok": password_ok}
        return seen


def main() -> None:
    """Read, judge, return."""
    module = AnsibleModule(
        argument_spec={
            "members": {"type": "list", "elements": "str", "required": True},
            "replica_set": {"type": "str", "required": True},
            "admin_user": {"type": "str", "required": True},
            "admin_password": {"type": "str", "required": True, "no_log": True},
            "users": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "password": {"type": "str", "required": True, "no_log": True},
                    "roles": {"type": "list", "elements": "dict", "required": True},
                },
            },
            "timeout_seconds": {"type": "int", "default": 5},
        },
        supports_check_mode=True,
    )
    if not PYMONGO_FOUND:
        module.fail_json(msg=missing_required_lib("pymongo"))
    seen = MongodbDrift(module).read()
    found, problem = plan(seen, module.params["replica_set"], module.params["users"])
    if problem:
        failed = failure(ErrorCode.E_MONGODB, f"replica set {module.params['replica_set']}: {problem}")
        module.fail_json(**{key: value for key, value in failed.items() if key != "failed"})
    module.exit_json(
        changed=False,
        found=found,
        initiated=bool(seen.initiated),
        admin=seen.admin,
        primary=seen.primary,
        config_members=seen.config_members,
    )


if __name__ == "__main__":
    main()
