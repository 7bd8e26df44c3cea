# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.config_check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.halobuzz.platform.plugins.module_utils import _config_findings, _env_file
from ansible_collections.halobuzz.platform.plugins.module_utils._config_check import Context, check
from ansible_collections.halobuzz.platform.plugins.module_utils._config_findings import ERROR, Finding
from ansible_collections.halobuzz.platform.plugins.module_utils._env_file import Entry
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.plugin_utils.refused import Refused

display = Display()
LIMITS = ("memory_mb", "mongodb_connections", "drain_seconds", "request_timeout_seconds")


class ActionModule(ActionBase):
    """Report everything that is wrong with an environment, and fail once."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        _validation, options = self.validate_argument_spec(
            argument_spec={
                "schema": {"type": "dict", "required": True},
                "schema_extra": {"type": "dict", "default": {}},
                "environment": {"choices": ["production", "staging", "development"], "default": "production"},
                "env_file": {"type": "path"},
                "settings": {"type": "dict", "default": {}},
                "secrets": {"type": "dict", "default": {}, "no_log": True},
                "given_by_platform": {"type": "list", "elements": "str", "default": []},
                "report": {"choices": ["always", "problems"], "default": "always"},
                "accepted": {"type": "list", "elements": "str", "default": []},
                "services": {"type": "list", "elements": "dict", "default": []},
                "limits": {"type": "dict", "default": {}, "options": {name: {"type": "int"} for name in LIMITS}},
                "variables": {"type": "list", "elements": "dict", "default": []},
                "probes": {"type": "list", "elements": "dict", "default": []},
                "files": {"type": "dict", "default": {}},
                "json_file": {"type": "path"},
                "junit_file": {"type": "path"},
                "sarif_file": {"type": "path"},
            }
        )
        source = options["env_file"] or "the inventory"
        entries, findings = self._entries(options)
        context = Context(
            environment=options["environment"],
            services=options["services"],
            given_by_platform=frozenset(options["given_by_platform"]),
            **{name: value for name, value in options["limits"].items() if value is not None},
        )
        findings += check(entries, options["schema"], context, options["schema_extra"])
        findings += _config_findings.of_variables(options["variables"])
        findings += _config_findings.of_probes(options["probes"]) + _config_findings.of_files(options["files"])
        findings = _config_findings.in_order(_config_findings.with_accepted(findings, options["accepted"]))
        errors = sum(one.severity == ERROR for one in findings)
        if options["report"] == "always" or errors:
            for line in _config_findings.text_lines(findings, source, context.environment, len(entries)):
                display.display(line)
            for line in _config_findings.file_lines(options["files"]):
                display.display(line)
        elif findings:
            display.display(f"Configuration: {len(findings)} warnings, shown by make config-check")
        self._write_reports(options, findings, source, len(entries))
        if errors:
            text = f"{errors} error{'s' if errors != 1 else ''} in {source}, listed above. Nothing was changed."
            result.update(failure(ErrorCode.E_CONFIG, text))
        else:  # Ansible prints a failed task's result: everything a second time
            result["findings"] = [one.as_dict() for one in findings]
        return result

    def _entries(self, options: dict[str, Any]) -> tuple[list[Entry], list[Finding]]:
        if options["env_file"]:
            path = Path(options["env_file"])
            try:
                return _env_file.parse(path.read_bytes())
            except OSError as error:
                reason = f"{path}: {error.strerror}"
                raise Refused(failure(ErrorCode.E_CONFIG, reason, f"ls -l {path}")) from None
        plain = [Entry(name, str(value), plain=True) for name, value in options["settings"].items()]
        return plain + [Entry(name, str(value)) for name, value in options["secrets"].items()], []

    @staticmethod
    def _write_reports(options: dict[str, Any], findings: list[Finding], source: str, count: int) -> None:
        environment = options["environment"]
        for option, text in (
            ("json_file", lambda: _config_findings.as_json(findings, source, environment, count)),
            ("junit_file", lambda: _config_findings.as_junit(findings, source, environment)),
            ("sarif_file", lambda: _config_findings.as_sarif(findings, source)),
        ):
            if not options[option]:
                continue
            try:
                Path(options[option]).write_text(text(), encoding="utf-8")
            except OSError as error:
                reason = f"{option} {options[option]}: {error.strerror}"
                raise Refused(failure(ErrorCode.E_CONFIG, reason, "give another path")) from None
