# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a MongoDB replica set and its users through pymongo; what follows from it is in ``_mongodb.py``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.module_utils._mongodb import Member, ReplicaSet, plan

try:
    from pymongo import MongoClient
    from pymongo.errors import OperationFailure, PyMongoError

    PYMONGO_FOUND = True
except ImportError:
    PYMONGO_FOUND = False


def argument_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of ``mongodb_drift``."""
    return {
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
    }


class Reader:
    """Asks the members; ``parameters`` are the module's arguments."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters
        self.timeout_ms = parameters["timeout_seconds"] * 1000

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
        params = self.parameters
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


def main(parameters: dict[str, Any]) -> dict[str, Any]:
    """Entry point on a host: the module's arguments in, its result out."""
    if not PYMONGO_FOUND:
        return failure(ErrorCode.E_PYTHON_MISSING, "the platform's Python has no pymongo")
    seen = Reader(parameters).read()
    found, problem = plan(seen, parameters["replica_set"], parameters["users"])
    if problem:
        return failure(ErrorCode.E_MONGODB, f"replica set {parameters['replica_set']}: {problem}")
    return {
        "changed": False,
        "found": found,
        "initiated": bool(seen.initiated),
        "admin": seen.admin,
        "primary": seen.primary,
        "config_members": seen.config_members,
    }
