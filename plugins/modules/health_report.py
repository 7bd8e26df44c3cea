#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: health_report
short_description: Put the hosts' health reports together, print them and judge
version_added: 0.1.0
description:
  - Takes what M(halobuzz.platform.health_info) registered on each host and makes one report of it. A host without a
    result is a finding, not an abort.
  - The platform is reported as the first manager that answered sees it. Where another manager sees something else, that
    is a warning.
  - Tells causes from symptoms, prints the report, and fails with C(E_UNHEALTHY) when a critical check failed.
  - It is an action on the controller. No host is touched.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
    details: Prints and judges as always, and writes no files.
  diff_mode:
    support: none
options:
  hosts:
    description: Inventory names of the hosts that were asked, in the order of the report.
    type: list
    elements: str
    required: true
  result_variable:
    description: Name of the variable under which M(halobuzz.platform.health_info) was registered.
    type: str
    required: true
  managers:
    description: Hosts that could look at the whole platform, the preferred one first.
    type: list
    elements: str
    required: true
  directory:
    description: Folder on the controller for C(health.json) and C(health.prom). Empty writes none.
    type: path
  fail_when_unhealthy:
    description: Fail when a critical check failed.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Report on all hosts
  halobuzz.platform.health_report:
    hosts: "{{ ansible_play_hosts_all }}"
    managers: "{{ groups['swarm_managers'] }}"
    result_variable: __health_result
  run_once: true
"""

RETURN = r"""
report:
  description: The report of all hosts.
  returned: success
  type: dict
  contains:
    healthy:
      description: No critical check failed on any host.
      type: bool
    summary:
      description: The verdict in one sentence.
      type: str
    seen_from:
      description: The manager whose view of the platform this is.
      type: str
    duration_seconds:
      description: How long the slowest host's checks took.
      type: float
    checks:
      description: All checks, as M(halobuzz.platform.health_info) returns them, each with its host.
      type: list
      elements: dict
    causes:
      description: Failed checks that nothing else explains, each with what follows from it and the next command.
      type: list
      elements: dict
error_code:
  description: V(E_UNHEALTHY) where the platform is not healthy.
  returned: failure
  type: str
"""
