#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_probe
short_description: Ask providers and databases whether they accept what is set
version_added: 0.1.0
description:
  - Logs in with the platform's own keys and passwords and asks the least that shows whether they work and suffice. Nothing is changed,
    but for one object in S3 that is written, read and deleted. A refusal is told apart from no answer.
  - It is an action. Providers are asked from the controller, through the proxy that C(HTTPS_PROXY) names; databases from the task's host,
    whose Python needs pymongo.
  - It never fails because of what it finds, M(halobuzz.platform.config_check) judges that. Values are never shown.
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
    details: It asks in check mode too; that is all it does.
  diff_mode:
    support: none
options:
  probes:
    description:
      - V(all), or any of V(mongodb), V(redis), V(s3), V(stripe), V(twilio), V(sendgrid), V(openai), V(khalti), V(esewa), V(agora).
        V(all) leaves out providers of whom nothing is set.
    type: list
    elements: str
    required: true
  env_file:
    description: File of C(NAME=value) lines that is meant instead of O(settings) and O(secrets).
    type: path
  settings:
    description: Plain settings, values by name.
    type: dict
    default: {}
  secrets:
    description: Secret settings, values by name.
    type: dict
    default: {}
  addresses:
    description: Other base addresses of providers, by name of the probe, such as a sandbox's.
    type: dict
    default: {}
  timeout_seconds:
    description: How long each request may take.
    type: float
    default: 10
"""

EXAMPLES = r"""
- name: Ask the payment providers
  halobuzz.platform.config_probe:
    probes: [stripe, khalti, esewa]
    secrets: "{{ config_secrets }}"
"""

RETURN = r"""
probes:
  description: What each probe has found.
  returned: success
  type: list
  elements: dict
  contains:
    probe:
      description: Name of the probe.
      type: str
    name:
      description: The variable that is meant.
      type: str
    state:
      description: V(passed), V(failed), or V(not_checked) where nothing was learned.
      type: str
    reason:
      description: What was found, without the value.
      type: str
    fix:
      description: What to do.
      type: str
    seconds:
      description: How long it took.
      type: float
error_code:
  description: C(E_CONFIG), when a probe of that name does not exist.
  returned: failure
  type: str
  sample: E_CONFIG
"""
