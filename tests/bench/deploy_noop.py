# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deploy that changes nothing, on the lab's three hosts: against a warm ``ssh host true``, against stock tasks doing the same, and
with more services against as many as the platform has.

The lab must run the platform (make demo). Controller and hosts share this machine's cores, so stock tasks pay more here than in a fleet.
"""

from __future__ import annotations

import json
import sys

import yaml
from measure import CHECKOUT, compare, playbook_command, report, seconds_of

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SSH_TRUE = "tests/bench/ssh_true"
SERVICES_MORE = 8


def catalogue_with_more() -> str:
    """Write a catalogue with more services, copies of the smallest one behind no edge, and return the file's path."""
    services = yaml.safe_load((CHECKOUT / "roles/catalog/defaults/main.yml").read_text())["catalog_services"]
    (engine,) = (service for service in services if service["name"] == "ai-engine")
    copied = {key: value for key, value in engine.items() if key != "edge"}
    services += [
        {**copied, "name": f"more-{number}", "replicas": 1, "memory_limit_mb": 128} for number in range(SERVICES_MORE)
    ]
    path = CHECKOUT / ".cache" / "bench" / "catalogue.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"catalog_services": services}))
    return str(path)


def compare_services(few: list[str], many: list[str]) -> None:
    """Time deploys that change nothing, with few services and then with many; the platform has few again afterwards."""
    times = []
    for command in (few, many):
        seconds_of(command)  # brings that number about
        times.append([seconds_of(command) for _run in range(RUNS)])
    report(f"deploy_noop/services_{SERVICES_MORE}_more", times[1], times[0])
    seconds_of(few)


def main() -> None:
    """Print the figures."""
    ours = playbook_command("playbooks/deploy_prod.yml")
    compare("deploy_noop/ssh_true", ours, [str(CHECKOUT / SSH_TRUE)], RUNS)
    compare("deploy_noop/stock", ours, playbook_command("tests/bench/deploy_noop_stock.yml"), min(RUNS, 3))
    compare_services(ours, [*ours, "-e", f"@{catalogue_with_more()}"])


if __name__ == "__main__":
    main()
