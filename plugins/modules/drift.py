#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drift
short_description: Compare what a role wants on a host with what is there
version_added: 0.1.0
description:
  - Reads packages, files, directories, kernel settings, systemd units, containers, Swarm membership and a firewall table
    in one call per host and returns every difference. It writes nothing.
  - A role runs it first and applies itself only where something differs, so a run that changes nothing costs one read.
  - In check mode the comparison is the answer. Every difference is printed as a line C(would change), and the task reports
    C(changed) where there are any.
  - Where a Swarm without a leader is asked for services, it asks anew for 30 s and then fails with C(E_NO_QUORUM).
  - Files are compared by SHA-256; their contents never leave the controller and never appear in a result.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Check mode itself prints each difference as one line.
options:
  wanted:
    description:
      - The wanted state. Keys are V(packages), V(directories), V(files), V(sysctls), V(units), V(containers), V(swarm),
        V(services) and V(nftables).
    type: dict
    required: true
  converged:
    description:
      - Fail with C(E_NOT_CONVERGED) when anything still differs. Used at the end of a role as its proof.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Compare the host with what is wanted
  halobuzz.platform.drift:
    wanted:
      packages:
        - name: docker.io
          held: true
      files:
        - path: /etc/motd
          content: "halobuzz\n"
          mode: "0644"
      units:
        - name: docker.service
          enabled: true
          active: true
  register: __docker_drift
"""

RETURN = r"""
found:
  description: Every difference, in the order in which it would be mended.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: The kind of thing that differs.
      type: str
      sample: package
    name:
      description: Its name.
      type: str
      sample: docker.io
    now:
      description: What the host has.
      type: str
      sample: not installed
    then:
      description: What is wanted.
      type: str
      sample: installed
seen:
  description: What was read of the Swarm, for roles that need it.
  returned: success
  type: dict
error_code:
  description: A documented code where the task failed.
  returned: failure
  type: str
  sample: E_NOT_CONVERGED
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.halobuzz.platform.plugins.module_utils import _host_state


def main() -> None:
    """Run the comparison as an ordinary module: the way taken where pipelining is off."""
    module = AnsibleModule(
        argument_spec={"wanted": {"type": "dict", "required": True}, "converged": {"type": "bool", "default": False}},
        supports_check_mode=True,
    )
    module.exit_json(changed=False, **_host_state.main({"wanted": module.params["wanted"]}))


if __name__ == "__main__":
    main()
