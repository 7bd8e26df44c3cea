#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_report
short_description: Print one report about all hosts, and fail once
version_added: 0.1.0
description:
  - Takes what M(halobuzz.platform.preflight_info) returned for each host, prints everything that is wrong, errors
    before warnings, and fails when there is any error. Hosts with the same findings are one entry.
  - The error code is that of the cause where there is one cause only, else C(E_PREFLIGHT).
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
  probes:
    description: RV(halobuzz.platform.preflight_info#module:preflight) of each host.
    type: list
    elements: dict
    required: true
  title:
    description: What was looked at, for the report's first line.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Report what preflight has found
  halobuzz.platform.preflight_report:
    title: "{{ platform_name }}"
    probes: "{{ ansible_play_hosts_all | map('extract', hostvars, ['__preflight_probe', 'preflight']) | list }}"
  run_once: true
"""

RETURN = r"""
error_code:
  description: Why it failed, one of the documented codes.
  returned: failure
  type: str
  sample: E_PREFLIGHT
"""
