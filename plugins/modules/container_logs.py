#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_logs
short_description: Read or follow the log lines of the platform's containers on a host
version_added: 0.1.0
description:
  - Returns the last lines of the host's containers that belong to a stack or are named, ended ones too, with their times. Control
    characters are taken out, and so are secrets.
  - With O(follow_seconds), prints what comes for that long instead.
  - Read from each host's own engine, so it works without a majority of Swarm managers, where C(docker service logs) does not.
  - It is an action. The reading is done by one exec on the task's host.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  stack:
    description: Name of the stack.
    type: str
    required: true
  data:
    description: Names of containers beside the stack's.
    type: list
    elements: str
    default: []
  service:
    description: Only this service or container. All of them where empty.
    type: str
    default: ""
  lines:
    description: Lines per container.
    type: int
    default: 50
  since:
    description: How far back, as V(90s), V(10m), V(2h) or V(1d). V(0) is no limit.
    type: str
    default: "0"
  redacted:
    description: Values to take out of the lines.
    type: list
    elements: str
    default: []
  follow_seconds:
    description: Print new lines for that long.
    type: float
    default: 0
  cursors:
    description: Where to begin to follow, from an earlier answer.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Read the backend's last lines
  halobuzz.platform.container_logs:
    stack: halobuzz
    service: backend
  become: true
"""

RETURN = r"""
lines:
  description: Each line as time, source and text.
  returned: success
  type: list
  elements: list
services:
  description: Every service and container of the platform that the host has, chosen or not.
  returned: success
  type: list
  elements: str
cursors:
  description: Where the next read would go on.
  returned: success
  type: dict
"""
