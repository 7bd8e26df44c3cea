# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with a configuration: the rules, and the forms in which findings are reported. Pure logic."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from xml.etree import ElementTree

ERROR = "error"
WARNING = "warning"

FORMAT, REQUIRED, SECURITY, SERVICES = "format", "required", "security", "services"
TOPICS = {
    FORMAT: "Configuration validation passed",
    REQUIRED: "All required variables set",
    SECURITY: "Security settings validated",
    SERVICES: "External services configured",
}
"""The runbook's four lines, in its order: each is ✅ where no error belongs to it."""


@dataclass(frozen=True)
class Rule:
    """A kind of finding: ``topic`` decides under which of the runbook's lines it counts."""

    severity: str
    topic: str
    summary: str


RULES: dict[str, Rule] = {
    # How a file is written
    "encoding-not-utf8": Rule(ERROR, FORMAT, "The file is not UTF-8 text."),
    "encoding-byte-order-mark": Rule(
        ERROR, FORMAT, "The file begins with a byte order mark, which becomes part of the first name."
    ),
    "encoding-carriage-return": Rule(
        ERROR, FORMAT, "Lines end as on Windows; the carriage return becomes part of the value."
    ),
    "line-malformed": Rule(ERROR, FORMAT, "A line is neither NAME=value nor a comment."),
    "line-export": Rule(ERROR, FORMAT, "A line begins with export, which Docker's env files do not know."),
    "line-spaces-around-equals": Rule(
        ERROR, FORMAT, "Spaces around = become part of name or value, depending on who reads."
    ),
    "quote-unbalanced": Rule(ERROR, FORMAT, "A quote is opened and not closed."),
    "name-invalid": Rule(ERROR, FORMAT, "Not a name of an environment variable."),
    "name-duplicate": Rule(ERROR, FORMAT, "A name is set twice; which value counts depends on who reads."),
    "value-control-character": Rule(ERROR, FORMAT, "A value holds a NUL byte or another control character."),
    "value-invisible-character": Rule(
        ERROR, FORMAT, "A value holds characters that nobody sees, mostly from copying out of a page."
    ),
    "value-surrounding-space": Rule(ERROR, FORMAT, "A value begins or ends with white space."),
    "value-quoted-twice": Rule(ERROR, FORMAT, "Quotes are part of the value."),
    "value-not-expanded": Rule(ERROR, FORMAT, "A value refers to another variable or template, which nobody replaces."),
    "value-too-long": Rule(ERROR, FORMAT, "Longer than Linux allows for one variable."),
    # Names
    "variable-misspelt": Rule(ERROR, FORMAT, "A name that nothing reads, close to one that is read."),
    "variable-unknown": Rule(WARNING, FORMAT, "A name that nothing reads."),
    "variable-without-effect": Rule(WARNING, FORMAT, "Today's releases do not read it."),
    "alias-conflict": Rule(ERROR, FORMAT, "Two names of one setting have different values."),
    # The inventory around the settings
    "ansible-variable": Rule(
        ERROR, FORMAT, "A variable of the inventory is misspelt, missing or wrong, or a group or address is."
    ),
    # Types
    "type-boolean": Rule(ERROR, FORMAT, "Neither true nor false."),
    "type-integer": Rule(ERROR, FORMAT, "Not a whole number."),
    "value-out-of-range": Rule(ERROR, FORMAT, "A number outside of what is allowed."),
    "value-not-a-choice": Rule(ERROR, FORMAT, "Not one of the allowed values."),
    "time-zone-unknown": Rule(ERROR, FORMAT, "Not a time zone of the IANA database."),
    "url-invalid": Rule(ERROR, FORMAT, "Not an http or https URL."),
    "origin-invalid": Rule(ERROR, FORMAT, "Not an origin (scheme, host and port, nothing else)."),
    "mongodb-uri-invalid": Rule(ERROR, FORMAT, "Not a MongoDB connection string."),
    "redis-uri-invalid": Rule(ERROR, FORMAT, "Not a Redis URL."),
    "uri-password-not-encoded": Rule(ERROR, FORMAT, "User or password holds characters that must be percent-encoded."),
    "accepted-without-finding": Rule(WARNING, FORMAT, "An entry of config_check_accepted that meets nothing."),
    "schema-invalid": Rule(ERROR, FORMAT, "A record of config_schema_extra cannot be used."),
    # Required
    "required-missing": Rule(ERROR, REQUIRED, "A variable that this environment needs is not set."),
    "required-empty": Rule(ERROR, REQUIRED, "A variable that this environment needs is empty."),
    "feature-incomplete": Rule(ERROR, REQUIRED, "A feature is on, and a variable that it needs is not set."),
    "provider-incomplete": Rule(ERROR, SERVICES, "Of the variables of one provider only some are set."),
    # Security
    "placeholder": Rule(ERROR, SECURITY, "An example that was never replaced."),
    "secret-too-short": Rule(ERROR, SECURITY, "A secret that is too short."),
    "secret-too-simple": Rule(ERROR, SECURITY, "A secret that is long enough but could be guessed."),
    "secret-reused": Rule(ERROR, SECURITY, "Two secrets have the same value."),
    "jwt-secrets-equal": Rule(
        ERROR, SECURITY, "One secret signs two kinds of tokens: a refresh token passes as an access token."
    ),
    "secret-in-plain-settings": Rule(ERROR, SECURITY, "A secret stands among the plain settings."),
    "test-key-in-production": Rule(
        ERROR, SECURITY, "A provider's test key in production: nobody is charged, nothing is sent."
    ),
    "live-key-outside-production": Rule(ERROR, SECURITY, "A live key outside of production: tests charge real people."),
    "environment-mismatch": Rule(ERROR, SECURITY, "NODE_ENV is not the environment that is checked."),
    "cors-wildcard": Rule(ERROR, SECURITY, "Every page may call the backend with its visitor's login."),
    "cors-plain-http": Rule(ERROR, SECURITY, "An origin without TLS: whoever is on the line can act as its pages."),
    "localhost-in-production": Rule(ERROR, SECURITY, "An address that means the container itself."),
    "uri-without-login": Rule(ERROR, SECURITY, "A database that is used without a password."),
    "uri-superuser": Rule(ERROR, SECURITY, "The application is given the database's administrator."),
    "tls-check-off": Rule(ERROR, SECURITY, "Certificates are not checked."),
    "plain-http-to-provider": Rule(WARNING, SECURITY, "A service outside is called without TLS."),
    "log-level-verbose": Rule(WARNING, SECURITY, "Debug output in production: slow, and it may hold personal data."),
    # External services
    "key-malformed": Rule(ERROR, SERVICES, "Not what this provider's keys look like."),
    "phone-number-invalid": Rule(ERROR, SERVICES, "Not a phone number in E.164 form."),
    "mongodb-uri-no-replica-set": Rule(
        ERROR, SERVICES, "Several hosts without replicaSet: drivers treat them as routers."
    ),
    "mongodb-write-concern": Rule(ERROR, SERVICES, "Writes are reported as done before a majority has them."),
    "mongodb-retry-writes-off": Rule(WARNING, SERVICES, "Writes fail whenever a new primary is elected."),
    "service-address-unknown": Rule(ERROR, SERVICES, "An address inside of the platform that no service has."),
    # What only the one who is meant can say, asked for with config_check_probes
    "probe-failed": Rule(ERROR, SERVICES, "The provider or database refuses what is set."),
    "probe-not-checked": Rule(WARNING, SERVICES, "Nobody could say whether it is accepted."),
    # What the programs themselves say of the files that they will read, asked for with config_check_files
    "file-refused": Rule(ERROR, FORMAT, "The program that reads a rendered file refuses it."),
    "file-not-checked": Rule(WARNING, FORMAT, "The program that reads a rendered file could not be asked."),
    # What only several settings together show
    "memory-exceeded": Rule(ERROR, SERVICES, "The replicas' memory limits are more than the hosts have."),
    "connections-exceeded": Rule(ERROR, SERVICES, "The replicas' pools are more than MongoDB accepts."),
    "grace-shorter-than-drain": Rule(ERROR, SERVICES, "A task is killed before it has been drained."),
    "depends-on-unknown": Rule(ERROR, SERVICES, "A service depends on one that there is not."),
    "depends-on-each-other": Rule(ERROR, SERVICES, "Services depend on each other, so none of them can be the first."),
    "alias-of-nothing": Rule(ERROR, SERVICES, "A service has an alias of a variable that it does not get."),
    "settings-too-large": Rule(ERROR, SERVICES, "A service gets more than Swarm delivers as one secret (500 KiB)."),
    "drain-shorter-than-request": Rule(
        WARNING, SERVICES, "The edge gives up a request's task before the request may end."
    ),
}


