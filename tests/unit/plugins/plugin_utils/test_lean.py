"""The program that travels to a host: it runs there without any file of ours."""

from __future__ import annotations

import json
import subprocess
import sys

from ansible_collections.halobuzz.platform.plugins.plugin_utils import lean


def test_sources_come_in_the_order_in_which_they_need_each_other() -> None:
    names = list(lean.sources_of("_health_checks"))
    assert names[-1] == "_health_checks"
    assert {"_health", "_host_state", "_errors"} <= set(names)


def test_the_program_runs_where_the_collection_is_not() -> None:
    program = lean._program("_host_state", {"wanted": {"directories": [{"path": "/", "mode": "0755"}]}})
    done = subprocess.run([sys.executable, "-IS", "-"], input=program, capture_output=True, text=True, cwd="/")
    line = next(line for line in done.stdout.splitlines() if line.startswith(lean._MARK))
    assert json.loads(line.removeprefix(lean._MARK))["found"] == []


def test_no_parameter_can_end_the_program_early() -> None:
    nasty = '\'"""\\\n' + "x" * 10
    program = lean._program("_host_state", {"wanted": {"directories": [{"path": nasty, "mode": "0755"}]}})
    done = subprocess.run([sys.executable, "-IS", "-"], input=program, capture_output=True, text=True, cwd="/")
    line = next(line for line in done.stdout.splitlines() if line.startswith(lean._MARK))
    assert json.loads(line.removeprefix(lean._MARK))["found"][0]["name"] == nasty
