#!/usr/bin/python
# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: health_info
short_description: Run health checks at once and return a typed report
version_added: 0.1.0
description:
  - Runs all O(checks) concurrently on the host, each with its own deadline, and returns one report.
  - A check that gives no answer in time is reported as hanging; it never holds up the others.
  - Never changes anything, and fails only with O(fail_when_unhealthy=true).
author: HaloBuzz platform team (@halobuzz)
extends_documentation_fragment:
  - halobuzz.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
requirements:
  - pymongo >= 4.0 on the host, for checks of kind V(mongodb) only
options:
  checks:
    description: The checks.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Unique name of the check within the report.
        type: str
        required: true
      kind:
        description:
          - What is looked at.
          - V(http) gets a URL, V(tcp) opens a connection, V(tls) verifies a certificate.
          - V(mongodb) reads a replica set's state, V(redis) a server's role, memory policy and persistence.
          - V(swarm) looks at the Swarm's nodes and V(swarm_service) at a service's tasks; both need a manager.
          - V(container), V(unit), V(disk), V(memory), V(load) and V(clock) look at the host itself.
        type: str
        choices: [http, tcp, tls, mongodb, redis, swarm_service, swarm, container, disk, memory, load, clock, unit]
        required: true
      title:
        description: What people call it. Checks of one title share a line in the printed report.
        type: str
        required: true
      target:
        description: A URL for V(http), host:port for V(tcp), V(tls), V(redis), a path for V(disk), else a name.
        type: str
        default: ""
      scope:
        description: V(platform) for what every manager sees alike, V(host) for what is about this host.
        type: str
        choices: [platform, host]
        default: host
      runs_on:
        description: Inventory name of the host behind the target, so that a dead host is named as the cause.
        type: str
        default: ""
      name:
        description: Short name among the checks of one title.
        type: str
        default: ""
      severity:
        description: A failed check of severity V(warning) does not make the report unhealthy.
        type: str
        choices: [critical, warning]
        default: critical
      timeout_seconds:
        description: The check's deadline.
        type: float
        default: 3
      status:
        description: V(http) - the status codes that are well.
        type: list
        elements: int
        default: [200]
      headers:
        description: V(http) - headers to send.
        type: dict
        default: {}
      expected_fields:
        description: V(http) - fields of the JSON body (dotted path) and the values that they must have.
        type: dict
        default: {}
      hang_hint:
        description: What a hang of this very target points to, added to the finding.
        type: str
        default: ""
      ca_file:
        description: V(http), V(tls), V(redis), V(mongodb) - a CA bundle on the host instead of the system's.
        type: path
      server_name:
        description: V(tls) - the name that the certificate must bear, instead of the target's host.
        type: str
      min_days:
        description: V(tls) - warn when the certificate expires sooner.
        type: int
        default: 14
      hosts:
        description: V(mongodb) - the members as host:port.
        type: list
        elements: str
        default: []
      names:
        description: V(mongodb) - inventory name of each member by its host:port.
        type: dict
        default: {}
      container:
        description: V(mongodb), V(redis) - name of its container, so that a stopped one is named as the cause.
        type: str
        default: ""
      replica_set:
        description: V(mongodb) - the name that the replica set must have.
        type: str
        default: ""
      lag_seconds_max:
        description: V(mongodb) - warn when a secondary is further behind.
        type: int
        default: 30
      auth_source:
        description: V(mongodb) - database of the user.
        type: str
        default: admin
      user:
        description: V(mongodb), V(redis) - monitoring user.
        type: str
        default: ""
      password:
        description: V(mongodb), V(redis) - its password.
        type: str
        default: ""
      uri:
        description: V(mongodb), V(redis) - URI of an external deployment, instead of hosts and user. Never printed.
        type: str
        default: ""
      policy:
        description: V(redis) - warn when C(maxmemory-policy) is another one.
        type: str
        default: ""
      aof_expected:
        description: V(redis) - warn when the append-only file is off.
        type: bool
        default: false
      spread_hosts:
        description: V(swarm_service) - number of hosts that could run it. From 2 on, all replicas on one are a warning.
        type: int
        default: 1
      nodes_wanted:
        description: V(swarm) - number of hosts that should have joined; fewer are a warning.
        type: int
        default: 0
      free_percent_warning:
        description: V(disk), V(memory) - warn below this.
        type: float
        default: 15
      free_percent_critical:
        description: V(disk), V(memory) - the check fails below this.
        type: float
        default: 5
  fail_when_unhealthy:
    description: Fail with C(E_UNHEALTHY) when a critical check failed.
    type: bool
    default: false
  report_problems:
    description:
      - Return a host that cannot be asked (unreachable, no Python) as C(problem), where it would otherwise leave the play.
      - It is the controller's half that does this.
    type: bool
    default: false
  own_connection:
    description:
      - Open a new SSH connection, with its own short deadlines, instead of the one that SSH keeps open. To a host that has died
        meanwhile an open one hangs for a minute.
      - Takes about half a second of CPU. Not worth it where the tasks before have just used the open connection.
    type: bool
    default: false
  wait_seconds:
    description: Repeat all checks until they are healthy or this much time has passed.
    type: float
    default: 0
  interval_seconds:
    description: Pause between two rounds of O(wait_seconds).
    type: float
    default: 2
