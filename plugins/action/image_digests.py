# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.image_digests."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.plugin_utils.lean import run_lean

_CODES = {"not_found": ErrorCode.E_IMAGE}


class ActionModule(ActionBase):
    """Ask the registry, from the task's host, which digest each tag has now."""

    _requires_connection = True
    _VALID_ARGS = frozenset(("references", "certificates", "missing_allowed"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = self._task.args
        parameters = {"references": list(args["references"]), "certificates": args.get("certificates") or {}}
        answer = run_lean(self, "_registry", parameters, task_vars or {})
        if answer.get("failed"):
            result.update(answer)
            return result
        images: dict[str, dict[str, str]] = answer["images"]
        passable = ("found", "not_found") if args.get("missing_allowed") else ("found",)
        bad = {reference: image for reference, image in images.items() if image["outcome"] not in passable}
        if bad:
            outcome = next(iter(bad.values()))["outcome"]
            lines = [
                f"{reference}: {image['outcome'].replace('_', ' ')} {image['detail']}".rstrip()
                for reference, image in bad.items()
            ]
            result.update(failure(_CODES.get(outcome, ErrorCode.E_REGISTRY), "\n  ".join(lines)))
            return result
        result["digests"] = {
            reference: image["digest"] for reference, image in images.items() if image["outcome"] == "found"
        }
        result["missing"] = [reference for reference, image in images.items() if image["outcome"] == "not_found"]
        result["changed"] = False
        return result
