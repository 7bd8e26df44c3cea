#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: Read whether a host can carry the platform
version_added: 0.1.0
description:
  - Reads hardware, operating system, file systems, clock, ports, names, kernel, Docker and the image registry of a host
    in one call, and judges them. It writes nothing.
  - A host that cannot be reached, or that refuses the user, does not fail the task. It is a finding like the others, so
    that one report can name all hosts (M(halobuzz.platform.preflight_report)).
  - A port that the platform itself holds on a running host is no finding.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  thresholds:
    description:
      - V(minimum) (below is an error) and V(recommended) (below is a warning) of each of V(cpu_count), V(memory_gb),
        V(storage_gb), V(free_percent), V(free_gb) and V(free_inodes_percent). Sizes are decimal gigabytes.
    type: dict
    required: true
  supported_os:
    description: Operating systems that are supported, each with O(supported_os[].id) and O(supported_os[].versions).
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: C(ID) of C(/etc/os-release).
        type: str
        required: true
      versions:
        description: C(VERSION_ID) of C(/etc/os-release).
        type: list
        elements: str
        required: true
  directories:
    description: Folders whose file systems must have room. They need not exist yet.
    type: list
    elements: path
    default: [/]
  ports:
    description: Ports that the platform will listen on at this host.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: Number of the port.
        type: int
        required: true
      protocol:
        description: Protocol of the port.
        type: str
        choices: [tcp, udp]
        default: tcp
      use:
        description: Who needs it.
        type: str
        required: true
  names:
    description: Host names that must resolve on this host.
    type: list
    elements: str
    default: []
  platform_name:
    description: Name of the platform, by which its own containers are known.
    type: str
    required: true
  registry:
    description: Registry as V(host:port) that must answer. Empty checks none.
    type: str
    default: ""
  images:
    description: Full image references that must exist.
    type: list
    elements: str
    default: []
  certificates:
    description: CA certificates (PEM) by registry, for hosts that do not have them yet.
    type: dict
    default: {}
  credentials:
    description: User name and password by registry. Each goes to its own registry only.
    type: dict
    default: {}
  avx_needed:
    description: Whether a processor without AVX is an error. MongoDB from 5.0 on does not start without.
    type: bool
    default: false
  clock_offset_max_seconds:
    description: A clock that is certainly further off than this from the controller's is an error.
    type: float
    default: 5
  time_sync_level:
    description: What a clock without synchronisation is.
    type: str
    choices: [error, warning, ignore]
    default: warning
  timeout_seconds:
    description: Time limit of each network request.
    type: float
    default: 4
"""

EXAMPLES = r"""
- name: Read whether the host can carry the platform
  halobuzz.platform.preflight_info:
    platform_name: halobuzz
    thresholds: "{{ preflight_thresholds.production }}"
    supported_os: "{{ preflight_supported_os }}"
    ports:
      - port: 27017
        use: MongoDB
    registry: registry.example.com
    images: [registry.example.com/mongo:7.0]
  register: __preflight_probe
"""

RETURN = r"""
preflight:
  description: What was read and what is wrong.
  returned: always
  type: dict
  contains:
    host:
      description: Name in the inventory.
      type: str
    address:
      description: Address that was used to reach it.
      type: str
    error:
      description: Why the host could not be probed, with RV(ignore:error_code) and RV(ignore:msg); null where it could.
      type: dict
    summary:
      description: One line about the host.
      type: str
      sample: Debian 13, 16 cores, 68 GB RAM, 900 of 1000 GB free, Docker 26.1.5
    findings:
      description: Everything that is wrong, errors first.
      type: list
      elements: dict
      contains:
        level:
          description: V(error) or V(warning).
          type: str
        check:
          description: What was looked at.
          type: str
        text:
          description: What was seen.
          type: str
        fix:
          description: What to do.
          type: str
        error_code:
          description: A documented code.
          type: str
    facts:
      description: Everything that was read.
      type: dict
"""