ONLY_WHEN_ASKED_FOR = frozenset(("probe-failed", "probe-not-checked", "file-refused", "file-not-checked"))
"""Rules of config_check_probes and config_check_files: not met means nothing where nobody was asked."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. ``line`` is 0 where there is no file. No field ever holds a value."""

    rule: str
    name: str
    line: int
    reason: str
    fix: str
    accepted: bool = False

    @property
    def severity(self) -> str:
        """``error`` or ``warning``, as the rule says; what somebody has accepted is a warning."""
        return WARNING if self.accepted else RULES[self.rule].severity

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain data, its severity included."""
        return {**asdict(self), "severity": self.severity}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings without repetitions, errors first, then by line and name."""
    return sorted(set(findings), key=lambda one: (one.severity != ERROR, one.line, one.name, one.rule))


def with_accepted(findings: Iterable[Finding], accepted: Iterable[str]) -> list[Finding]:
    """Return findings with those marked that somebody has accepted.

    :param accepted: ``rule:NAME``; one that meets no finding is a finding itself, or it would hide the next mistake.
    """
    pairs = set(accepted)
    marked = [replace(one, accepted=f"{one.rule}:{one.name}" in pairs) for one in findings]
    met = {f"{one.rule}:{one.name}" for one in marked}
    for pair in sorted(pairs - met):
        if pair.partition(":")[0] in ONLY_WHEN_ASKED_FOR:
            continue
        reason, fix = f"{pair} is accepted, and nothing is found there", "remove it from config_check_accepted"
        marked.append(Finding("accepted-without-finding", pair.partition(":")[2], 0, reason, fix))
    return marked


