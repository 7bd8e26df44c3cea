# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failpoints without a line of them in the product: something happens where the task named in ``AT_TASK`` would start, once."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: at_task
type: aggregate
short_description: run a command at a task
description: For tests.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Run the shell command ``AT_TASK_DO`` before the named task starts; its ``$PPID`` is ansible-playbook."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "at_task"
    CALLBACK_NEEDS_ENABLED = True
    _done = False

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Called by Ansible for each task."""
        del is_conditional
        if not self._done and task.get_name().rpartition(" : ")[2] == os.environ["AT_TASK"]:
            self._done = True
            self._display.display(f"AT_TASK: {os.environ['AT_TASK_DO']}")
            done = subprocess.run(os.environ["AT_TASK_DO"], shell=True)  # noqa: S602 - the test's own words
            self._display.display(f"AT_TASK ended with {done.returncode}")
