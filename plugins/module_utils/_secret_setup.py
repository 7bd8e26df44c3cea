# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets a platform still lacks: those that chance can make, and those that a person has to bring. Pure but for chance."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils._config_values import is_needed, is_placeholder, remedy

Recipe = Mapping[str, Any]


def random_secret(recipe: Recipe) -> str:
    """Make a secret of ``recipe["bytes"]`` random bytes in the form ``hex``, ``base64`` or ``base64url``."""
    data = secrets.token_bytes(int(recipe["bytes"]))
    if recipe["form"] == "hex":
        return data.hex()
    if recipe["form"] == "base64":
        return base64.b64encode(data).decode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Setup:
    """What a file of secrets should hold, and how each name came to it.

    ``content`` are variables by name, ``config_secrets`` one of them. ``needed`` are names with where a person gets the value.
    """

    content: dict[str, Any]
    generated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    needed: dict[str, str] = field(default_factory=dict)


def _is_set(value: Any) -> bool:
    return bool(value) and not is_placeholder(str(value))


def complete(
    present: Mapping[str, Any],
    recipes: Mapping[str, Recipe],
    schema: Mapping[str, Mapping[str, Any]],
    environment: str,
    settings: Mapping[str, Any],
    elsewhere: Mapping[str, Any],
    random: Callable[[Recipe], str] = random_secret,
) -> Setup:
    """Return the file's content with everything that chance can make; nothing that is set already is changed.

    :param present: what the file holds now; placeholders count as not set.
    :param recipes: how to make each secret of the platform itself, by Ansible variable.
    :param schema: record by environment variable.
    :param settings: plain settings: a feature that is ``"false"`` needs no secrets.
    :param elsewhere: variables of the inventory outside of the file: what is set there is not made again.
    """
    setup = Setup(content=dict(present))
    for name, recipe in recipes.items():
        if _is_set(present.get(name)):
            setup.kept.append(name)
        elif not elsewhere.get(recipe.get("unless", "")) and not _is_set(elsewhere.get(name)):
            setup.content[name] = random(recipe)
            setup.generated.append(name)
    application = dict(present.get("config_secrets") or {})
    for name, record in schema.items():
        derived = str(record.get("type", "")).endswith("_uri")  # follows from the inventory
        if not record.get("secret") or derived:
            continue
        if _is_set(application.get(name)):
            setup.kept.append(name)
        elif not is_needed(record, environment, str(settings.get(record.get("feature", ""), ""))):
            continue
        elif "generate" in record:
            application[name] = random(record["generate"])
            setup.generated.append(name)
        else:
            setup.needed[name] = remedy(record, record.get("description", "set it"))
    setup.content["config_secrets"] = application
    return setup


def report_lines(setup: Setup, place: str, how_to_bring: str, written: bool) -> list[str]:
    """Write what was done, or in check mode would be done: names only.

    :param place: what keeps the secrets.
    :param how_to_bring: what a person types to put one there.
    """
    lines = [f"Secrets in {place}: {len(setup.kept)} kept, {len(setup.generated)} new, {len(setup.needed)} to bring"]
    if setup.generated:
        lines += [f"✅ {'generated' if written else 'would be generated'}: {', '.join(setup.generated)}"]
    if "ENCRYPTION_KEY" in setup.generated:
        lines += ["⚠️  Keep a copy of ENCRYPTION_KEY in a safe place: whoever loses it loses the stored data"]
    if setup.needed:
        width = max(map(len, setup.needed))
        lines += [f"❌ {len(setup.needed)} to bring ({how_to_bring}):"]
        lines += [f"     {name:<{width}}  {where}" for name, where in setup.needed.items()]
        lines += ["Next: bring them, then: make config-check"]
    else:
        lines += ["Next: make config-check"]
    return lines
