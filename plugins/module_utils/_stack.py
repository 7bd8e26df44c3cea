# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Swarm stack, derived from the service catalogue. Pure logic."""

from __future__ import annotations

import graphlib
import hashlib
import json
from typing import Any

SPEC_LABEL = "halobuzz.spec"
SCALED_LABEL = "halobuzz.scaled"
# How long a task that Swarm stops goes on answering (roles/stack/files/entrypoint.sh). The edge learns within a second that it
# goes; the rest is for requests that are under way.
DRAIN_SECONDS = 5
# A host that is short of CPU answers late. Killing its tasks for that would make it worse (seen at a load of 50 on 2 cores), so
# only half a minute of silence counts as death; whether a task gets traffic is decided by the edge, within a second.
_HEALTH_INTERVAL_SECONDS = 5
_HEALTH_TIMEOUT_SECONDS = 10
_HEALTH_RETRIES = 5

# Longest time, beside its watch, from the moment a service's first new task runs until somebody has judged it.
_JUDGING_SECONDS = 30

# Asks the liveness path from inside the container; node is what every image of the platform has.
_PROBE = (
    "require('http').get({{host:'127.0.0.1',port:{port},path:'{path}',timeout:9000}},"
    "r=>process.exit(r.statusCode===200?0:1)).on('error',()=>process.exit(1))"
)


def versioned_name(stack: str, object_name: str, content: str) -> str:
    """Name a Swarm secret or config after its content: they are immutable, so another content is another object."""
    return f"{stack}_{object_name}_{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def spec_of(service: dict[str, Any]) -> str:
    """Fingerprint of one service of the stack; the number of replicas is compared by itself, not here, and its turn is no property of a task."""
    deploy = {key: value for key, value in service["deploy"].items() if key not in ("replicas", "labels")}
    runs = {key: value for key, value in service.items() if key != "depends_on"}
    return hashlib.sha256(json.dumps({**runs, "deploy": deploy}, sort_keys=True).encode()).hexdigest()


def drain_seconds(service: dict[str, Any]) -> int:
    """Return how long a task of a record of the catalogue goes on answering after Swarm has stopped it."""
    return int(service.get("drain_seconds", DRAIN_SECONDS))


