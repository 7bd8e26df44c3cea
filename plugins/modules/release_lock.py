#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_lock
short_description: Let one playbook at a time change the platform
version_added: 0.1.0
description:
  - Takes a lock on the host and holds it until the playbook ends. A playbook that is killed or loses its connection frees it by that.
    There is no unlocking by hand.
  - Where the lock is held, fails at once with C(E_LOCKED) and says who holds it, since when and for what.
  - It is an action. A small process beside the playbook keeps an SSH session open in which another one holds C(flock) on a file
    of the host.
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
  name:
    description: Name of the lock.
    type: str
    required: true
  purpose:
    description: What the playbook does, for those who find the lock taken.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Let one run at a time change the platform
  halobuzz.platform.release_lock:
    name: halobuzz
    purpose: deploy of v2
"""

RETURN = r"""
error_code:
  description: C(E_LOCKED) where another run holds it.
  returned: failure
  type: str
"""
