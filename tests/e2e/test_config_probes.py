# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live probes of the lab's MongoDB, Redis and S3; what providers answer is in the unit tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import CHECKOUT, LAB_INVENTORY, Inventory, Run, lab_settings, playbook

S3_ADDRESS = {"config_check_probe_addresses": {"s3": "http://10.99.0.4:8080"}}


@pytest.fixture(scope="module")
def s3(platform: Path) -> None:
    del platform
    subprocess.run([str(CHECKOUT / "tests/lab/lab"), "start", "s3"], check=True)  # comes back when it serves


def probe(probes: str, *arguments: str, inventory: Path = LAB_INVENTORY, **variables: Any) -> Run:
    extra = json.dumps(
        {"config_check_probes": probes, "config_check_probe_timeout_seconds": 5, **S3_ADDRESS, **variables}
    )
    return playbook("config_check", "-e", extra, *arguments, inventory=inventory)


def config_secrets(**changes: str) -> dict[str, str]:
    kept = yaml.safe_load((LAB_INVENTORY / "group_vars" / "all" / "secrets.yml").read_text())["config_secrets"]
    return {**kept, **changes}


@pytest.mark.usefixtures("s3")
def test_what_works_is_told_and_no_secret_is(secrets: dict[str, str]) -> None:
    done = probe("mongodb,redis,s3", "-vvv", "--check")
    assert done.code == 0, done.output
    assert "✅ mongodb: MONGODB_URI: halobuzz_application@admin has readWrite@halobuzz" in done.output
    assert "✅ redis: REDIS_URL: application may do what queue and cache need" in done.output
    assert "✅ redis: REDIS_CACHE_URL: application may do what queue and cache need" in done.output
    assert "✅ s3: S3_ACCESS_KEY: writes, reads and deletes" in done.output
    assert set(done.changed.values()) == {0}
    for name, value in secrets.items():
        assert value not in done.output, name


@pytest.mark.usefixtures("s3")
def test_every_refusal_is_told_in_one_report(inventory: Inventory, tmp_path: Path) -> None:
    inventory.set(
        mongodb_application_password="not-the-one-" * 3,
        redis_application_password="not-the-one-" * 3,
        config_secrets=config_secrets(S3_SECRET_KEY="Rk4" * 14),
    )
    report = tmp_path / "report.json"
    done = probe("mongodb,redis,s3", "-vvv", inventory=inventory.folder, config_check_json_file=str(report))
    assert done.code != 0
    assert "E_CONFIG" in done.output
    found = {
        one["name"]: one["reason"]
        for one in json.loads(report.read_text())["findings"]
        if one["rule"] == "probe-failed"
    }
    assert found == {
        "MONGODB_URI": "mongodb: the login is refused",
        "REDIS_URL": "redis: the login of application is refused (WRONGPASS)",
        "REDIS_CACHE_URL": "redis: the login of application is refused (WRONGPASS)",
        "S3_ACCESS_KEY": "s3: S3_ACCESS_KEY with S3_SECRET_KEY is not accepted (SignatureDoesNotMatch)",
    }
    assert "not-the-one" not in done.output
    assert "❌ External services configured: 4 errors" in done.output


@pytest.mark.long
@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("admin", "halobuzz_admin@admin is an administrator (root@admin)"),
        ("backup", "halobuzz_backup@admin may not insert, update, remove, createIndex in halobuzz"),
    ],
)
def test_a_login_that_may_too_much_or_too_little(user: str, said: str, secrets: dict[str, str]) -> None:
    password = secrets[f"mongodb_{user}_password"]
    login = {"mongodb_application_user": f"halobuzz_{user}", "mongodb_application_password": password}
    done = probe("mongodb", **login)
    assert done.code != 0
    assert said in done.output


@pytest.mark.long
def test_a_redis_user_that_may_only_look(secrets: dict[str, str]) -> None:
    password = secrets["redis_monitoring_password"]
    done = probe("redis", redis_application_user="monitoring", redis_application_password=password)
    assert done.code != 0
    assert "redis: monitoring may not" in done.output


@pytest.mark.long
@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there() -> None:
    done = probe("s3", config_environment=lab_settings(S3_BUCKET="halobuzz-absent"))
    assert done.code != 0
    assert "s3: there is no bucket of the name S3_BUCKET" in done.output


@pytest.mark.long
def test_nobody_there_is_a_warning(inventory: Inventory) -> None:
    for host in inventory.hosts["all"]["hosts"].values():
        host["ansible_host"] = "10.99.0.250"
    inventory.write_hosts()
    done = probe(
        "mongodb,stripe,s3", inventory=inventory.folder, config_check_probe_addresses={"s3": "http://10.99.0.250:1"}
    )
    assert done.code == 0, done.output
    assert "mongodb: not checked, node1 is unreachable, and databases are asked from there" in done.output
    assert "stripe: not checked" in done.output
    assert "s3: not checked, S3 does not answer" in done.output
    assert "did you mean stripe?" in playbook("config_check", "-e", "config_check_probes=strype").output
