#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_check
short_description: Find everything that is wrong with the platform's environment, before anything is deployed
version_added: 0.1.0
description:
  - Compares a file of C(NAME=value) lines, or the settings that an inventory would render, with the schema of all variables.
    Every problem is reported at once, with the id of its rule, the line, the reason and what to do. Values are never shown.
  - It is an action on the controller. No host is touched and nothing is asked over the network.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
    details: Reports are written in check mode too; they are what was asked for.
  diff_mode:
    support: none
options:
  schema:
    description: Record by variable name, see C(roles/config/vars/schema.yml).
    type: dict
    required: true
  schema_extra:
    description: A user's own records; each changes only the keys that it names.
    type: dict
    default: {}
  environment:
    description: What the configuration is for.
    type: str
    choices: [production, staging, development]
    default: production
  env_file:
    description: File to check. Without it, O(settings) and O(secrets) are checked.
    type: path
  settings:
    description: Plain settings, values by name.
    type: dict
    default: {}
  secrets:
    description: Secret settings, values by name.
    type: dict
    default: {}
  given_by_platform:
    description: Names that the stack gives to every service by itself; they are not missing.
    type: list
    elements: str
    default: []
  report:
    description:
      - What is printed. With V(problems), nothing where all is well, one line where there are warnings only, and the whole report where
        there is an error.
    type: str
    choices: [always, problems]
    default: always
  accepted:
    description:
      - Findings that somebody has thought about, as C(rule:NAME); each is a warning instead of an error. One that meets no finding is told.
    type: list
    elements: str
    default: []
  services:
    description: Records of the service catalogue; they say who needs which variable.
    type: list
    elements: dict
    default: []
  limits:
    description: What is known of hosts, databases and time limits. What is 0 or left out is not checked.
    type: dict
    default: {}
    suboptions:
      memory_mb:
        description: Memory of all application hosts together.
        type: int
      mongodb_connections:
        description: Connections that one MongoDB member accepts.
        type: int
      drain_seconds:
        description: How long the edge lets a task finish.
        type: int
      request_timeout_seconds:
        description: How long the edge waits for an answer.
        type: int
  variables:
    description: What is wrong with the inventory's own variables, RV(halobuzz.platform.variables_check#module:problems).
    type: list
    elements: dict
    default: []
  probes:
    description: What live probes have found, RV(halobuzz.platform.config_probe#module:probes). Each that has not passed is a finding.
    type: list
    elements: dict
    default: []
  files:
    description:
      - What the programs themselves say of the rendered files, by host, results of M(halobuzz.platform.host_files) with
        O(halobuzz.platform.host_files#module:check_only).
    type: dict
    default: {}
  json_file:
    description: Where to write the findings as JSON.
    type: path
  junit_file:
    description: Where to write them as JUnit XML, a test case per rule.
    type: path
  sarif_file:
    description: Where to write them as SARIF 2.1.0.
    type: path
"""

EXAMPLES = r"""
- name: Check a file in the runbook's own format
  halobuzz.platform.config_check:
    schema: "{{ __config_schema }}"
    env_file: .env.production
    sarif_file: config.sarif
"""

RETURN = r"""
findings:
  description: The warnings. Where there are errors, the report and O(json_file) hold everything.
  returned: when there is no error
  type: list
  elements: dict
  contains:
    rule:
      description: Stable id of the rule; docs/config-rules.md lists them.
      type: str
    severity:
      description: V(error) or V(warning).
      type: str
    name:
      description: The variable; empty where the whole file is meant.
      type: str
    line:
      description: Line in the file; 0 where there is none.
      type: int
    reason:
      description: What is wrong, without the value.
      type: str
    fix:
      description: What to do.
      type: str
error_code:
  description: C(E_CONFIG).
  returned: when there is an error
  type: str
  sample: E_CONFIG
"""
