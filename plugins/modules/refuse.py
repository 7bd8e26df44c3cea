#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refuse
short_description: Fail with a documented error code and the next command
version_added: 0.1.0
description:
  - Ends a task as failed with one of the collection's error codes, what happened, and what to type next.
  - Where M(ansible.builtin.fail) leaves the wording to each task, this one takes it from the place from which C(docs/errors.md) is
    written.
  - It is an action on the controller. No host is touched.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  code:
    description: The error code.
    type: str
    required: true
  message:
    description: The specific thing and reason.
    type: str
    required: true
  next_command:
    description: What to type next. The code's own advice where absent.
    type: str
"""

EXAMPLES = r"""
- name: Refuse to delete without the platform's name
  halobuzz.platform.refuse:
    code: E_CONFIRMATION
    message: the name was not typed
"""

RETURN = r"""
error_code:
  description: The code.
  returned: failure
  type: str
  sample: E_CONFIRMATION
"""
