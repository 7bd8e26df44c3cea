#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: variables_check
short_description: Find misspelt, missing and wrong variables and groups of the inventory
version_added: 0.1.0
description:
  - Ansible's own role validation passes over variables that it does not know, so a misspelt name does nothing and says
    nothing. This reads the argument specifications of all roles of the collection and compares them with the inventory
    and the extra variables of all hosts of the play.
  - A variable with a role's prefix, or with C(platform_), that no role knows is an error, with the nearest known name.
    So are variables that are missing, private to a role, renamed since, of the wrong type, or not among the choices.
  - It also looks at the inventory's groups, at each host's C(platform_address), and at settings of the controller that
    would leak secrets in production (E(ANSIBLE_DEBUG), E(ANSIBLE_KEEP_REMOTE_FILES)).
  - All problems are reported in one error. Values of secrets are never part of it.
  - It is an action on the controller. No host is touched. Run it once per play.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  groups:
    description: The groups that the platform knows, and how many hosts each needs.
    type: list
    elements: dict
    required: true
    suboptions:
      group:
        description: Name of the group.
        type: str
        required: true
      use:
        description: What the hosts of the group do, to end the sentence "add the hosts that …".
        type: str
        required: true
      required:
        description: Whether a platform without it is an error.
        type: bool
        default: false
      unless:
        description: Variable of an external service that takes the group's place.
        type: str
      max_hosts:
        description: More hosts than this are an error.
        type: int
      odd:
        description: Warn when the number of hosts is even, because a majority is voted.
        type: bool
        default: false
  roles_by_group:
    description: Which roles run on the hosts of a group, to know which variables a host needs.
    type: dict
    required: true
  report_problems:
    description: Return the problems instead of failing, for a report that holds others, too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Check the inventory before any host is touched
  halobuzz.platform.variables_check:
    groups:
      - group: mongodb
        required: true
        unless: mongodb_uri
        odd: true
        use: run MongoDB
    roles_by_group:
      all: [preflight, docker]
      mongodb: [mongodb]
  run_once: true
"""

RETURN = r"""
variables:
  description: How much was compared.
  returned: always
  type: dict
  contains:
    hosts:
      description: Number of hosts.
      type: int
    known:
      description: Number of variables that the roles know.
      type: int
    problems:
      description: Number of problems found.
      type: int
    names:
      description: The C(platform_address)es that are names and must resolve on every host.
      type: list
      elements: str
only_unknown_names:
  description: Whether nothing is wrong but names that no role reads, so that the hosts can be asked all the same.
  returned: always
  type: bool
problems:
  description: What is wrong.
  returned: with O(report_problems)
  type: list
  elements: dict
  contains:
    name:
      description: The variable, group or setting.
      type: str
    where:
      description: The hosts that have it.
      type: str
    reason:
      description: What is wrong, without the value of a secret.
      type: str
    fix:
      description: What to do.
      type: str
error_code:
  description: C(E_VARIABLES), or C(E_INVENTORY) where only groups and addresses are wrong.
  returned: failure
  type: str
"""
