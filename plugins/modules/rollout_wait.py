#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_wait
short_description: Wait until every service of a stack runs what it should
version_added: 0.1.0
description:
  - Polls a Swarm manager until each service has its wanted number of running tasks, all of the present specification, and prints a
    line whenever that changes.
  - Where stock modules fall short. M(community.docker.docker_stack) returns at once or waits without an end, and Docker reports
    success after it has rolled a failed update back.
  - A paused or rolled back update and a passed deadline are failures. Their reason and the failing task's last 50 log lines are
    returned, without secrets.
  - It is an action. The reading is done by one exec per poll on the task's host.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
    details: Does nothing in check mode.
  diff_mode:
    support: none
options:
  stack:
    description: Name of the stack.
    type: str
    required: true
  services:
    description: Names of services without the stack's prefix. All of them where empty.
    type: list
    elements: str
    default: []
  deadline_seconds:
    description: Longest time to wait.
    type: float
    default: 300
  stable_seconds:
    description: How long the wanted state must last before it counts.
    type: float
    default: 0
  canary_seconds:
    description:
      - Where not V(0), only wait until one new task of each service has run this long, whatever the others are.
    type: float
    default: 0
  crashes_fail:
    description:
      - Whether it is a failure, too, when a task of the present specification fails during the wait, though Swarm is content. A task
        that fails together with another service's on its host is none.
    type: bool
    default: false
  settled_only:
    description: Only wait until Swarm neither updates nor rolls back, whatever came of it, or until the deadline. Never fails.
    type: bool
    default: false
  redacted:
    description: Values to take out of the log lines that are shown.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Wait until the release runs
  halobuzz.platform.rollout_wait:
    stack: halobuzz
    deadline_seconds: 300
"""

RETURN = r"""
services:
  description: How far each service is.
  returned: success
  type: list
  elements: dict
surplus:
  description: Services with more tasks than wanted, and services with old tasks that Swarm does not replace. A restart ends both.
  returned: success
  type: list
  elements: str
seconds:
  description: How long it took.
  returned: success
  type: float
error_code:
  description: A documented code where the task failed.
  returned: failure
  type: str
  sample: E_RELEASE_UNHEALTHY
"""
