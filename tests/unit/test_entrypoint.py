"""The services' entry point (roles/stack/files/entrypoint.sh), run by a real shell."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

# Dies of SIGTERM as the real service does, with a code of its own; ends by itself after the given seconds.
SERVICE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print(os.environ["GREETING"], flush=True)
time.sleep(float(sys.argv[1]))
sys.exit(3)
"""


@pytest.fixture
def entrypoint(tmp_path: Path) -> list[str]:
    settings = tmp_path / "environment"
    settings.write_text("GREETING='it''s me'\n")
    script = tmp_path / "entrypoint"
    text = (CHECKOUT / "roles" / "stack" / "files" / "entrypoint.sh").read_text()
    script.write_text(text.replace("/run/secrets/environment", str(settings)))
    return ["/bin/sh", str(script), sys.executable, "-c", SERVICE]


def start(command: list[str], seconds: str, drain_seconds: str) -> subprocess.Popen[str]:
    environment = {"HALOBUZZ_DRAIN_SECONDS": drain_seconds, "PATH": "/usr/bin:/bin"}
    return subprocess.Popen([*command, seconds], stdout=subprocess.PIPE, text=True, env=environment)


def test_sigterm_reaches_the_service_only_after_the_drain(entrypoint: list[str]) -> None:
    with start(entrypoint, "30", "1.5") as task:
        assert task.stdout
        assert task.stdout.readline() == "its me\n"
        asked_at = time.monotonic()
        task.terminate()
        time.sleep(0.2)
        task.terminate()  # a second one neither hurries it nor starts another wait
        code = task.wait(10)
    assert code == 7
    assert 1.3 < time.monotonic() - asked_at < 5


def test_a_service_that_ends_by_itself_takes_the_task_with_it(entrypoint: list[str]) -> None:
    with start(entrypoint, "0.1", "30") as task:
        assert task.wait(10) == 3
