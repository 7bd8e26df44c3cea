# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: commands timed in turn (A B A B …), one JSON line per figure."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
INVENTORY = CHECKOUT / "inventories" / "lab"


def playbook_command(path: str, *arguments: str) -> list[str]:
    """Return the command line of a playbook on the lab, with this interpreter's Ansible."""
    return [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(INVENTORY), path, *arguments]


def seconds_of(command: list[str]) -> float:
    """Run a command from the checkout and return its wall time in seconds.

    :raises SystemExit: where it fails; a benchmark of a failure says nothing.
    """
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ)
    )
    seconds = time.monotonic() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}")
    return seconds


def compare(name: str, ours: list[str], reference: list[str], runs: int, warm_up: bool = True) -> None:
    """Time two commands in turn and print one figure: medians of both and of their ratio pair by pair."""
    if warm_up:
        seconds_of(ours)
        seconds_of(reference)
    pairs = [(seconds_of(ours), seconds_of(reference)) for _run in range(runs)]
    report(name, [pair[0] for pair in pairs], [pair[1] for pair in pairs])


def report(name: str, ours: list[float], reference: list[float], unit: str = "s") -> None:
    """Print one figure as a JSON line."""
    ratios = [one / other for one, other in zip(ours, reference, strict=True)]
    figure = {
        "name": name,
        "ours": round(statistics.median(ours), 3),
        "reference": round(statistics.median(reference), 3),
        "ratio": round(statistics.median(ratios), 3),
        "unit": unit,
        "runs": len(ours),
    }
    print(json.dumps(figure), flush=True)
