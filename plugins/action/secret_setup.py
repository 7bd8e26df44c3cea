# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.secret_setup."""

from __future__ import annotations

from typing import Any

from ansible.parsing.vault import VaultLib
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.module_utils import _secret_setup
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.plugin_utils.refused import Refused
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store import SecretStore, StoreError
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_store_file import FileStore
from ansible_collections.halobuzz.platform.plugins.plugin_utils.secret_stores import STORE_SPEC, open_store

display = Display()


class ActionModule(ActionBase):
    """Create or complete the store of a platform's secrets."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "store": STORE_SPEC,
                "recipes": {"type": "dict", "required": True},
                "schema": {"type": "dict", "required": True},
                "environment": {"type": "str", "default": "production"},
                "settings": {"type": "dict", "default": {}},
            }
        )
        try:
            # The passwords of this run: -J, --vault-password-file.
            store = open_store(options["store"], VaultLib(secrets=self._loader._vault.secrets))
            if isinstance(store, FileStore):
                setup, result["changed"] = self._complete_file(store, options, task_vars)
            else:
                setup, result["changed"] = self._complete_server(store, options, task_vars)
        except StoreError as error:
            raise Refused(failure(error.code, error.reason, error.next_command)) from None
        done = result["changed"] and not self._task.check_mode
        for line in _secret_setup.report_lines(setup, store.place, store.advice, done):
            display.display(line)
        result.update(generated=setup.generated, needed=setup.needed)
        return result

    def _complete_server(
        self, store: SecretStore, options: dict[str, Any], task_vars: dict[str, Any]
    ) -> tuple[_secret_setup.Setup, bool]:
        """Complete the store, unless in check mode; return what it takes, and whether anything is new."""
        present: dict[str, Any] = {"config_secrets": {}}
        for name, versions in store.read().items():
            if versions.current:
                (present["config_secrets"] if name.isupper() else present)[name] = versions.current.value
        # The inventory's own values of these names come from the store, so they do not count as set elsewhere.
        elsewhere = {name: value for name, value in task_vars.items() if name not in options["recipes"]}
        setup = self._plan(options, present, elsewhere)
        if not self._task.check_mode:
            for name in setup.generated:
                value = setup.content[name] if name in options["recipes"] else setup.content["config_secrets"][name]
                store.set(name, str(value))
        return setup, bool(setup.generated)

    def _complete_file(
        self, store: FileStore, options: dict[str, Any], task_vars: dict[str, Any]
    ) -> tuple[_secret_setup.Setup, bool]:
        """As on a server, in one write."""
        file = store.file
        if not file.vault.secrets:
            raise Refused(failure(ErrorCode.E_VAULT, f"{file.path}: no vault password is known to this run"))
        with file.locked():
            present = file.load()
            file.require_secrets(present, task_vars.get("config_secrets"))
            elsewhere = {name: value for name, value in task_vars.items() if name not in present}
            setup = self._plan(options, present, elsewhere)
            new = bool(setup.generated) or not file.is_encrypted  # a plain file becomes an encrypted one
            if new and not self._task.check_mode:
                file.save(setup.content)
        return setup, new

    @staticmethod
    def _plan(options: dict[str, Any], present: dict[str, Any], elsewhere: dict[str, Any]) -> _secret_setup.Setup:
        return _secret_setup.complete(
            present, options["recipes"], options["schema"], options["environment"], options["settings"], elsewhere
        )
