# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two small programs that keep a lock: one beside ansible-playbook, one on the manager.

The lock is ``flock`` on a file of the manager, so the kernel frees it when its holder ends, and nobody ever has to unlock by hand.
The remote program holds it until its standard input ends; that is the SSH channel, which the local program keeps open for as long
as ansible-playbook lives. A killed playbook, a crashed controller and a cut connection all end it; a stopped one (SIGSTOP) does not.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

DIRECTORY = "/run/lock"

# On the manager, as the login user: /run/lock is writable for all (Filesystem Hierarchy Standard 3.0, 5.6).
REMOTE = """\
import fcntl, json, os, sys
path = sys.argv[1]
try:
    handle = os.open(path, os.O_RDWR)
except FileNotFoundError:
    os.umask(0)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
mine = sys.stdin.readline()
try:
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    print(json.dumps({"held": False, "holder": os.pread(handle, 4096, 0).decode(errors="replace")}), flush=True)
    sys.exit()
os.ftruncate(handle, 0)
os.pwrite(handle, mine.encode(), 0)
print(json.dumps({"held": True}), flush=True)
sys.stdin.read()
"""


def remote_command(name: str) -> str:
    """Return the shell command that takes the lock ``name`` and holds it."""
    return f"python3 -IS -c {shlex.quote(REMOTE)} {shlex.quote(f'{DIRECTORY}/{name}.lock')}"


def start_time(pid: int) -> str:
    """Return when a process started, in the kernel's own unit, so that a reused number is told apart; empty where it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def is_alive(pid: int, started: str) -> bool:
    """Whether this very process still runs."""
    if started:
        return start_time(pid) == started
    try:  # no /proc on this controller
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Hold the lock while a process lives: ``PID START_TIME INFO COMMAND...``; the command's first line goes to our output."""
    pid, started, info, command = int(arguments[0]), arguments[1], arguments[2], arguments[3:]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as remote:
        if not (remote.stdin and remote.stdout and remote.stderr):
            return 1
        try:
            remote.stdin.write(info + "\n")
            remote.stdin.flush()
        except OSError:
            pass  # it ended at once; its standard error says why
        answer = remote.stdout.readline()
        print(answer.strip() or f"no answer: {remote.stderr.read().strip()[-300:]}", flush=True)
        devnull = os.open(os.devnull, os.O_RDWR)
        os.dup2(devnull, 1)  # the action waits for the end of this pipe
        while is_alive(pid, started):
            try:
                remote.wait(0.5)
                break
            except subprocess.TimeoutExpired:
                continue
        remote.stdin.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
