# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a setting holds arrives in the service byte for byte, or is refused with the reason; nothing of it is ever executed."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import CHECKOUT, on_host, playbook
from test_releases import versions

HOSTILE = {
    "LINES": "first\nsecond\n\n last ",
    "CARRIAGE_RETURNS": "a\r\nb\r",
    "SPACES": "  before and after\t ",
    "VARIABLES": "$HOME ${PATH} $$ %s",
    "SUBSTITUTIONS": "$(touch /tmp/hostile) `touch /tmp/hostile`",
    "SHELL": "; touch /tmp/hostile & | > < * ? ~ # !!",
    "QUOTES": "it's \"quoted\" \\ \\n 'and' more'",
    "OPTION": "--flag -e x=y",
    "TEMPLATE": "{{ 7 * 7 }} {% raw %} {# x #}",
    "LOOKUP": "{{ lookup('pipe', 'touch /tmp/hostile') }}",
    "UNICODE": "\u202e🦄 é e\u0301",
    "NUMBER": "0123",
    "TRUTH": "yes",
    "LONG": "x" * 60_000,
    "CONTROL": "\x01\x1b[31m\x7f",
    "YAML": "- a: &x {b: *x}\n---\n!vault |",
}
REFUSED = {"NUL": "a\0b", "HUGE": "x" * 1_000_000}


class Literal(str):
    """Text that Ansible does not take for a template."""

    __slots__ = ()


class Dumper(yaml.SafeDumper):
    """Writes Literal as Ansible reads it."""


Dumper.add_representer(Literal, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value), style='"'))


def variables(folder: Path, values: dict[str, str]) -> str:
    """Return a file of variables in which the backend is given these values, every other one as a secret."""
    services: list[dict[str, Any]] = yaml.safe_load(
        (CHECKOUT / "roles" / "catalog" / "defaults" / "main.yml").read_text()
    )["catalog_services"]
    backend = next(service for service in services if service["name"] == "backend")
    given: dict[str, Any] = {"environment": {}, "secrets": {}}
    for number, (name, value) in enumerate(values.items()):
        given["secrets" if number % 2 else "environment"][f"HOSTILE_{name}"] = (
            Literal(value) if "{{" in value else value
        )  # !unsafe "0123" would be a number
    for group, parts in given.items():
        backend[group] = [*backend[group], *parts]
    platform = CHECKOUT / "inventories" / "lab" / "group_vars" / "all"
    settings = yaml.safe_load((platform / "platform.yml").read_text())["config_environment"]
    secrets = yaml.safe_load((platform / "secrets.yml").read_text())["config_secrets"]
    schema = {
        name: {"description": "A test's own.", "secret": name in given["secrets"]}
        for part in given.values()
        for name in part
    }
    content = {
        "catalog_services": services,
        "config_environment": {**settings, **given["environment"]},
        "config_secrets": {**secrets, **given["secrets"]},
        "config_schema_extra": schema,
    }
    file = folder / "hostile.yml"
    file.write_text(yaml.dump(content, Dumper=Dumper, allow_unicode=False))
    return f"@{file}"


@pytest.mark.long
@pytest.mark.usefixtures("platform")
def test_hostile_values_arrive_as_they_are(tmp_path: Path) -> None:
    version = versions().pop()
    given = ["-e", variables(tmp_path, HOSTILE)]
    refused = re.findall(r"❌ (HOSTILE_\w+): .*\[([a-z-]+)\]", playbook("config_check", *given).output)
    assert len(refused) > 5  # each with its rule; somebody who has thought about them may still want them
    accepted = [f"{rule}:{name}" for name, rule in refused]
    given += ["-e", json.dumps({"config_check_accepted": accepted, "platform_version": version})]
    done = playbook("deploy_prod", *given)
    assert done.code == 0, done.output
    container = "$(docker ps -q --filter name=halobuzz_backend | head -1)"
    # Each service's own process, not the entry point that waits for it.
    read = f'docker exec {container} sh -c "cat /proc/[0-9]*/environ" | base64 -w0'
    found: dict[str, set[bytes]] = {}
    for host in ("node1", "node2", "node3"):
        for line in base64.b64decode(on_host(host, read) or b"").split(b"\0"):
            name, _sign, value = line.partition(b"=")
            found.setdefault(name.decode(errors="replace"), set()).add(value)
    for name, value in HOSTILE.items():
        assert found.get(f"HOSTILE_{name}") == {value.encode()}, name
    for host in ("node1", "node2", "node3"):
        assert "No such file" in on_host(host, "ls /tmp/hostile"), host
    assert not Path("/tmp/hostile").exists()
    back = playbook("deploy_prod", "-e", f"platform_version={version}")
    assert back.code == 0, back.output


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize("name", REFUSED)
def test_what_no_environment_can_hold_is_refused(name: str, tmp_path: Path) -> None:
    done = playbook("config_check", "-e", variables(tmp_path, {name: REFUSED[name]}))
    assert done.code != 0
    assert f"HOSTILE_{name}" in done.output, done.output[-3000:]
    assert "E_CONFIG" in done.output
