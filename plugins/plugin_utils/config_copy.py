# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a platform's configuration: settings, secrets and what each service was given, in ansible-vault's form.

A release keeps one beside its other files, and ``config_backup`` carries it elsewhere as it is. Whoever has the password can read it
without this collection: ``ansible-vault view FILE``.
"""

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret

# What a copy holds, values by name: `files` by service, the others by variable.
PARTS = ("settings", "secrets", "platform_secrets", "files")


class CopyError(Exception):
    """A copy that cannot be used; its text says why and holds no value."""


def _vault(password: str) -> VaultLib:
    return VaultLib(secrets=[("default", VaultSecret(password.encode()))])


def closed(parts: dict[str, dict[str, Any]], password: str) -> str:
    """Return a copy of the configuration, encrypted.

    :param parts: by the names in :data:`PARTS`.
    :param password: empty where nobody has set one; then there is no copy, and the text is empty.
    """
    if not password:
        return ""
    text = json.dumps({part: parts[part] for part in PARTS}, sort_keys=True)
    return _vault(password).encrypt(text.encode()).decode()


def opened(text: str, password: str) -> dict[str, dict[str, Any]]:
    """Return what a copy holds, by the names in :data:`PARTS`.

    :raises CopyError: it is no such copy, is damaged, or has another password (which cannot be told apart from damage).
    """
    vault = _vault(password or " ")
    if not vault.is_encrypted(text):
        raise CopyError("this is no encrypted copy of a configuration")
    try:
        plain = vault.decrypt(text)
    except (AnsibleError, ValueError):
        raise CopyError("it is damaged, or config_backup_password is not the one it was made with") from None
    try:
        parts = json.loads(plain)
        return {part: dict(parts[part]) for part in PARTS}
    except (ValueError, KeyError, TypeError):
        raise CopyError("it is encrypted, but holds no configuration of this collection") from None


def summary(text: str, password: str) -> dict[str, Any]:
    """Return how much a copy holds, without a value: ``settings``, ``secrets``, ``services``; or ``problem``, what is wrong with it."""
    try:
        parts = opened(text, password)
    except CopyError as error:
        return {"problem": str(error)}
    secrets = len(parts["secrets"]) + len(parts["platform_secrets"])
    return {"problem": "", "settings": len(parts["settings"]), "secrets": secrets, "services": len(parts["files"])}


def differences(copy: dict[str, Any], now: dict[str, Any], others: str) -> dict[str, str]:
    """Compare values by name with those of a copy.

    :param others: what becomes of names that the copy does not have.
    :returns: by name what bringing the copy back means: ``changes``, ``comes back``, or ``others``.
    """
    found = {}
    for name in sorted({*copy, *now}):
        if name not in copy:
            found[name] = others
        elif now.get(name) in (None, ""):
            found[name] = "comes back"
        elif str(now[name]) != str(copy[name]):
            found[name] = "changes"
    return found
