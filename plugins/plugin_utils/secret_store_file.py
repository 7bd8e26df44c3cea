# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in a file that ansible-vault encrypts: the store that needs nothing else.

The file is one of group_vars, so its variables count without any lookup. The labels *previous* and *pending* stand beside them, in
``config_secret_versions``. Every step replaces the file in one rename.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import (
    NOTHING,
    SecretStore,
    StoreError,
    Version,
    Versions,
    promoted,
    staged,
)
from ansible_collections.halobuzz.platform.plugins.plugin_utils.variables_file import literal, load_yaml, yaml_text

HEADER = "# Secrets of the platform. To change it: ansible-vault edit THIS_FILE; to complete it: make setup-env\n"
SETTINGS = "config_secrets"
LABELS = "config_secret_versions"


class VaultFile:
    """A vault file as variables by name."""

    def __init__(self, path: Path, vault: VaultLib) -> None:
        self.path = path
        self.vault = vault
        self.is_encrypted = False

    def load(self) -> dict[str, Any]:
        """Return the variables; a file that does not exist holds none.

        :raises StoreError: it cannot be read, opened (E_STORE_LOGIN), or understood.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except PermissionError as error:
            raise StoreError(ErrorCode.E_STORE_DENIED, f"{self.path}: {error.strerror}") from None
        except OSError as error:
            raise StoreError(ErrorCode.E_STORE_UNREACHABLE, f"{self.path}: {error.strerror}") from None
        self.is_encrypted = self.vault.is_encrypted(data)
        try:
            text = self.vault.decrypt(data) if self.is_encrypted else data
            content = load_yaml(text) or {}
        except AnsibleError:
            reason = f"{self.path} cannot be opened with the vault password of this run"
            raise StoreError(ErrorCode.E_STORE_LOGIN, reason) from None
        except yaml.YAMLError as error:
            # The error's text would quote the line.
            mark = getattr(error, "problem_mark", None)
            line = f" (line {mark.line + 1})" if mark else ""
            advice = "single values in vault form become plain ones there (ansible-vault edit)"
            reason = f"{self.path} is no YAML file of plain variables{line}; {advice}"
            raise StoreError(ErrorCode.E_VAULT, reason) from None
        parts = (
            [content, content.get(SETTINGS) or {}, content.get(LABELS) or {}] if isinstance(content, dict) else [None]
        )
        if not all(isinstance(part, dict) for part in parts):
            raise StoreError(ErrorCode.E_VAULT, f"{self.path} does not hold variables by name")
        return content

    def save(self, content: dict[str, Any]) -> None:
        """Replace the file in one step; whoever is killed leaves the old one.

        :raises StoreError: the folder cannot be written.
        """
        text = HEADER + yaml_text(content)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")  # mode 600
        except OSError as error:
            raise StoreError(ErrorCode.E_STORE_DENIED, f"{self.path.parent}: {error.strerror}") from None
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(self.vault.encrypt(text.encode()))
                new.flush()
                os.fsync(new.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self.is_encrypted = True

    def require_secrets(self, content: dict[str, Any], config_secrets: Any) -> None:
        """See that the settings' secrets are to be found in this file, if anywhere.

        :param content: from :meth:`load`.
        :param config_secrets: as the inventory has them.
        :raises StoreError: another file sets them; only one of the two would count.
        """
        if SETTINGS not in content and config_secrets:
            reason = f"config_secrets is set in another file than {self.path}; only one of them would count"
            raise StoreError(ErrorCode.E_VAULT, reason, "-e config_setup_file=THAT_FILE, or move it into this one")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs on this controller from writing; the kernel frees the lock of a run that dies."""
        folder = self.path.parent
        if not folder.is_dir():  # the file's first writer makes it
            yield
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class FileStore(SecretStore):
    """The settings of the application (``config_secrets``) and every other variable of the file, in one name space."""

    def __init__(self, file: VaultFile) -> None:
        self.file = file
        self.place = str(file.path)
        self.advice = f"under config_secrets: ansible-vault edit {file.path}"

    def read(self) -> dict[str, Versions]:
        """See :meth:`SecretStore.read`."""
        return _versions(self.file.load())

    def read_one(self, name: str) -> Versions:
        """See :meth:`SecretStore.read_one`."""
        return self.read().get(name, NOTHING)

    def stage(self, name: str, value: str) -> Versions:
        """See :meth:`SecretStore.stage`."""
        return self._change(name, lambda versions: staged(versions, Version(str(uuid.uuid4()), value)))

    def promote(self, name: str) -> Versions:
        """See :meth:`SecretStore.promote`."""
        return self._change(name, promoted)

    def discard(self, name: str) -> Versions:
        """See :meth:`SecretStore.discard`."""
        return self._change(name, lambda versions: Versions(versions.current, versions.previous))

    def _change(self, name: str, change: Any) -> Versions:
        with self.file.locked():
            content = self.file.load()
            before = _versions(content).get(name, NOTHING)
            after: Versions = change(before)
            if after != before:
                _put(content, name, after)
                self.file.save(content)
            return after


def _versions(content: dict[str, Any]) -> dict[str, Versions]:
    """Return the labelled values of a file's variables. What is no text, such as a list, is no secret."""
    labels = content.get(LABELS) or {}
    values = {name: value for name, value in content.items() if name not in (SETTINGS, LABELS)}
    values.update(content.get(SETTINGS) or {})
    found = {}
    for name in [*values, *(name for name in labels if name not in values)]:
        kept = labels.get(name) or {}
        value = values.get(name)
        if value is not None and not isinstance(value, str | int | float):
            continue
        found[name] = Versions(
            # Who edits the file by hand changes the value and not its id.
            current=None if value in (None, "") else Version(str(kept.get("current", "unversioned")), str(value)),
            **{label: Version(**kept[label]) for label in ("previous", "pending") if label in kept},
        )
    return found


def _put(content: dict[str, Any], name: str, versions: Versions) -> None:
    if versions.current:
        # The environment's variables are written in capitals, Ansible's are not.
        place = content.setdefault(SETTINGS, {}) if name.isupper() else content
        place[name] = literal(versions.current.value)
    labels: dict[str, Any] = {"current": versions.current.id} if versions.current else {}
    for label in ("previous", "pending"):
        version = getattr(versions, label)
        if version:
            labels[label] = {"id": version.id, "value": literal(version.value)}
    content.setdefault(LABELS, {})[name] = labels
