# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of halobuzz.platform.release_lock: start the process that holds it, and hear whether it does."""

from __future__ import annotations

import getpass
import json
import os
import platform
import select
import subprocess
import sys
from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.plugin_utils import lock_holder

_ANSWER_SECONDS = 15


def held_by(text: str) -> str:
    """Say who holds the lock, from what the holder wrote into it."""
    try:
        holder = json.loads(text)
        return f"{holder['by']} has held it since {holder['since']} (UTC), process {holder['pid']}, for: {holder['purpose']}"
    except (ValueError, KeyError, TypeError):
        return "another run holds it, and has not yet said who it is"


class ActionModule(ActionBase):
    """Take the lock and keep it until the playbook ends, however it ends."""

    _requires_connection = True
    _VALID_ARGS = frozenset(("name", "purpose"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See the module's documentation."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        if self._task.check_mode:
            return {**result, "skipped": True}
        command = self._command(lock_holder.remote_command(self._task.args["name"]))
        if not command:
            result["warnings"] = [
                f"no lock over a {self._connection.transport} connection with a password: see that nobody else deploys"
            ]
            return result
        playbook = os.getppid()
        info = {
            "by": f"{getpass.getuser()}@{platform.node()}",
            "pid": playbook,
            "since": f"{datetime.now(tz=timezone.utc):%Y-%m-%d %H:%M:%S}",
            "purpose": self._task.args["purpose"],
        }
        words = [
            sys.executable,
            lock_holder.__file__,
            str(playbook),
            lock_holder.start_time(playbook),
            json.dumps(info),
            *command,
        ]
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        # It lives on after its answer, until the playbook ends: nobody waits for its end.
        output = process.stdout
        said = output.readline() if output and select.select([output], [], [], _ANSWER_SECONDS)[0] else ""
        if not said:
            process.kill()
            said = f"no answer within {_ANSWER_SECONDS} s"
        return {**result, **self._outcome(said.strip(), str(task_vars["inventory_hostname"]))}

    def _outcome(self, said: str, host: str) -> dict[str, Any]:
        try:
            answer = json.loads(said)
        except ValueError:
            # Nobody is known to hold it: the host restarts, or has gone.
            return failure(
                ErrorCode.E_LOCKED,
                f"the lock on {host} could not be taken: {said}",
                f"see that {host} answers (make status says which hosts do), then run the same command again",
            )
        if answer["held"]:
            return {}
        return failure(ErrorCode.E_LOCKED, held_by(answer["holder"]))

    def _command(self, remote: str) -> list[str]:
        """Return the words that run a shell command on the host, or none where that needs a password."""
        connection = self._connection
        if connection.transport == "local":
            return ["/bin/sh", "-c", remote]
        if connection.transport != "ssh" or connection.get_option("password"):
            return []
        connection.host = connection.get_option("host") or self._play_context.remote_addr
        words = connection._build_command(connection.get_option("ssh_executable"), "ssh", connection.host, remote)
        return [os.fsdecode(word) for word in words]
