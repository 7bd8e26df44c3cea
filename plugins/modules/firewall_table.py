#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_table
short_description: Load an nft table so that nobody is locked out
version_added: 0.1.0
description:
  - With O(state=trial), refuses rules that would shut out the SSH connection by which the task came, then sets a timer on the
    host that takes the rules back, then loads them in one transaction.
  - With O(state=confirmed), which has to come by a new SSH connection, stops the timer and records what is loaded, so that
    M(halobuzz.platform.drift) notices changes made by hand.
  - With O(state=absent), removes the table and its unit's enablement.
  - Other tables are not touched, so Docker's rules stay as they are.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: none
  diff_mode:
    support: none
options:
  state:
    description: The step.
    type: str
    choices: [trial, confirmed, absent]
    required: true
  table:
    description: Name of the table in the family C(inet).
    type: str
    required: true
  candidate_file:
    description: The rules to try, a file for C(nft -f). Needed for O(state=trial).
    type: path
  ruleset_file:
    description: The rules that are loaded at boot. They come back where the trial is not confirmed. Needed for O(state=trial).
    type: path
  allowed:
    description: What the rules let in, to judge the present connection by. Needed for O(state=trial).
    type: dict
    suboptions:
      trusted:
        description: Addresses that may reach everything.
        type: list
        elements: str
        required: true
      management:
        description: Addresses that may reach the SSH ports; all where empty.
        type: list
        elements: str
        required: true
      ssh_ports:
        description: The SSH ports.
        type: list
        elements: str
        required: true
      public_ports:
        description: Ports open to everybody.
        type: list
        elements: str
        required: true
      interfaces:
        description: Interfaces from which everything is let in.
        type: list
        elements: str
        required: true
  confirm_seconds:
    description: Time until an unconfirmed trial is taken back.
    type: int
    default: 120
  trial_connection:
    description: RV(connection) of the trial. Needed for O(state=confirmed).
    type: str
  record_file:
    description: Where the hash of the loaded table is kept. Needed for O(state=confirmed).
    type: path
  unit:
    description: The unit that loads the rules at boot. Needed for O(state=absent).
    type: str
"""

EXAMPLES = r"""
- name: Try the rules
  halobuzz.platform.firewall_table:
    state: trial
    table: halobuzz_firewall
    candidate_file: /etc/halobuzz/firewall/candidate.nft
    ruleset_file: /etc/halobuzz/firewall/ruleset.nft
    allowed:
      trusted: [10.0.0.11, 10.0.0.12]
      management: []
      ssh_ports: ["22"]
      public_ports: ["80"]
      interfaces: [docker0]
  register: trial

- name: Keep the rules, as they let a new connection in
  halobuzz.platform.firewall_table:
    state: confirmed
    table: halobuzz_firewall
    trial_connection: "{{ trial.connection }}"
    record_file: /etc/halobuzz/firewall/listing.sha256
  vars:
    ansible_control_path: none
"""

RETURN = r"""
connection:
  description: The C(SSH_CONNECTION) by which the task came; empty without SSH.
  returned: success
  type: str
error_code:
  description: A documented code where the task failed.
  returned: failure
  type: str
  sample: E_LOCKOUT
"""

import os
import subprocess
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.module_utils._files import replace_file
from ansible_collections.halobuzz.platform.plugins.module_utils._firewall import (
    FirewallRefused,
    check_controller,
    check_uplinks,
    parse_connection,
    uplinks,
)
from ansible_collections.halobuzz.platform.plugins.module_utils._host_state import nftables_listing

DEAD_MAN = "halobuzz-firewall-undo"


class StepFailed(Exception):
    """A step that could not be done: its code, and what to tell."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run a program with a fixed locale; its functions are used without an AnsibleModule, so there is no run_command."""
    return subprocess.run(  # pylint: disable=ansible-bad-function
        argv, capture_output=True, check=False, text=True, timeout=60, env={**os.environ, "LC_ALL": "C"}
    )


def execute(*argv: str) -> str:
    """Run a program that must succeed; return its output.

    :raises StepFailed: E_FIREWALL with what it said.
    """
    done = run(*argv)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise StepFailed(
            ErrorCode.E_FIREWALL, f"{' '.join(argv[:3])}: " + ("\n".join(said[-8:]) or f"exit code {done.returncode}")
        )
    return done.stdout


def read_text(path: str) -> str:
    """Return a file's text, or an empty one where it cannot be read (a kernel without IPv6 has no ipv6_route)."""
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""


