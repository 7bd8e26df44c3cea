# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.secret_setup."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.module_utils import _secret_setup
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.plugin_utils.refused import Refused

display = Display()
HEADER = "# Secrets of the platform. To change it: ansible-vault edit THIS_FILE; to complete it: make setup-env\n"


class _NoSecrets(yaml.SafeLoader):
    """Refuses Ansible's own tags, such as a single value in vault form, instead of losing them."""


class ActionModule(ActionBase):
    """Create or complete the vault file of a platform's secrets."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "path": {"type": "path", "required": True},
                "recipes": {"type": "dict", "required": True},
                "schema": {"type": "dict", "required": True},
                "environment": {"type": "str", "default": "production"},
                "settings": {"type": "dict", "default": {}},
            }
        )
        path = Path(options["path"])
        vault = VaultLib(secrets=self._loader._vault.secrets)  # those of this run: -J, --vault-password-file
        if not vault.secrets:
            text = f"{path}: no vault password is known to this run"
            raise Refused(failure(ErrorCode.E_VAULT, text))
        present, encrypted = self._read(path, vault)
        elsewhere = {name: value for name, value in task_vars.items() if name not in present}
        if "config_secrets" not in present and task_vars.get("config_secrets"):
            text = f"config_secrets is set in another file than {path}; only one of them would count"
            advice = "-e config_setup_file=THAT_FILE, or move it into this one"
            raise Refused(failure(ErrorCode.E_VAULT, text, advice))
        setup = _secret_setup.complete(
            present,
            options["recipes"],
            options["schema"],
            options["environment"],
            options["settings"],
            elsewhere,
        )
        result["changed"] = bool(setup.generated) or not encrypted  # a plain file becomes an encrypted one
        written = result["changed"] and not self._task.check_mode
        if written:
            self._write(path, vault, setup.content)
        for line in _secret_setup.report_lines(setup, str(path), written):
            display.display(line)
        result.update(generated=setup.generated, needed=setup.needed)
        return result

    def _read(self, path: Path, vault: VaultLib) -> tuple[dict[str, Any], bool]:
        """Return the file's variables, and whether it is encrypted; a file that does not exist holds nothing."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return {}, False
        except OSError as error:
            raise Refused(failure(ErrorCode.E_VAULT, f"{path}: {error.strerror}")) from None
        encrypted = vault.is_encrypted(data)
        try:
            text = vault.decrypt(data) if encrypted else data
            content = yaml.load(text, Loader=_NoSecrets) or {}  # noqa: S506 - a safe loader
        except AnsibleError:
            text = f"{path} cannot be opened with the vault password of this run"
            raise Refused(failure(ErrorCode.E_VAULT, text)) from None
        except yaml.YAMLError as error:
            # The error's text would quote the line.
            mark = getattr(error, "problem_mark", None)
            line = f" (line {mark.line + 1})" if mark else ""
            text = f"{path} is no YAML file of plain variables{line}"
            advice = f"ansible-vault edit {path}; single values in vault form become plain ones there"
            raise Refused(failure(ErrorCode.E_VAULT, text, advice)) from None
        if not isinstance(content, dict) or not isinstance(content.get("config_secrets") or {}, dict):
            text = f"{path} does not hold variables by name"
            raise Refused(failure(ErrorCode.E_VAULT, text, f"ansible-vault edit {path}"))
        return content, encrypted

    @staticmethod
    def _write(path: Path, vault: VaultLib, content: dict[str, Any]) -> None:
        """Replace the file in one step; whoever is killed leaves the old one."""
        plain = json.loads(json.dumps(content))  # Ansible's strings carry tags that YAML cannot write
        text = HEADER + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=4096)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 600
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(vault.encrypt(text.encode()))
                new.flush()
                os.fsync(new.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
