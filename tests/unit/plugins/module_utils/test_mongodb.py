# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A replica set is touched only when that is safe, and everything that differs is found."""

from __future__ import annotations

from ansible_collections.halobuzz.platform.plugins.module_utils._mongodb import Member, ReplicaSet, plan

A, B, C = "10.0.0.1:27017", "10.0.0.2:27017", "10.0.0.3:27017"
USERS = [{"name": "app", "roles": [{"role": "readWrite", "db": "halobuzz"}]}]


def running(**users: object) -> ReplicaSet:
    members = [Member(A, True, "halobuzz", A), Member(B, True, "halobuzz", A)]
    return ReplicaSet(members, "ok", [A, B], users)  # type: ignore[arg-type]


def names(found: list[dict[str, str]]) -> list[str]:
    return [f"{item['what']} {item['name']}: {item['now']}" for item in found]


def test_set_as_wanted_has_no_findings() -> None:
    seen = running(app={"roles": [{"role": "readWrite", "db": "halobuzz"}], "password_ok": True})
    assert plan(seen, "halobuzz", USERS) == ([], "")


def test_fresh_members_are_initiated() -> None:
    found, problem = plan(ReplicaSet([Member(A, True), Member(B, True)]), "halobuzz", USERS)
    assert problem == ""
    assert names(found) == ["replica set halobuzz: not initiated", "mongodb user app: absent"]


def test_fresh_members_are_not_initiated_when_one_is_silent() -> None:
    found, problem = plan(ReplicaSet([Member(A, True), Member(B, False, error="AutoReconnect")]), "halobuzz", USERS)
    assert found == []
    assert B in problem
    assert "may hold the data" in problem


def test_foreign_replica_set_is_refused() -> None:
    assert "another replica set: rs0" in plan(ReplicaSet([Member(A, True, "rs0", A)]), "halobuzz", USERS)[1]


def test_set_without_primary_is_left_alone() -> None:
    assert "no primary" in plan(ReplicaSet([Member(A, True, "halobuzz")]), "halobuzz", USERS)[1]


def test_added_host_is_found() -> None:
    seen = running(app={"roles": [{"role": "readWrite", "db": "halobuzz"}], "password_ok": True})
    seen.members.append(Member(C, True))
    assert names(plan(seen, "halobuzz", USERS)[0]) == [f"replica set member {C}: not a member"]


def test_wrong_password_and_wrong_roles_are_found() -> None:
    seen = running(app={"roles": [{"role": "readWrite", "db": "halobuzz"}], "password_ok": False})
    assert names(plan(seen, "halobuzz", USERS)[0]) == ["mongodb user app: another password"]
    seen = running(app={"roles": [{"role": "root", "db": "admin"}], "password_ok": True})
    assert names(plan(seen, "halobuzz", USERS)[0]) == ["mongodb user app: roles ['root@admin']"]


def test_set_without_administrator_gets_its_users() -> None:
    seen = ReplicaSet([Member(A, True, "halobuzz", A)], "refused")
    assert names(plan(seen, "halobuzz", USERS)[0]) == ["mongodb user app: unknown: no administrator yet"]