def ssh_connection() -> str:
    """Return ``SSH_CONNECTION`` of this process or of the nearest ancestor that has one: sudo takes it out of ours."""
    process = os.getpid()
    while process > 1:
        for entry in read_text(f"/proc/{process}/environ").split("\0"):
            if entry.startswith("SSH_CONNECTION="):
                return entry.partition("=")[2]
        status = read_text(f"/proc/{process}/status")
        process = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:")), 0)
    return ""


def timer_active() -> bool:
    """Say whether the timer that takes the rules back is running."""
    return run("systemctl", "is-active", "--quiet", f"{DEAD_MAN}.timer").returncode == 0


def stop_timer() -> None:
    """Stop the timer; a transient unit is gone then."""
    if timer_active():
        execute("systemctl", "stop", f"{DEAD_MAN}.timer")


def trial(params: dict[str, Any], connection: str) -> None:
    """Load the candidate, with a timer set before that brings the confirmed rules back, or removes the table."""
    allowed = params["allowed"]
    try:
        check_controller(parse_connection(connection), allowed)
    except FirewallRefused as refused:
        raise StepFailed(ErrorCode.E_LOCKOUT, str(refused)) from None
    try:
        check_uplinks(uplinks(read_text("/proc/net/route"), read_text("/proc/net/ipv6_route")), allowed["interfaces"])
    except FirewallRefused as refused:
        raise StepFailed(ErrorCode.E_FIREWALL, str(refused)) from None
    stop_timer()
    undo = ["nft", "delete", "table", "inet", str(params["table"])]
    if os.path.exists(str(params["ruleset_file"])):
        undo = ["nft", "-f", str(params["ruleset_file"])]
    # A timer's default accuracy is a minute (systemd.timer(5)).
    execute(
        "systemd-run",
        f"--unit={DEAD_MAN}",
        f"--on-active={params['confirm_seconds']}",
        "--timer-property=AccuracySec=1s",
        "--collect",
        "--quiet",
        "--description=Take back firewall rules that nobody has confirmed",
        *undo,
    )
    try:
        execute("nft", "-f", str(params["candidate_file"]))
    except StepFailed:
        stop_timer()
        raise


def confirm(params: dict[str, Any], connection: str) -> None:
    """Stop the timer and record the loaded table; only a new connection proves that the rules let one in."""
    if connection and connection == params["trial_connection"]:
        raise StepFailed(ErrorCode.E_FIREWALL, "the confirmation came by the old SSH connection, which proves nothing")
    if not timer_active():
        raise StepFailed(ErrorCode.E_FIREWALL, "the rules were taken back: nobody had confirmed them in time")
    stop_timer()
    loaded, listing = nftables_listing("inet", str(params["table"]))
    if not loaded:
        raise StepFailed(ErrorCode.E_FIREWALL, f"table inet {params['table']} is not loaded any more")
    replace_file(str(params["record_file"]), (listing + "\n").encode(), {"mode": "0600"})


def remove(params: dict[str, Any]) -> bool:
    """Remove table, timer and enablement; return whether there was anything."""
    stop_timer()
    unit = str(params["unit"])
    enabled = run("systemctl", "cat", unit).returncode == 0
    if enabled:
        execute("systemctl", "disable", "--now", unit)
    loaded, _listing = nftables_listing("inet", str(params["table"]))
    if loaded:
        execute("nft", "delete", "table", "inet", str(params["table"]))
    return enabled or loaded


def main() -> None:
    """Do one step."""
    names = {"type": "list", "elements": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["trial", "confirmed", "absent"], "required": True},
            "table": {"type": "str", "required": True},
            "candidate_file": {"type": "path"},
            "ruleset_file": {"type": "path"},
            "allowed": {
                "type": "dict",
                "options": {
                    "trusted": names,
                    "management": names,
                    "ssh_ports": names,
                    "public_ports": names,
                    "interfaces": names,
                },
            },
            "confirm_seconds": {"type": "int", "default": 120},
            "trial_connection": {"type": "str"},
            "record_file": {"type": "path"},
            "unit": {"type": "str"},
        },
        required_if=[
            ("state", "trial", ("candidate_file", "ruleset_file", "allowed")),
            ("state", "confirmed", ("record_file", "trial_connection")),
            ("state", "absent", ("unit",)),
        ],
    )
    connection = ssh_connection()
    changed = True
    try:
        if module.params["state"] == "trial":
            trial(module.params, connection)
        elif module.params["state"] == "confirmed":
            confirm(module.params, connection)
        else:
            changed = remove(module.params)
    except StepFailed as failed:
        told = failure(failed.code, str(failed))
        module.fail_json(**{key: value for key, value in told.items() if key != "failed"})
    module.exit_json(changed=changed, connection=connection)


if __name__ == "__main__":
    main()
