# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every bad configuration is caught by its rule, every right one passes, and no finding holds a value."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.halobuzz.platform.plugins.module_utils import _env_file
from ansible_collections.halobuzz.platform.plugins.module_utils._config_check import Context, check, schema_problems
from ansible_collections.halobuzz.platform.plugins.module_utils._config_findings import RULES, Finding, with_accepted
from ansible_collections.halobuzz.platform.plugins.module_utils._env_file import Entry

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[3]
CONFIGURATIONS = HERE.parents[1] / "configurations"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


SCHEMA = load(CHECKOUT / "roles/config/vars/schema.yml")["__config_schema"]
SERVICES = load(CHECKOUT / "roles/catalog/defaults/main.yml")["catalog_services"]
BASE = load(CONFIGURATIONS / "base.yml")
BAD = load(CONFIGURATIONS / "bad.yml")
GOOD = load(CONFIGURATIONS / "good.yml")


def expanded(text: str, chance: random.Random) -> str:
    """Replace ``{letters 32}``, ``{hex 32}`` and ``{x 32}`` by as many characters, ``{login}`` by a user and a password."""
    alphabets = {"letters": string.ascii_letters + string.digits, "hex": "0123456789abcdef", "x": "x"}
    return re.sub(
        r"\{(letters|hex|x) (\d+)\}",
        lambda match: "".join(chance.choice(alphabets[match[1]]) for _ in range(int(match[2]))),
        text.replace("{login}", "app:{letters 24}"),
    )


def written(case: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Return a case as a file's bytes, and the values in it."""
    chance = random.Random(case["what"])
    values = {name: expanded(value, chance) for name, value in {**BASE, **case.get("set", {})}.items()}
    for name in case.get("unset", ()):
        values.pop(name)
    if "same" in case:
        values[case["same"][1]] = values[case["same"][0]]

    def quoted(value: str) -> str:
        return f"'{value}'" if re.search(r"[\s#'\"]", value) else value

    text = "".join(f"{name}={quoted(value)}\n" for name, value in values.items())
    text += expanded(case.get("append", ""), chance)
    if case.get("crlf"):
        text = text.replace("\n", "\r\n")
    return bytes.fromhex(case.get("bytes", "")) + text.encode(case.get("encoding", "utf-8")), values


def found_in(case: dict[str, Any]) -> list[Finding]:
    data, _values = written(case)
    entries, findings = _env_file.parse(data)
    entries = [dataclasses.replace(entry, plain=entry.name in case.get("plain", ())) for entry in entries]
    services = SERVICES + case.get("services", [])
    context = Context(environment=case.get("environment", "production"), services=services, **case.get("context", {}))
    return with_accepted(findings + check(entries, SCHEMA, context, case.get("extra")), case.get("accepted", ()))


@pytest.mark.parametrize("case", BAD, ids=[case["what"] for case in BAD])
def test_a_bad_configuration_is_caught_by_its_own_rule(case: dict[str, Any]) -> None:
    findings = found_in(case)
    matching = [one for one in findings if one.rule == case["rule"]]
    assert matching, findings
    if "name" in case:
        assert case["name"] in {one.name for one in matching}
    others = {one.rule for one in findings} - {case["rule"], *case.get("also", ())}
    assert not others, findings
    for one in findings:
        assert one.reason
        assert one.fix


@pytest.mark.parametrize("case", GOOD, ids=[case["what"] for case in GOOD])
def test_a_good_configuration_has_no_finding(case: dict[str, Any]) -> None:
    assert found_in(case) == []


def test_the_corpus_knows_every_rule() -> None:
    assert {case["rule"] for case in BAD} == {
        rule for rule in RULES if not rule.startswith(("probe-", "file-", "ansible-"))
    }
    assert len(BAD) >= 80
    assert len(GOOD) >= 15
    assert len({case["what"] for case in BAD + GOOD}) == len(BAD + GOOD)


@pytest.mark.parametrize("case", BAD, ids=[case["what"] for case in BAD])
def test_no_finding_holds_a_value(case: dict[str, Any]) -> None:
    secret = {name for name, record in SCHEMA.items() if record.get("secret")}
    _data, values = written(case)
    told = json.dumps([one.as_dict() for one in found_in(case)], ensure_ascii=False)
    for name, value in values.items():
        if name in secret and len(value) > 5:
            assert value not in told, name


def test_the_line_is_the_one_in_the_file() -> None:
    data, _values = written({"what": "lines", "append": "\n# a comment\nLOG_LEVEL=warn\n"})
    entries, _findings = _env_file.parse(data)
    (finding,) = check(entries, SCHEMA, Context(services=SERVICES))
    assert data.decode().splitlines()[finding.line - 1] == "LOG_LEVEL=warn"


def test_all_problems_are_told_at_once() -> None:
    entries = [Entry("JWT_SECRET", "short"), Entry("CORS_ORIGIN", "*"), Entry("TZ", "Mars/Olympus")]
    rules = {one.rule for one in check(entries, SCHEMA, Context())}
    assert {"secret-too-short", "cors-wildcard", "time-zone-unknown", "required-missing"} <= rules


def test_a_user_adds_to_the_schema_and_changes_it() -> None:
    extra = {"WEATHER_KEY": {"secret": True, "min_length": 20}, "TZ": {"required_in": []}}
    findings = check([Entry("WEATHER_KEY", "short")], SCHEMA, Context(), extra)
    assert ("secret-too-short", "WEATHER_KEY") in {(one.rule, one.name) for one in findings}
    assert "TZ" not in {one.name for one in findings}


def test_the_schema_itself_is_right_and_complete() -> None:
    assert schema_problems(SCHEMA) == []
    aliases = {alias for record in SCHEMA.values() for alias in record.get("aliases", ())}
    for service in SERVICES:
        for name in [*service.get("environment", []), *service.get("secrets", []), *service.get("aliases", {})]:
            assert name in SCHEMA or name in aliases, f"{service['name']} gets {name}, which the schema does not know"
        for name in service.get("secrets", []):
            assert SCHEMA[name].get("secret"), name
    for name, record in SCHEMA.items():
        assert record.get("description"), name
        if record.get("secret"):
            assert record.get("rotation"), f"{name}: what does changing it mean?"
            derived = record.get("type", "").endswith("_uri")
            assert derived or record.get("generate") or record.get("obtain"), f"{name}: where does it come from?"


def test_every_variable_of_the_runbook_is_known() -> None:
    runbook = (
        "NODE_ENV PORT TZ MONGODB_URI REDIS_URL JWT_SECRET JWT_REFRESH_SECRET AGORA_APP_ID AGORA_APP_CERT S3_BUCKET S3_REGION "
        "S3_ACCESS_KEY S3_SECRET_KEY STRIPE_SECRET_KEY ESEWA_MERCHANT_ID ESEWA_SECRET KHALTI_PUBLIC_KEY KHALTI_SECRET_KEY "
        "OPENAI_API_KEY AI_ENGINE_URL AI_ENGINE_SECRET SENDGRID_API_KEY TWILIO_ACCOUNT_SID TWILIO_AUTH_TOKEN TWILIO_PHONE_NUMBER "
        "ENABLE_AI ENABLE_PAYMENTS ENABLE_NOTIFICATIONS ENABLE_MODERATION ENABLE_ANALYTICS GRAFANA_PASSWORD DB_POOL_SIZE"
    )
    assert set(runbook.split()) <= set(SCHEMA)
