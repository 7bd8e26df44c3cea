# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms of the report: for people, for programs, for CI servers, for code hosts."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from ansible_collections.halobuzz.platform.plugins.module_utils._config_findings import (
    RULES,
    TOPICS,
    Finding,
    as_json,
    as_junit,
    as_sarif,
    file_lines,
    in_order,
    of_files,
    of_probes,
    of_variables,
    text_lines,
    with_accepted,
)

WARNING = Finding("log-level-verbose", "LOG_LEVEL", 3, "writes more than production should", "set it to info")
ERROR = Finding("cors-wildcard", "CORS_ORIGIN", 9, "allows any page", "name the origins of your pages")
FILE = Finding("encoding-byte-order-mark", "", 1, "the file begins with <a> & mark", "remove it")


def test_all_well_is_the_runbooks_four_lines() -> None:
    assert text_lines([], ".env", "production", 40)[1:] == [f"✅ {title}" for title in TOPICS.values()]


def test_a_warning_spoils_no_line_and_an_error_spoils_its_own() -> None:
    lines = text_lines([ERROR, WARNING], ".env", "production", 40)
    assert lines[1] == "❌ .env:9: CORS_ORIGIN: allows any page   [cors-wildcard]"
    assert [line for line in lines if line.startswith("❌")][1:] == ["❌ Security settings validated: 1 error"]
    assert lines.count("✅ Configuration validation passed") == 1


def test_what_is_accepted_is_a_warning_and_spoils_no_line() -> None:
    accepted = with_accepted([ERROR], ["cors-wildcard:CORS_ORIGIN"])
    assert [one.severity for one in accepted] == ["warning"]
    assert not [line for line in text_lines(accepted, ".env", "production", 40) if line.startswith("❌")]
    assert [one.severity for one in with_accepted([ERROR], ["cors-wildcard:OTHER"])] == ["error", "warning"]


def test_errors_come_first_and_nothing_twice() -> None:
    assert in_order([WARNING, ERROR, ERROR]) == [ERROR, WARNING]


def test_json_counts_and_lists() -> None:
    report = json.loads(as_json([ERROR, WARNING], ".env", "production", 40))
    assert (report["errors"], report["warnings"], report["variables"]) == (1, 1, 40)
    assert report["findings"][0]["severity"] == "error"


def test_junit_has_a_case_per_rule_and_fails_those_with_errors() -> None:
    suite = ElementTree.fromstring(as_junit([ERROR, WARNING, FILE], ".env", "production"))  # noqa: S314 - it is our own
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert set(cases) == set(RULES)
    assert suite.get("failures") == "2"
    assert cases["cors-wildcard"].find("failure") is not None
    assert cases["log-level-verbose"].find("failure") is None
    assert "<a> & mark" in (cases["encoding-byte-order-mark"].findtext("failure") or "")


def test_sarif_names_rule_file_and_line() -> None:
    (run,) = json.loads(as_sarif([ERROR, FILE], ".env.production"))["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(RULES)
    assert run["results"][0]["level"] == "error"
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (".env.production", 9)


def test_a_probe_that_has_not_passed_is_a_finding() -> None:
    probes = [
        {"probe": "stripe", "name": "STRIPE_SECRET_KEY", "state": state, "reason": "because", "fix": "a new one"}
        for state in ("passed", "failed", "not_checked")
    ]
    failed, unknown = of_probes(probes)
    assert (failed.rule, failed.severity, failed.reason) == ("probe-failed", "error", "stripe: because")
    assert (unknown.rule, unknown.severity, unknown.reason) == (
        "probe-not-checked",
        "warning",
        "stripe: not checked, because",
    )


def test_what_programs_say_of_files_is_one_finding_for_all_hosts_that_say_it() -> None:
    refused = {
        "path": "/etc/halobuzz/edge/haproxy.cfg",
        "state": "failed",
        "reason": "[NOTICE] (1) : version\nline 3: unknown keyword\nfatal",
    }
    missing = {"path": "/etc/halobuzz/firewall/ruleset.nft", "state": "not_checked", "reason": "nft is not installed"}
    answers = {
        "node2": {"refused": [refused]},
        "node1": {"refused": [refused, missing]},
        "node3": {"unreachable": True},
    }
    first, second = of_files(answers)
    assert (first.rule, first.reason) == ("file-refused", "node1, node2: line 3: unknown keyword | fatal")
    assert (second.rule, second.severity) == ("file-not-checked", "warning")
    tried = {"tried": [refused["path"], "/etc/a.conf"], "refused": [refused]}
    (line,) = file_lines({"node2": {"tried": ["/etc/a.conf"], "refused": []}, "node1": tried, "node3": {}})
    assert line == "✅ /etc/a.conf: accepted by the program that reads it (node1, node2)"


def test_a_variable_of_the_inventory_is_a_finding_with_its_hosts() -> None:
    problem = {
        "name": "edge_max_connection",
        "where": "all hosts",
        "reason": "no role knows it",
        "fix": "did you mean it?",
    }
    first, second = of_variables([problem, {**problem, "where": ""}])
    assert (first.rule, first.reason) == ("ansible-variable", "no role knows it (all hosts)")
    assert second.reason == "no role knows it"


def test_an_accepted_probe_is_not_missed_where_nobody_was_asked() -> None:
    assert with_accepted([], ["probe-not-checked:AGORA_APP_ID"]) == []
    assert [one.rule for one in with_accepted([], ["cors-wildcard:CORS_ORIGIN"])] == ["accepted-without-finding"]
