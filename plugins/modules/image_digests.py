#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_digests
short_description: Ask an image registry which digest each tag has
version_added: 0.1.0
description:
  - Resolves tags to digests over the registry's HTTP API from the task's host, without pulling and without a Docker engine.
  - Where stock modules fall short. M(community.docker.docker_image_info) knows only images that were pulled already.
  - It is an action. All references are asked at once in one exec.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  references:
    description: Image references with tags.
    type: list
    elements: str
    required: true
  certificates:
    description: CA certificates (PEM) by C(host:port) of the registry.
    type: dict
    default: {}
  missing_allowed:
    description: Return images that do not exist in RV(missing) instead of failing.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Pin the images
  halobuzz.platform.image_digests:
    references:
      - registry.example.com:5000/halobuzz/backend:v1
  register: __image_digests
"""

RETURN = r"""
digests:
  description: Digest by reference.
  returned: success
  type: dict
missing:
  description: References that the registry does not know.
  returned: success
  type: list
  elements: str
error_code:
  description: A documented code where the task failed.
  returned: failure
  type: str
  sample: E_IMAGE
"""
