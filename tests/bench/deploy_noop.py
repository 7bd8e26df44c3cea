# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deploy that changes nothing, on the lab's three hosts: against a warm ``ssh host true``, and against stock tasks doing the same.

The lab must run the platform (make demo). Controller and hosts share this machine's cores, so stock tasks pay more here than in a fleet.
"""

from __future__ import annotations

import sys

from measure import CHECKOUT, compare, playbook_command

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SSH_TRUE = "tests/bench/ssh_true"


def main() -> None:
    """Print the figures."""
    ours = playbook_command("playbooks/deploy_prod.yml")
    compare("deploy_noop/ssh_true", ours, [str(CHECKOUT / SSH_TRUE)], RUNS)
    compare("deploy_noop/stock", ours, playbook_command("tests/bench/deploy_noop_stock.yml"), min(RUNS, 3))


if __name__ == "__main__":
    main()
