# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings each service gets, and the file in which they travel. Pure logic."""

from __future__ import annotations

import re
from typing import Any

# POSIX.1-2017, 8.1 "Environment Variable Definition": portable names.
_NAME = re.compile(r"^[A-Z_][A-Z0-9_]*$")
# Linux refuses one environment string of 131,072 bytes and more (MAX_ARG_STRLEN), the terminating NUL included.
_MAX_STRING_BYTES = 131_071
# Swarm refuses a secret above 500 KiB.
_MAX_SECRET_BYTES = 500 * 1024


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
    """Return the settings that one service gets, and what is missing.

    A plain setting that is not given is left out; a secret that is not given is a problem.

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
        else:
            problems.append(f"{name}: missing; {title} needs it. Fix: set config_secrets.{name}")
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
        if len(f"{name}={value}".encode()) > _MAX_STRING_BYTES:
            problems.append(f"{name}: longer than Linux allows for one variable (131,071 bytes)")
    return settings, problems


def environment_file(settings: dict[str, str]) -> str:
    """Render settings as a file for the stack's entry point, which reads it with the shell's own ``.`` command."""
    return "".join(f"{name}={shell_quoted(value)}\n" for name, value in sorted(settings.items()))


def environment_files(
    services: list[dict[str, Any]], environment: dict[str, str], secrets: dict[str, str]
) -> dict[str, str]:
    """Render one file per service; each holds what its service gets and nothing else.

    :returns: file contents by service name.
    :raises EnvironmentRefused: with every problem of every service.
    """
    files: dict[str, str] = {}
    problems: list[str] = []
    for service in services:
        settings, found = settings_of(service, {**environment, "PORT": str(service["port"])}, secrets)
        settings["PORT"] = str(service["port"])
        problems += found
        files[service["name"]] = environment_file(settings)
        if len(files[service["name"]].encode()) > _MAX_SECRET_BYTES:
            problems.append(f"{service['name']}: its settings are larger than Swarm's 500 KiB for one secret")
    if problems:
        raise EnvironmentRefused(sorted(set(problems)))
    return files
