# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.config_restore."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.parsing.vault import VaultLib
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.plugin_utils.config_copy import CopyError, differences, opened
from ansible_collections.halobuzz.platform.plugins.plugin_utils.refused import Refused
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import SecretStore, StoreError
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_file import FileStore
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_stores import STORE_SPEC, open_store
from ansible_collections.halobuzz.platform.plugins.plugin_utils.variables_file import literal, yaml_text

display = Display()
HEADER = """\
# Settings that came back from {source}. They win over the other files of this folder, as its name is the last:
# move them to where you keep them, then remove this file.
"""
STAYS, GOES = "stays, the copy does not have it", "goes, the copy does not have it"


class ActionModule(ActionBase):
    """Bring the settings and secrets of a copy back into the inventory and its store."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "copy": {"type": "str"},
                "source": {"type": "str", "required": True},
                "password": {"type": "str", "required": True, "no_log": True},
                "settings": {"type": "dict", "default": {}},
                "secrets": {"type": "dict", "default": {}, "no_log": True},
                "platform_secrets": {"type": "dict", "default": {}, "no_log": True},
                "settings_file": {"type": "path", "required": True},
                "store": STORE_SPEC,
            }
        )
        try:
            parts = opened(options["copy"] or _read(options["source"]), options["password"])
            settings = differences(parts["settings"], options["settings"], GOES)
            copied = {**parts["secrets"], **_known(parts["platform_secrets"], options["platform_secrets"])}
            secrets = differences(copied, {**options["secrets"], **options["platform_secrets"]}, STAYS)
            new = {name: copied[name] for name, what in secrets.items() if what != STAYS}
            if new and not self._task.check_mode:
                store = self._store(options)
                for name, value in new.items():
                    store.set(name, str(value))
            if settings and not self._task.check_mode:
                _write_settings(Path(options["settings_file"]), options["source"], parts["settings"])
        except CopyError as error:
            raise Refused(failure(ErrorCode.E_CONFIG_COPY, f"{options['source']}: {error}")) from None
        except StoreError as error:
            raise Refused(failure(error.code, error.reason, error.next_command)) from None
        for line in self._lines(options, settings, secrets, len(new)):
            display.display(line)
        result.update(changed=bool(settings or new), settings=settings, secrets=secrets)
        return result

    def _store(self, options: dict[str, Any]) -> SecretStore:
        store = open_store(options["store"], VaultLib(secrets=self._loader._vault.secrets))
        if isinstance(store, FileStore):
            store.file.require_secrets(store.file.load(), options["secrets"])
        return store

    def _lines(
        self, options: dict[str, Any], settings: dict[str, str], secrets: dict[str, str], written: int
    ) -> list[str]:
        """Return what a person reads: names and what becomes of them, no value."""
        if not settings and not written:
            return [f"✅ The inventory has the configuration of {options['source']} already"]
        lines = [f"Configuration of {options['source']}:"]
        lines += [f"  setting  {name}: {what}" for name, what in settings.items()]
        lines += [f"  secret   {name}: {what}" for name, what in secrets.items()]
        if self._task.check_mode:
            return lines
        if settings:
            lines.append(f"✅ Settings are in {options['settings_file']}")
        if written:
            lines.append(f"✅ {written} secrets are in the store; the values before are kept as previous ones")
        return [*lines, "Next: make deploy-prod ARGS='--check --diff' shows what it would change on the platform"]


def _read(source: str) -> str:
    """Return a file as it is; Ansible's own lookup would try to decrypt it with the passwords of this run."""
    try:
        return Path(source).expanduser().read_text()
    except (OSError, UnicodeError) as error:
        raise CopyError(getattr(error, "strerror", None) or "this is no encrypted copy of a configuration") from None


def _known(copied: dict[str, Any], present: dict[str, Any]) -> dict[str, Any]:
    """Return the platform's own secrets that this version of the collection knows."""
    return {name: value for name, value in copied.items() if name in present}


def _write_settings(path: Path, source: str, settings: dict[str, Any]) -> None:
    text = yaml_text({"config_environment": {name: literal(value) for name, value in settings.items()}})
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text("---\n" + HEADER.format(source=source) + text)
    new.replace(path)
