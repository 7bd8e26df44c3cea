# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings each service gets, and the file in which they travel. Pure logic."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

# POSIX.1-2017, 8.1 "Environment Variable Definition": portable names.
_NAME = re.compile(r"^[A-Z_][A-Z0-9_]*$")
# Linux refuses one environment string of 131,072 bytes and more (MAX_ARG_STRLEN), the terminating NUL included.
MAX_STRING_BYTES = 131_071
# Swarm refuses a secret above 500 KiB.
MAX_SECRET_BYTES = 500 * 1024


class EnvironmentRefused(Exception):
    """Settings that cannot be delivered; ``problems`` holds one line each, without any value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def shell_quoted(value: str) -> str:
    """Quote a value for a POSIX shell so that it arrives byte for byte (XCU 2.2.2: nothing is special in single quotes)."""
    return "'" + value.replace("'", "'\\''") + "'"


def settings_of(
    service: dict[str, Any], environment: dict[str, str], secrets: dict[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return the settings that one service gets, and what cannot be delivered.

    What is not given is left out: whether a service can do without is for the configuration check to say (_config_check.py), which
    knows the features that are on.

    :param service: a record of ``catalog_services``.
    :param environment: plain settings, values by name.
    :param secrets: secret settings, values by name.
    """
    title = service["name"]
    settings = {name: str(environment[name]) for name in service.get("environment", []) if name in environment}
    problems = []
    for name in service.get("secrets", []):
        if str(secrets.get(name) or ""):
            settings[name] = str(secrets[name])
    for alias, original in service.get("aliases", {}).items():
        if original in settings:
            settings[alias] = settings[original]
        elif original not in service.get("environment", []) + service.get("secrets", []):
            problems.append(f"{alias}: alias of {original}, which {title} does not get. Fix: catalog_services")
    for name, value in settings.items():
        if not _NAME.match(name):
            problems.append(f"{name!r}: not a name of an environment variable. Fix: A-Z, 0-9 and _")
        if "\0" in value:
            problems.append(f"{name}: holds a NUL byte, which no environment can carry")
        if len(f"{name}={value}".encode()) > MAX_STRING_BYTES:
            problems.append(f"{name}: longer than Linux allows for one variable (131,071 bytes)")
    return settings, problems


def environment_file(settings: dict[str, str]) -> str:
    """Render settings as a file for the stack's entry point, which reads it with the shell's own ``.`` command."""
    return "".join(f"{name}={shell_quoted(value)}\n" for name, value in sorted(settings.items()))


def settings_by_service(
    services: list[dict[str, Any]], environment: dict[str, str], secrets: dict[str, str]
) -> dict[str, dict[str, str]]:
    """Return what each service gets, values by name by service.

    :raises EnvironmentRefused: with every problem of every service.
    """
    given: dict[str, dict[str, str]] = {}
    problems: list[str] = []
    for service in services:
        settings, found = settings_of(service, {**environment, "PORT": str(service["port"])}, secrets)
        settings["PORT"] = str(service["port"])
        problems += found
        given[service["name"]] = settings
        if len(environment_file(settings).encode()) > MAX_SECRET_BYTES:
            problems.append(f"{service['name']}: its settings are larger than Swarm's 500 KiB for one secret")
    if problems:
        raise EnvironmentRefused(sorted(set(problems)))
    return given


def environment_files(
    services: list[dict[str, Any]], environment: dict[str, str], secrets: dict[str, str]
) -> dict[str, str]:
    """Render one file per service; each holds what its service gets and nothing else.

    :returns: file contents by service name.
    :raises EnvironmentRefused: with every problem of every service.
    """
    given = settings_by_service(services, environment, secrets)
    return {service: environment_file(settings) for service, settings in given.items()}


def _fingerprints(given: dict[str, dict[str, str]], key: str) -> dict[str, dict[str, str]]:
    return {
        service: {
            name: hmac.new(key.encode(), f"{name}={value}".encode(), hashlib.sha256).hexdigest()[:8]
            for name, value in sorted(settings.items())
        }
        for service, settings in given.items()
    }


def settings_record(given: dict[str, dict[str, str]]) -> str:
    """Return what a release keeps of its settings: a fingerprint of each value, and the key of the fingerprints, as JSON.

    The key follows from all values, secret ones among them, so that every manager keeps the same without a key that somebody has to
    look after. Record and key stay on the managers, for root alone: with them, a short value could be found by trying.
    """
    key = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()
    return json.dumps({"key": key, "services": _fingerprints(given, key)}, sort_keys=True) + "\n"


def settings_changes(record: str, given: dict[str, dict[str, str]]) -> list[str]:
    """Compare settings with a release's record of its own.

    :param record: as :func:`settings_record` wrote it; empty where there is none.
    :returns: a line for each name that comes, goes or changes: names and fingerprints, no value.
    """
    if not record:
        return []
    kept = json.loads(record)
    now = _fingerprints(given, kept["key"])
    lines = []
    for service in sorted({*kept["services"], *now}):
        old, new = kept["services"].get(service, {}), now.get(service, {})
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                lines.append(f"{service}: {name}: {old.get(name, 'not set')} → {new.get(name, 'not set')}")
    return lines
