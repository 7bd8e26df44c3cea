# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are completed: what is set stays, what chance can make is made strong, the rest is named with its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.halobuzz.platform.plugins.module_utils._config_values import value_problems
from ansible_collections.halobuzz.platform.plugins.module_utils._secret_setup import (
    complete,
    random_secret,
    report_lines,
)

CHECKOUT = Path(__file__).resolve().parents[4]
VARS = CHECKOUT / "roles/config/vars"
SCHEMA = yaml.safe_load((VARS / "schema.yml").read_text())["__config_schema"]
PLATFORM = yaml.safe_load((VARS / "main.yml").read_text())["__config_platform_secrets"]


def completed(present: dict[str, Any], **options: Any) -> Any:
    arguments = {"environment": "production", "settings": {}, "elsewhere": {}, **options}
    return complete(present, PLATFORM, SCHEMA, **arguments)


def test_what_is_made_passes_the_check() -> None:
    for name, record in SCHEMA.items():
        if "generate" in record:
            for _ in range(50):
                assert value_problems(random_secret(record["generate"]), record) == [], name


def test_nothing_is_made_twice_and_what_is_set_stays() -> None:
    first = completed({"mine": 1, "redis_admin_password": "kept", "config_secrets": {"JWT_SECRET": "kept, too"}})
    assert first.content["mine"] == 1
    assert first.content["redis_admin_password"] == "kept"
    assert first.content["config_secrets"]["JWT_SECRET"] == "kept, too"
    second = completed(first.content)
    assert second.content == first.content
    assert second.generated == []
    assert second.needed == first.needed


def test_placeholders_are_replaced_and_every_secret_of_the_catalogue_is_thought_of() -> None:
    services = yaml.safe_load((CHECKOUT / "roles/catalog/defaults/main.yml").read_text())["catalog_services"]
    names = {name for service in services for name in service["secrets"]} - {"MONGODB_URI", "REDIS_URL"}
    placeholders = dict.fromkeys(PLATFORM, "REPLACE-openssl-rand-base64-756")
    setup = completed({**placeholders, "config_secrets": dict.fromkeys(names, "REPLACE")})
    assert setup.kept == []
    assert set(setup.generated) >= {*PLATFORM}
    assert {*setup.generated, *setup.needed} - {*PLATFORM} == names


def test_external_services_and_features_that_are_off_need_none() -> None:
    setup = completed({}, elsewhere={"mongodb_uri": "mongodb+srv://elsewhere"}, settings={"ENABLE_PAYMENTS": False})
    assert not [name for name in setup.generated if name.startswith("mongodb_")]
    assert "STRIPE_SECRET_KEY" not in setup.needed
    assert "TWILIO_AUTH_TOKEN" in setup.needed


def test_a_secret_of_another_file_is_not_made_again() -> None:
    assert "redis_admin_password" not in completed({}, elsewhere={"redis_admin_password": "set there"}).generated


def test_the_report_holds_names_and_no_value() -> None:
    setup = completed({})
    text = "\n".join(report_lines(setup, "vault.yml", "with care", written=True))
    assert "AGORA_APP_ID" in text
    assert "Keep a copy of ENCRYPTION_KEY" in text
    values = [value for value in setup.content.values() if isinstance(value, str)]
    assert not [value for value in [*values, *setup.content["config_secrets"].values()] if value in text]
