# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of 200 variables, something wrong with every one of them, checked on the controller: no lab is needed.

- ``config_check/check``: reading the file, finding and writing out its problems, against reading the schema that they are found with.
- ``config_check/command``: the whole command as a person types it, against an Ansible that runs one empty play.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path
from typing import Any

import yaml
from ansible.plugins.loader import init_plugin_loader
from measure import CHECKOUT, playbook_command, report

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
VARIABLES = 200
EMPTY_PLAY = "- {hosts: localhost, gather_facts: false, tasks: []}\n"
SCHEMA = CHECKOUT / "roles/config/vars/schema.yml"
SERVICES = CHECKOUT / "roles/catalog/defaults/main.yml"


def bad_file(names: list[str]) -> str:
    """Return a file of 200 variables: each one of the schema with a placeholder, then misspelt ones (a letter twice, a number)."""
    misspelt = (f"{name[:3]}{name[2:]}{number}" for number in count(1) for name in names)
    return "".join(f"{name}=changeme\n" for name in [*names, *islice(misspelt, VARIABLES - len(names))])


def seconds(work: Callable[[], object]) -> float:
    """Return the wall time of a call in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run(path: str, *arguments: str) -> str:
    """Run a playbook on the controller alone and return what it printed; its exit code is the report's affair."""
    command = playbook_command(path, *arguments)
    command[command.index("-i") + 1] = "localhost,"
    return subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def main() -> None:
    """Print the figures.

    :raises SystemExit: where a variable without a problem makes the figures worthless.
    """
    init_plugin_loader([str(CHECKOUT / ".tools" / "collections")])  # only now can the collection be imported
    from ansible_collections.halobuzz.platform.plugins.module_utils import _config_findings, _env_file
    from ansible_collections.halobuzz.platform.plugins.module_utils._config_check import Context, check

    schema = yaml.safe_load(SCHEMA.read_text())["__config_schema"]
    context = Context(services=yaml.safe_load(SERVICES.read_text())["catalog_services"])
    with tempfile.TemporaryDirectory() as folder:
        file, empty = Path(folder, "bad.env"), Path(folder, "empty.yml")
        file.write_text(bad_file(list(schema)))
        empty.write_text(EMPTY_PLAY)

        def found() -> list[Any]:
            entries, findings = _env_file.parse(file.read_bytes())
            return _config_findings.in_order(findings + check(entries, schema, context))

        def command() -> str:
            return run("playbooks/config_check.yml", "-e", f"config_check_env_file={file}")

        names, printed = {one.name for one in found()}, command()
        for name in (line.partition("=")[0] for line in file.read_text().splitlines()):
            if name not in names or name not in printed:
                raise SystemExit(f"{name} has no problem, or is not in the report:\n{printed[-2000:]}")
        for name, ours, reference in (
            (
                "check",
                lambda: _config_findings.text_lines(found(), str(file), context.environment, VARIABLES),
                lambda: yaml.safe_load(SCHEMA.read_text()),
            ),
            ("command", command, lambda: run(str(empty))),
        ):
            pairs = [(seconds(ours), seconds(reference)) for _run in range(RUNS)]
            report(f"config_check/{name}", [pair[0] for pair in pairs], [pair[1] for pair in pairs])


if __name__ == "__main__":
    main()