def of_variables(problems: Iterable[Mapping[str, str]]) -> list[Finding]:
    """Return a finding for each problem of variables_check."""
    return [
        Finding(
            "ansible-variable",
            one["name"],
            0,
            one["reason"] + (f" ({one['where']})" if one["where"] else ""),
            one["fix"],
        )
        for one in problems
    ]


def of_probes(probes: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return a finding for each live probe that has not passed."""
    rules = {"failed": "probe-failed", "not_checked": "probe-not-checked"}
    return [
        Finding(
            rules[one["state"]],
            one["name"],
            0,
            f"{one['probe']}: {'not checked, ' if one['state'] == 'not_checked' else ''}{one['reason']}",
            one["fix"],
        )
        for one in probes
        if one["state"] in rules
    ]


def of_files(answers: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """Return a finding for each rendered file that its own program did not pass.

    :param answers: host name to the result of host_files with ``check_only``; the same words from several hosts are one finding.
    """
    rules = {"failed": "file-refused", "not_checked": "file-not-checked"}
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for host, answer in answers.items():
        for one in answer.get("refused", []):
            hosts.setdefault((one["path"], one["state"], one["reason"]), []).append(host)
    fixes = {"failed": "correct what it names", "not_checked": "make deploy-prod"}

    def told(reason: str) -> str:  # HAProxy begins with its version and path
        return " | ".join(line.strip() for line in reason.splitlines() if not line.startswith("[NOTICE]"))

    return [
        Finding(rules[state], path, 0, f"{', '.join(sorted(names))}: {told(reason)}", fixes[state])
        for (path, state, reason), names in hosts.items()
    ]


def file_lines(answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each rendered file that its program accepts on all hosts that were asked."""
    hosts: dict[str, list[str]] = {}
    for host, answer in answers.items():
        for path in answer.get("tried", []):
            hosts.setdefault(path, []).append(host)
    refused = {one["path"] for answer in answers.values() for one in answer.get("refused", [])}
    return [
        f"✅ {path}: accepted by the program that reads it ({', '.join(sorted(names))})"
        for path, names in sorted(hosts.items())
        if path not in refused
    ]


def _place(one: Finding, source: str) -> str:
    return f"{source}:{one.line}: " if one.line else ""


def text_lines(findings: list[Finding], source: str, environment: str, variable_count: int) -> list[str]:
    """Write the report for people: what was looked at, every finding with its fix, then the runbook's four lines."""
    lines = [f"Configuration of {source}, for {environment}: {variable_count} variables"]
    for one in findings:
        sign = "❌" if one.severity == ERROR else "⚠️ "
        lines += [f"{sign} {_place(one, source)}{one.name or 'file'}: {one.reason}   [{one.rule}]", f"     → {one.fix}"]
    for topic, title in TOPICS.items():
        count = sum(one.severity == ERROR and RULES[one.rule].topic == topic for one in findings)
        failed = f"❌ {title.removesuffix(' passed')}: {count} error{'s' if count != 1 else ''}"
        lines.append(failed if count else f"✅ {title}")
    return lines


def as_json(findings: list[Finding], source: str, environment: str, variable_count: int) -> str:
    """Write the findings as one JSON object."""
    report = {
        "source": source,
        "environment": environment,
        "variables": variable_count,
        "errors": sum(one.severity == ERROR for one in findings),
        "warnings": sum(one.severity == WARNING for one in findings),
        "findings": [one.as_dict() for one in findings],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def as_junit(findings: list[Finding], source: str, environment: str) -> str:
    """Write the findings as JUnit XML: a test case per rule, so that a rule's history can be followed.

    The form that CI servers read: https://github.com/testmoapp/junitxml.
    """
    errors = {one.rule for one in findings if one.severity == ERROR}
    suite = ElementTree.Element(
        "testsuite", name=f"config_check {environment}", tests=str(len(RULES)), failures=str(len(errors)), errors="0"
    )
    for rule in RULES:
        case = ElementTree.SubElement(suite, "testcase", classname="config_check", name=rule)
        found = [one for one in findings if one.rule == rule]
        text = "\n".join(f"{_place(one, source)}{one.name}: {one.reason}. {one.fix}" for one in found)
        if rule in errors:
            ElementTree.SubElement(case, "failure", message=RULES[rule].summary, type=rule).text = text
        elif found:
            ElementTree.SubElement(case, "system-out").text = text
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def as_sarif(findings: list[Finding], source: str) -> str:
    """Write the findings as SARIF 2.1.0 (OASIS standard), which code hosts show beside the line."""
    rules = [
        {"id": name, "shortDescription": {"text": rule.summary}, "defaultConfiguration": {"level": rule.severity}}
        for name, rule in RULES.items()
    ]
    results = [
        {
            "ruleId": one.rule,
            "level": one.severity,
            "message": {"text": f"{one.name or 'file'}: {one.reason}. {one.fix}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": source},
                        "region": {"startLine": max(one.line, 1)},
                    }
                }
            ],
        }
        for one in findings
    ]
    driver = {"name": "halobuzz.platform.config_check", "rules": rules}
    report = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