"""

EXAMPLES = r"""
- name: Look at the backend and its database
  halobuzz.platform.health_info:
    checks:
      - id: backend
        kind: http
        title: Backend
        target: http://10.0.0.11/api/v1/health
      - id: mongodb
        kind: mongodb
        title: MongoDB
        hosts: [10.0.0.11:27017]
        replica_set: halobuzz
        user: monitoring
        password: "{{ mongodb_monitoring_password }}"
  register: __stack_health

- name: Wait up to a minute for the queue
  halobuzz.platform.health_info:
    checks:
      - {id: queue, kind: tcp, title: Redis, target: "10.0.0.11:6379"}
    wait_seconds: 60
    fail_when_unhealthy: true
"""

RETURN = r"""
problem:
  description: Why there is no report - C(reason), C(error) and C(next_command).
  returned: with O(report_problems=true), when the host could not be asked
  type: dict
health:
  description: The report.
  returned: when the host could be asked
  type: dict
  contains:
    healthy:
      description: No critical check failed.
      type: bool
    summary:
      description: The verdict in one sentence.
      type: str
      sample: "Healthy: 14 checks in 0.8 s"
    duration_seconds:
      description: How long the checks took together.
      type: float
    checks:
      description: One result per check, in the order asked.
      type: list
      elements: dict
      contains:
        id:
          description: As asked; so are C(kind), C(title), C(target), C(scope), C(runs_on) and C(severity).
          type: str
        ok:
          description: The check passed.
          type: bool
        latency_ms:
          description: How long it took.
          type: int
        detail:
          description: What was found, for people.
          type: str
          sample: Connected (primary node1, 3 of 3 members, lag 0 s)
        reason:
          description: Why it failed, as one word for programs; empty where it passed.
          type: str
          sample: hangs
        warnings:
          description: What works but should not stay so.
          type: list
          elements: str
        facts:
          description: The figures behind the words, depending on the kind.
          type: dict
error_code:
  description: V(E_UNHEALTHY) where the task failed.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.halobuzz.platform.plugins.module_utils import _health_arguments, _health_checks


def main() -> None:
    """Run the checks and leave with the report."""
    module = AnsibleModule(argument_spec=_health_arguments.argument_spec(), supports_check_mode=True)
    module.no_log_values.update(_health_arguments.passwords(module.params))
    answer = _health_checks.main(module.params)
    if answer.get("failed"):
        module.fail_json(**{key: value for key, value in answer.items() if key != "failed"})
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
