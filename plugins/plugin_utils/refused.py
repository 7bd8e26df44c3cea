# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an action on the controller ends from anywhere inside of it."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail


class Refused(AnsibleActionFail):
    """Ends an action with the result of ``_errors.failure``: its text is the headline, its code is in the result."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(str(result["msg"]), result=result)
