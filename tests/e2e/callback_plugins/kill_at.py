# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failpoints without a line of them in the product: kills ansible-playbook where the task named in ``KILL_AT`` would start."""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kill_at
type: aggregate
short_description: kill ansible-playbook at a task
description: For tests.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Kill this process with SIGKILL before the named task starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kill_at"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Called by Ansible for each task."""
        del is_conditional
        if task.get_name().rpartition(" : ")[2] == os.environ["KILL_AT"]:
            os.kill(os.getpid(), signal.SIGKILL)
