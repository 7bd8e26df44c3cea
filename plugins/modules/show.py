#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: show
short_description: Print lines for people
version_added: 0.1.0
description:
  - Prints text as it is on the controller's standard output, where M(ansible.builtin.debug) would print it quoted inside a
    data structure. Reports made for reading need that.
  - It is an action on the controller. No host is touched.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows O(before) and O(after) as a diff.
options:
  lines:
    description: The lines to print.
    type: list
    elements: str
    required: true
  before:
    description: A text for C(--diff) as it is.
    type: str
    default: ""
  after:
    description: The text as it will be.
    type: str
    default: ""
  title:
    description: What the two texts are.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say that the release is live
  halobuzz.platform.show:
    lines:
      - "Release 20261124T120000 is live on 3 hosts."
"""

RETURN = r""" # """
