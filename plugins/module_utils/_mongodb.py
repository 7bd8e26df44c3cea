# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between a wanted MongoDB replica set with its users and what the members say. Pure logic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Member:
    """What one member answered to ``hello``: ``set_name`` is empty where it was never initiated."""

    address: str
    answers: bool
    set_name: str = ""
    primary: str = ""
    error: str = ""


@dataclass
class ReplicaSet:
    """All that was seen of the set.

    :ivar admin: ``ok`` (logged in), ``refused`` (no such user, or another password) or ``unknown`` (no primary to ask).
    :ivar config_members: addresses in the set's configuration.
    :ivar users: ``{name: {"roles": [...], "password_ok": bool}}`` of the users that were asked about.
    """

    members: list[Member]
    admin: str = "unknown"
    config_members: list[str] = field(default_factory=list)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def initiated(self) -> list[Member]:
        """The members that belong to a set."""
        return [member for member in self.members if member.set_name]

    @property
    def primary(self) -> str:
        """Address of the primary, or an empty string while there is none."""
        return next((member.primary for member in self.initiated if member.primary), "")


def plan(seen: ReplicaSet, set_name: str, users: list[dict[str, Any]]) -> tuple[list[dict[str, str]], str]:
    """Say what differs, or why it would be unsafe to touch the set.

    A set is initiated only when *every* wanted member answered and none belongs to a set: a silent member may hold the data.

    :param users: ``[{"name", "roles": [{"role", "db"}]}]``.
    :returns: ``(found, problem)``; ``found`` as in the module drift, ``problem`` empty or a reason to stop.
    """
    silent = [f"{member.address} ({member.error})" for member in seen.members if not member.answers]
    foreign = sorted({member.set_name for member in seen.initiated} - {set_name})
    if foreign:
        return [], f"a member belongs to another replica set: {', '.join(foreign)} (wanted: {set_name})"
    if not seen.initiated:
        if silent:
            return [], f"not initiated, and no answer from {', '.join(silent)}: it may hold the data"
        found = [_found("replica set", set_name, "not initiated", f"{len(seen.members)} member(s)")]
        return found + [_found("mongodb user", user["name"], "absent", "present") for user in users], ""
    if not seen.primary:
        return [], "the replica set has no primary" + (f"; no answer from {', '.join(silent)}" if silent else "")
    if seen.admin == "refused":
        return [_found("mongodb user", user["name"], "unknown: no administrator yet", "present") for user in users], ""
    found = [
        _found("replica set member", member.address, "not a member", "member")
        for member in seen.members
        if member.address not in seen.config_members
    ]
    for user in users:
        have = seen.users.get(user["name"])
        if have is None:
            found.append(_found("mongodb user", user["name"], "absent", "present"))
        elif _roles(have["roles"]) != _roles(user["roles"]):
            found.append(
                _found("mongodb user", user["name"], f"roles {_roles(have['roles'])}", f"roles {_roles(user['roles'])}")
            )
        elif not have["password_ok"]:
            found.append(_found("mongodb user", user["name"], "another password", "the inventory's password"))
    return found, ""


def _roles(roles: list[dict[str, str]]) -> list[str]:
    return sorted(f"{role['role']}@{role['db']}" for role in roles)


def _found(what: str, name: str, now: str, then: str) -> dict[str, str]:
    return {"what": what, "name": name, "now": now, "then": then}
