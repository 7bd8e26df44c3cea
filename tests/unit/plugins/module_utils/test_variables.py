# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way in which an inventory can be wrong gives one line that says name, hosts, reason and fix, and no secret."""

from __future__ import annotations

import pytest
from ansible_collections.halobuzz.platform.plugins.module_utils import _variables
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode

SPECS = {
    "mongodb": {
        "main": {
            "options": {
                "mongodb_port": {"type": "int", "default": 27017, "description": "Port."},
                "mongodb_image": {"type": "str", "default": "mongo:7.0"},
                "mongodb_admin_password": {
                    "type": "str",
                    "no_log": True,
                    "description": "Password of O(mongodb_admin_user).",
                },
                "mongodb_users": {
                    "type": "list",
                    "elements": "dict",
                    "default": [],
                    "options": {
                        "name": {"type": "str", "required": True},
                        "password": {"type": "str", "no_log": True, "choices": ["a", "b"]},
                    },
                },
            }
        },
        "restore": {"options": {"mongodb_restore_from": {"type": "str", "required": True}}},
    },
    "preflight": {
        "inventory": {
            "options": {
                "platform_name": {"type": "str", "required": True},
                "platform_environment": {
                    "type": "str",
                    "choices": ["production", "development"],
                    "default": "production",
                },
                "platform_domain": {"type": "str", "required": False},
            }
        }
    },
}
OPTIONS = _variables.known_options(SPECS)
ROLES = ["mongodb", "preflight", "redis"]


def unknown(names, renamed=None):
    return [(p.name, p.hosts, p.reason, p.fix) for p in _variables.find_unknown(names, OPTIONS, ROLES, renamed or {})]


def test_a_misspelt_name_is_unknown_and_the_nearest_is_suggested():
    assert unknown({"node1": ["mongodb_prot"], "node2": ["mongodb_prot"]}) == [
        ("mongodb_prot", ("node1", "node2"), "no role knows it", "did you mean mongodb_port?")
    ]


def test_names_without_a_role_prefix_are_the_users_own():
    assert unknown({"node1": ["my_port", "ansible_host", "group_names", "environment", "mongodb_port"]}) == []


def test_private_names_must_not_be_set():
    assert unknown({"node1": ["__mongodb_wanted"]}) == [
        ("__mongodb_wanted", ("node1",), "is private to a role and must not be set", "remove it")
    ]


def test_a_renamed_variable_says_its_new_name():
    assert unknown({"node1": ["mongodb_tag"]}, {"mongodb_tag": "mongodb_image"}) == [
        ("mongodb_tag", ("node1",), "was renamed to mongodb_image", "rename it to mongodb_image")
    ]


def test_a_slip_in_the_prefix_is_a_warning():
    assert _variables.find_lookalikes({"node1": ["mongdb_port", "app_port"]}, OPTIONS, ROLES) == [
        "mongdb_port: is it meant to be mongodb_port?"
    ]


def test_missing_variables_are_those_of_the_hosts_own_roles():
    names = {"node1": ["platform_name"], "node2": []}
    roles = {"node1": ["preflight", "mongodb"], "node2": ["preflight"]}
    found = {(p.name, p.hosts): p.fix for p in _variables.find_missing(names, OPTIONS, roles)}
    assert found == {
        ("mongodb_admin_password", ("node1",)): "set it in the inventory's vault file: Password of mongodb_admin_user",
        ("platform_name", ("node2",)): "set it in the inventory: ",
    }


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("mongodb_port", 27018, None),
        ("mongodb_port", "27018", None),
        ("mongodb_port", "many", ("has the value 'many'", "it must be of type int")),
        ("platform_environment", "prod", ("has the value 'prod'", "it must be one of: production, development")),
        ("platform_name", None, ("is empty", "give it a value; it must be of type str")),
        ("platform_domain", None, None),
        ("mongodb_users", [{"name": "a", "password": "b"}], None),
    ],
)
def test_values_are_checked_by_type_and_choice(name, value, expected):
    assert _variables.check_value(name, value, OPTIONS[name]) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("stack_at_once_percent", 100, None),
        ("stack_at_once_percent", "150", ("has the value 150", "it must be from 0 to 100")),
        ("stack_at_once_percent", "50.0", None),
        ("stack_at_once_percent", "5e9", ("has the value 5000000000", "it must be from 0 to 100")),
        ("stack_at_once_percent", -5, ("has the value -5", "it must be from 0 to 100")),
        ("stack_releases_kept", 0, ("has the value 0", "it must be 1 or more")),
        ("stack_deadline_seconds", "0", ("has the value 0", "it must be 1 or more")),
        ("stack_stable_seconds", 0, None),
        ("stack_stable_seconds", -1, ("has the value -1", "it must be 0 or more")),
        ("redis_port", 70000, ("has the value 70000", "it must be from 1 to 65535")),
        ("redis_databases", "0,-1", ("has the value -1", "it must be 0 or more")),
        ("redis_databases", [0, "-1"], ("has the value -1", "it must be 0 or more")),
    ],
)
def test_numbers_are_checked_by_the_unit_in_their_name(name, value, expected):
    spec = {"type": "list", "elements": "int"} if name == "redis_databases" else {"type": "int"}
    assert _variables.check_value(name, value, _variables.Option("stack", spec)) == expected