def dependency_steps(services: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Return the services in the order of their dependencies: those of one step need none of the same step or of a later one.

    :param services: by name; each may have ``depends_on``, a list of names. Others than these do not count.
    :raises graphlib.CycleError: where services wait for each other; the cycle is its second argument.
    """
    graph = {
        name: [one for one in service.get("depends_on", []) if one in services] for name, service in services.items()
    }
    sorter = graphlib.TopologicalSorter(graph)
    sorter.prepare()
    steps = []
    while sorter.is_active():
        ready = sorter.get_ready()
        steps.append([name for name in services if name in ready])
        sorter.done(*ready)
    return steps


def in_dependency_order(services: list[dict[str, Any]]) -> list[str]:
    """Return the names of records of the catalogue, each after what it depends on."""
    return [name for step in dependency_steps({service["name"]: service for service in services}) for name in step]


def update_steps(
    rendered: dict[str, Any], stack: str, seen: dict[str, dict[str, Any]], backwards: bool = False
) -> list[dict[str, Any]]:
    """Divide the update of a stack into steps, so that no service runs in a newer version than what it depends on.

    Of a service that replaces several tasks at once, one task goes first, alone: a version that dies under watch takes no others with
    it. On the way back to what has served before, none does.

    :param rendered: a Compose file as a mapping; its services' ``depends_on`` makes the order. Swarm itself knows none.
    :param stack: name of the stack.
    :param seen: the services that Swarm has, as in ``seen.services`` of the module drift.
    :param backwards: the way back to older versions, where what depends on others goes first.
    :returns: ``[{services, compose, canary, last}]``. ``compose`` has the services of the step; that of the last one has all, so that
        whatever else the stack has had can go. ``canary``: the step is over when one task of each service is new.
    """
    services = rendered["services"]
    order = dependency_steps(services)
    if backwards:
        order.reverse()
    steps = []
    for names in order:
        canaries = {
            name: _with_a_canary(services[name])
            for name in names
            if not backwards and _wants_a_canary(services[name], seen.get(f"{stack}_{name}"))
        }
        if canaries:
            part = {**rendered, "services": canaries}
            steps.append({"services": list(canaries), "compose": part, "canary": True, "last": False})
        last = names is order[-1]
        part = rendered if last else {**rendered, "services": {name: services[name] for name in names}}
        steps.append({"services": names, "compose": part, "canary": False, "last": last})
    return steps


def _wants_a_canary(service: dict[str, Any], seen: dict[str, Any] | None) -> bool:
    """Whether tasks are replaced, and several at once. Where Swarm has the specification already, a run that was killed got that far."""
    if seen is None or service.get("deploy", {}).get("update_config", {}).get("parallelism", 1) <= 1:
        return False
    return bool(seen["labels"].get(SPEC_LABEL) != service["deploy"]["labels"][SPEC_LABEL])


def _with_a_canary(service: dict[str, Any]) -> dict[str, Any]:
    """Return the service with an update whose second task waits until the first one has been judged, and goes alone where nobody does."""
    update = service["deploy"]["update_config"]
    delay_seconds = 2 * int(update["monitor"].rstrip("s")) + _JUDGING_SECONDS
    update = {**update, "parallelism": 1, "delay": f"{delay_seconds}s"}
    return {**service, "deploy": {**service["deploy"], "update_config": update}}


def update_order(rendered: dict[str, Any], stack: str, seen: dict[str, dict[str, Any]], backwards: bool = False) -> str:
    """Say in which order an update goes; see :func:`update_steps`."""
    return ", then ".join(
        ("one task of " if step["canary"] else "") + " and ".join(step["services"])
        for step in update_steps(rendered, stack, seen, backwards)
    )


def liveness_command(service: dict[str, Any]) -> list[str]:
    """Return Docker's health check of one service: its liveness path, and nothing deeper."""
    return ["CMD", "node", "-e", _PROBE.format(port=service["port"], path=service["liveness_path"])]


def _healthcheck(service: dict[str, Any]) -> dict[str, Any]:
    return {
        "test": liveness_command(service),
        "interval": f"{_HEALTH_INTERVAL_SECONDS}s",
        "timeout": f"{_HEALTH_TIMEOUT_SECONDS}s",
        "retries": _HEALTH_RETRIES,
        "start_period": f"{service.get('start_period_seconds', 30)}s",
    }


def _update(order: str, monitor_seconds: int, delay_seconds: int = 0) -> dict[str, Any]:
    """Settings of an update. With a delay as long as the watch, a new task has to live that long before the next one is replaced.

    Swarm watches beside its work: without the delay all tasks are new before the first one has crashed.
    """
    return {
        "parallelism": 1,
        "order": order,
        "failure_action": "rollback",
        "monitor": f"{monitor_seconds}s",
        "delay": f"{delay_seconds}s",
    }


def _application(service: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    name = service["name"]
    return {
        "image": settings["images"][service["image"]],
        "entrypoint": ["/bin/sh", "/halobuzz/entrypoint"],
        "command": service["command"],
        "networks": ["platform"],
        "environment": {
            "NODE_ENV": "production",
            "HALOBUZZ_DRAIN_SECONDS": str(drain_seconds(service)),
        },
        "init": True,
        "secrets": [{"source": f"{name}-environment", "target": "environment", "mode": 0o444}],
        "configs": [{"source": "entrypoint", "target": "/halobuzz/entrypoint", "mode": 0o555}],
        "volumes": service.get("volumes", []),
        "healthcheck": _healthcheck(service),
        "stop_grace_period": f"{service.get('stop_grace_seconds', 30)}s",
        "cap_drop": ["ALL"],
        "depends_on": service.get("depends_on", []),
        "deploy": {
            "mode": "replicated",
            "replicas": service.get("replicas", 1),
            "endpoint_mode": "dnsrr",
            "placement": {"constraints": [f"node.labels.halobuzz.{service.get('group', 'app')} == true"]},
            "resources": {"limits": {"memory": f"{service.get('memory_limit_mb', 512)}M", "pids": 512}},
            "restart_policy": {"condition": "any", "delay": "2s"},
            "update_config": _update("start-first", settings["monitor_seconds"], settings["monitor_seconds"]),
            "rollback_config": _update("start-first", 5),
        },
    }


def _edge(services: list[dict[str, Any]], settings: dict[str, Any]) -> dict[str, Any]:
    ports = [service["edge"]["port"] for service in services if service.get("edge")]
    if settings.get("https_port"):
        ports.append(settings["https_port"])
    return {
        "image": settings["edge_image"],
        "command": ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"],
        "user": "99:99",
        "networks": ["platform"],
        "ports": [{"target": port, "published": port, "protocol": "tcp", "mode": "host"} for port in ports],
        "volumes": [
            {"type": "bind", "source": settings["edge_dir"], "target": "/etc/haproxy", "read_only": True},
            {"type": "tmpfs", "target": "/run/haproxy"},
        ],
        "depends_on": [service["name"] for service in services if service.get("edge")],
        "stop_signal": "SIGUSR1",
        "stop_grace_period": "35s",
        "deploy": {
            "mode": "global",
            "endpoint_mode": "dnsrr",
            "placement": {"constraints": ["node.labels.halobuzz.edge == true"]},
            "restart_policy": {"condition": "any", "delay": "1s"},
            "update_config": _update("stop-first", 5, 5),
            "rollback_config": _update("stop-first", 5),
        },
    }


def render_stack(stack: str, services: list[dict[str, Any]], settings: dict[str, Any]) -> dict[str, Any]:
    """Derive the whole stack file from the catalogue.

    :param stack: name of the stack.
    :param services: ``catalog_services``.
    :param settings: ``{images: {repository: reference with digest}, environment_files: {service: content}, entrypoint: content,
        edge_image, edge_dir, https_port (0: none), monitor_seconds, at_once_percent (of a service's tasks; at least one), scaled: {service: replicas}}``.
    :returns: a Compose file (version 3.9) as a mapping. Secrets appear by name only.
    """
    rendered: dict[str, Any] = {}
    for service in services:
        rendered[service["name"]] = _application(service, settings)
    if any(service.get("edge") for service in services):
        rendered["edge"] = _edge(services, settings)
    for name, service in rendered.items():
        labels = {SPEC_LABEL: spec_of(service)}
        scaled = settings.get("scaled", {}).get(name)
        if scaled is not None:
            service["deploy"]["replicas"] = int(scaled)
            labels[SCALED_LABEL] = str(scaled)
        service["deploy"]["labels"] = labels
        at_once = int(service["deploy"].get("replicas", 1)) * int(settings["at_once_percent"]) // 100
        service["deploy"]["update_config"]["parallelism"] = max(1, at_once)
    secrets = {
        f"{name}-environment": {"external": True, "name": versioned_name(stack, f"{name}-environment", content)}
        for name, content in settings["environment_files"].items()
    }
    for name, service in rendered.items():
        secret = secrets.get(f"{name}-environment")
        if secret:
            # The stack names secrets by an alias, so their versions would be missing from the fingerprint.
            service["deploy"]["labels"][SPEC_LABEL] = hashlib.sha256(
                (service["deploy"]["labels"][SPEC_LABEL] + secret["name"]).encode()
            ).hexdigest()
    volumes = sorted({volume.split(":", 1)[0] for service in services for volume in service.get("volumes", [])})
    return {
        "version": "3.9",
        "services": rendered,
        "networks": {"platform": {"driver": "overlay", "attachable": True}},
        "secrets": secrets,
        "configs": {
            "entrypoint": {"external": True, "name": versioned_name(stack, "entrypoint", settings["entrypoint"])}
        },
        "volumes": {volume: {} for volume in volumes},
    }


def pinned(references: dict[str, str], digests: dict[str, str]) -> dict[str, str]:
    """Replace each reference's tag by its digest, so that what was tested is what runs; a tag without a digest stays."""
    return {
        name: f"{reference.rpartition(':')[0]}@{digests[reference]}" if reference in digests else reference
        for name, reference in references.items()
    }


def scaled_replicas(services: dict[str, dict[str, Any]], stack: str) -> dict[str, str]:
    """Return the replicas that were set by the playbook scale, by service: they survive the next deploy."""
    return {
        name.removeprefix(f"{stack}_"): service["labels"][SCALED_LABEL]
        for name, service in services.items()
        if SCALED_LABEL in service["labels"]
    }


def migration_plan(
    migrations: dict[str, list[str]], rendered: dict[str, Any], namespace: str, images_before: list[str]
) -> list[dict[str, Any]]:
    """Derive the one-off tasks that migrate the database: one for each service with a migration and a new image.

    :param migrations: ``stack_migrations``, service to command.
    :param rendered: the stack of the release.
    :param namespace: the stack name that marks them.
    :param images_before: images of the release that serves; its migrations have run.
    :returns: ``[{service, line, argv}]``; ``argv`` is a ``docker service create`` of a job. Secrets appear by name only.
    """
    plan = []
    for name, command in migrations.items():
        service = rendered["services"].get(name)
        if not service or service["image"] in images_before:
            continue
        argv = [
            "docker",
            "service",
            "create",
            "--detach",
            "--quiet",
            "--name",
            f"{namespace}_{name}",
            "--mode=replicated-job",
        ]
        argv += ["--restart-condition=none", "--no-healthcheck", "--with-registry-auth", "--init"]
        argv += [f"--{kind}=com.docker.stack.namespace={namespace}" for kind in ("label", "container-label")]
        argv += [f"--constraint={constraint}" for constraint in service["deploy"]["placement"]["constraints"]]
        argv += [f"--limit-memory={service['deploy']['resources']['limits']['memory']}", "--cap-drop=ALL"]
        argv += [f"--env={key}={value}" for key, value in service["environment"].items()]
        for kind in ("secrets", "configs"):
            argv += [
                f"--{kind[:-1]}=source={rendered[kind][one['source']]['name']},target={one['target']},mode={one['mode']:04o}"
                for one in service[kind]
            ]
        argv += ["--entrypoint=" + " ".join(service["entrypoint"]), service["image"], *command]
        plan.append({"service": name, "line": f"Migration of {name}: {' '.join(command)}", "argv": argv})
    return plan


def wanted_services(stack: str, rendered: dict[str, Any], record_file: str = "") -> list[dict[str, Any]]:
    """Return what the module drift compares: name, stack, fingerprint and replicas of each service of a rendered stack.

    :param record_file: where the last release has recorded how Swarm holds its services.
    """
    wanted = []
    for name, service in rendered["services"].items():
        entry = {
            "name": f"{stack}_{name}",
            "stack": stack,
            "spec": service["deploy"]["labels"][SPEC_LABEL],
            "image": service["image"],
        }
        if service["deploy"]["mode"] == "replicated":
            entry["replicas"] = service["deploy"]["replicas"]
        if record_file:
            entry["record_file"] = record_file
        wanted.append(entry)
    return wanted


def released_record(services: list[dict[str, Any]]) -> str:
    """Return what a release records of how Swarm holds its services, as JSON, from the summaries of rollout_wait."""
    return json.dumps({service["name"]: service["template"] for service in services}, indent=2, sort_keys=True) + "\n"
