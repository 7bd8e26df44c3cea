#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_info
short_description: Read what runs on a host, and on a manager what the Swarm knows
version_added: 0.1.0
description:
  - One read per host for the operating verbs. It returns named containers, the local containers of a stack, and from a manager the
    services with their tasks and the nodes.
  - Where M(community.docker.docker_swarm_info) and M(community.docker.docker_host_info) need several calls and fail without quorum,
    this returns what there is and says what there is not.
  - It is an action. The reading is done by one exec on the task's host, without a Docker library.
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
  containers:
    description: Containers to look at by name.
    type: list
    elements: str
    default: []
  mongodb_port:
    description: Port at which to ask a running container C(mongodb) whether it is primary. V(0) does not ask.
    type: int
    default: 0
  paths:
    description: Paths whose sizes are wanted, together with volumes, secrets and configs of the stack.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: See what runs
  halobuzz.platform.platform_info:
    stack: halobuzz
    containers: [mongodb]
  become: true
"""

RETURN = r"""
containers:
  description: State by name; none for a container that does not exist.
  returned: success
  type: dict
tasks:
  description: Local containers of the stack's tasks.
  returned: success
  type: list
  elements: dict
swarm:
  description: Membership, and on a manager C(services) and C(nodes), or C(error) where the Swarm has no leader.
  returned: success
  type: dict
engine_error:
  description: Why the engine does not answer; empty where it does.
  returned: success
  type: str
remains:
  description: What of the platform is on the host beside containers.
  returned: when O(paths) is not empty
  type: dict
"""