def test_a_number_in_a_structure_is_named():
    options = {"name": {"type": "str"}, "listen": {"type": "dict", "options": {"port": {"type": "int"}}}}
    option = _variables.Option("catalog", {"type": "list", "elements": "dict", "options": options})
    value = [{"name": "a", "listen": {"port": 80}}, {"name": "b"}, {"name": "c", "listen": {"port": 80000}}]
    assert _variables.check_value("catalog_services", value, option) == (
        "has port 80000",
        "it must be from 1 to 65535",
    )


def test_an_unknown_key_in_a_structure_is_named():
    answer = _variables.check_value("mongodb_users", [{"name": "a", "pasword": "b"}], OPTIONS["mongodb_users"])
    assert answer == ("has a key that nothing reads: mongodb_users.pasword", "did you mean password?")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mongodb_admin_password", {"not": "Canary77"}),
        ("mongodb_users", [{"name": "a", "password": "Canary77"}]),
        ("mongodb_users", [{"password": "Canary77"}]),
    ],
)
def test_a_secret_is_in_no_message(name, value):
    answer = _variables.check_value(name, value, OPTIONS[name])
    assert "Canary77" not in str(answer)


GROUPS = [
    {"group": "mongodb", "required": True, "unless": "mongodb_uri", "odd": True, "use": "run MongoDB"},
    {"group": "redis", "required": True, "unless": "redis_url", "max_hosts": 1, "use": "runs Redis"},
]


def groups(inventory, values=None):
    problems, warnings = _variables.find_group_problems(inventory, GROUPS, values or {})
    return [(p.name, p.reason, p.fix) for p in problems], warnings


def test_a_missing_group_is_an_error_with_the_way_out():
    problems, _warnings = groups({"redis": ["node1"]})
    assert problems == [
        (
            "group 'mongodb'",
            "the inventory has no such group",
            "add the hosts that run MongoDB, or set mongodb_uri for an external one",
        )
    ]


def test_an_empty_group_is_an_error():
    problems, _warnings = groups({"redis": ["node1"], "mongodb": []})
    assert [problem[1] for problem in problems] == ["the group has no hosts"]


def test_an_external_service_needs_no_group():
    assert groups({"redis": ["node1"]}, {"node1": {"mongodb_uri": "mongodb+srv://x"}}) == ([], [])


def test_two_members_are_warned_about_and_two_redis_hosts_refused():
    problems, warnings = groups({"mongodb": ["node1", "node2"], "redis": ["node1", "node2"]})
    assert [problem[1] for problem in problems] == ["has 2 hosts (node1, node2), and can have 1"]
    assert warnings == ["group 'mongodb' has 2 hosts and survives the loss of 0, as 1 would: use 1 or 3"]


@pytest.mark.parametrize(
    ("addresses", "reasons"),
    [
        ({"node1": "10.0.0.1", "node2": "10.0.0.2"}, []),
        ({"node1": "127.0.0.1"}, []),
        ({"node1": "10.0.0.1", "node2": "127.0.0.1"}, ["127.0.0.1 is an address of each host itself"]),
        ({"node1": "10.0.0.1", "node2": "10.0.0.1"}, ["10.0.0.1 is also the address of node1"]),
        ({"node1": "10.0.0.1", "node2": "one"}, ["one is also the address of node1"]),
        ({"node1": "nowhere"}, ["'nowhere' is no IP address and does not resolve"]),
        ({"node1": None}, ["is missing"]),
    ],
)
def test_each_host_has_an_address_of_its_own(addresses, reasons):
    found = _variables.find_address_problems(addresses, {}, lambda name: {"one": "10.0.0.1"}.get(name, ""))
    assert [problem.reason for problem in found] == reasons
    assert all(problem.error_code is ErrorCode.E_INVENTORY for problem in found)


def test_all_problems_are_one_text():
    problems = [
        _variables.Problem("mongodb_prot", ("node1", "node2"), "no role knows it", "did you mean mongodb_port?"),
        _variables.Problem("platform_name", ("node2",), "is missing", "set it"),
    ]
    code, text = _variables.error_text(problems, host_count=2)
    assert code is ErrorCode.E_VARIABLES
    assert text.splitlines() == [
        "2 problems in the inventory; nothing was changed.",
        "  mongodb_prot (all hosts): no role knows it → did you mean mongodb_port?",
        "  platform_name (node2): is missing → set it",
    ]
