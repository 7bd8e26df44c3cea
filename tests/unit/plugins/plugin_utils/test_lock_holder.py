"""The lock: held while its playbook lives, free the moment it does not. Real processes, no SSH."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.halobuzz.platform.plugins.action.release_lock import held_by
from ansible_collections.halobuzz.platform.plugins.plugin_utils import lock_holder


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(lock_holder, "DIRECTORY", str(tmp_path))
    return ["/bin/sh", "-c", lock_holder.remote_command("platform")]


def take(command: list[str], playbook: int, info: str = "{}") -> dict[str, object]:
    """Start a holder for the process ``playbook`` and return its answer."""
    words = [sys.executable, lock_holder.__file__, str(playbook), lock_holder.start_time(playbook), info, *command]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as holder:
        assert holder.stdout
        answer: dict[str, object] = json.loads(holder.stdout.read())  # it closes its output once it has answered
        holder.returncode = 0  # it lives on, and ends with the playbook: not waited for
    return answer


@pytest.fixture
def playbook() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"])


def freed(command: list[str]) -> bool:
    """Whether the lock can be had within five seconds."""
    for _try in range(25):
        with subprocess.Popen(["sleep", "0.3"]) as other:
            if take(command, other.pid)["held"]:
                return True
        time.sleep(0.2)
    return False


def test_one_holds_it_and_the_other_learns_who(command: list[str], playbook: subprocess.Popen[bytes]) -> None:
    info = json.dumps({"by": "ana@ops1", "pid": 7, "since": "2026-11-24 03:00:00", "purpose": "deploy"})
    assert take(command, playbook.pid, info) == {"held": True}
    second = take(command, os.getpid())
    assert second["held"] is False
    assert (
        held_by(str(second["holder"])) == "ana@ops1 has held it since 2026-11-24 03:00:00 (UTC), process 7, for: deploy"
    )
    playbook.kill()
    playbook.wait()


def test_a_killed_playbook_frees_it(command: list[str], playbook: subprocess.Popen[bytes]) -> None:
    assert take(command, playbook.pid)["held"]
    playbook.kill()
    playbook.wait()
    assert freed(command)


def test_a_stopped_playbook_is_not_robbed(command: list[str], playbook: subprocess.Popen[bytes]) -> None:
    assert take(command, playbook.pid)["held"]
    playbook.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    assert not take(command, os.getpid())["held"]
    playbook.kill()
    playbook.wait()


def test_the_number_of_another_process_is_not_taken_for_the_playbook() -> None:
    assert lock_holder.is_alive(os.getpid(), lock_holder.start_time(os.getpid()))
    assert not lock_holder.is_alive(os.getpid(), "1")
    assert lock_holder.is_alive(os.getpid(), "")


def test_a_holder_that_has_not_written_yet_is_said_so() -> None:
    assert held_by("") == "another run holds it, and has not yet said who it is"
