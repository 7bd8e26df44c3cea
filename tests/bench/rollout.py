# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients notice while the platform changes: 200 requests/s (half on kept, half on new connections) and 50 websockets.

Beside it, in the same run, the same change by hand: ``docker service update`` on the same services behind the same edge, and
``docker compose up -d`` on one host without one. The lab must run v1 (make demo). Each operation's phases go to the report, too.

    make bench NAME=rollout                       all operations; on as many hosts as the lab has
    .venv/bin/python tests/bench/rollout.py deploy scale
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from measure import CHECKOUT, INVENTORY, playbook_command, seconds_of
from steady_load import SteadyLoad

EDGES = [
    f"http://{host['platform_address']}"
    for host in yaml.safe_load((INVENTORY / "hosts.yml").read_text())["all"]["hosts"].values()
]
REPORT = CHECKOUT / ".cache" / "bench" / "rollout.json"
QUIET_SECONDS = 15
COMPOSE_PORT = 8085
COMPOSE_FILE = f"""\
services:
  backend:
    image: ${{IMAGE}}
    init: true
    entrypoint: [/bin/sh, /halobuzz/entrypoint]
    command: [node, dist/index.js]
    environment: {{NODE_ENV: production}}
    ports: ["{COMPOSE_PORT}:5010"]
    volumes: ["./environment:/run/secrets/environment:ro", "./entrypoint:/halobuzz/entrypoint:ro"]
"""


def on_node1(script: str, given: str = "", host: str = "node1") -> str:
    """Run a shell script as root on the first host, or another one, and return what it printed.

    :raises SystemExit: where it fails.
    """
    done = subprocess.run(
        [str(CHECKOUT / "tests/lab/lab"), "ssh", host, "sudo sh -ec " + json.dumps(script).replace("$", "\\$")],
        input=given,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise SystemExit(f"{script}\nfailed:\n{done.stderr[-2000:]}")
    return done.stdout


def play(name: str, *arguments: str) -> Callable[[], float]:
    """Return a function that runs a playbook and tells its seconds."""
    return lambda: seconds_of(playbook_command(f"playbooks/{name}.yml", *arguments))


def shell(script: str) -> Callable[[], float]:
    """Return a function that runs a script on the first host and tells its seconds."""

    def run() -> float:
        started = time.monotonic()
        on_node1(script)
        return time.monotonic() - started

    return run


def watched(operation: Callable[[], float], edges: list[str] = EDGES, **options: Any) -> dict[str, Any]:
    """Run an operation under load and return ``{seconds, before, during}``; the two are summaries of steady_load."""
    load = SteadyLoad(edges, **options).start()
    time.sleep(QUIET_SECONDS)
    load.mark("during")
    seconds = operation()
    time.sleep(5)  # whoever was sent to an old task has been answered by then
    before, during = load.stop()
    return {"seconds": round(seconds, 1), "before": before, "during": during}


def figure(name: str, ours: float, reference: float, unit: str) -> None:
    """Print one figure as a JSON line; there is no ratio to nothing."""
    ratio = round(ours / reference, 3) if reference else None
    print(
        json.dumps({"name": name, "ours": ours, "reference": reference, "ratio": ratio, "unit": unit, "runs": 1}),
        flush=True,
    )


def figures(name: str, ours: dict[str, Any]) -> None:
    """Print the figures of one operation against the quiet time before it."""
    during, before = ours["during"], ours["before"]
    figure(f"rollout/{name}/requests", during["sent"], before["sent"], "requests sent during, before")
    figure(f"rollout/{name}/failed", during["failed"], before["failed"], "requests failed during, before")
    for quantile in ("p50_ms", "p99_ms"):
        figure(f"rollout/{name}/{quantile}", during[quantile], before[quantile], "ms during, before")
    for key in ("websocket_drops", "websocket_drops_most"):
        figure(f"rollout/{name}/{key}", during[key], before[key], "drops during, before; most: of one websocket")


def compared(name: str, ours: dict[str, Any], other: str, reference: dict[str, Any]) -> None:
    """Print the figures of one operation against the same change by other means."""
    figure(f"rollout/{name}/seconds/{other}", ours["seconds"], reference["seconds"], "s")
    for key in ("sent", "failed", "p99_ms"):
        figure(f"rollout/{name}/{key}/{other}", ours["during"][key], reference["during"][key], key)


def images(version: str) -> str:
    """Return shell assignments of the images' digests in a version that was released before."""
    ledger = [json.loads(line) for line in on_node1("cat /var/lib/halobuzz/stack/ledger.jsonl").splitlines()]
    found = [one for one in ledger if one["event"] == "started" and one["version"] == version][-1]["images"]
    named = {reference.rpartition("@")[0].rpartition("/")[2]: reference for reference in found}
    return f"BACKEND={named['backend']} AI={named['ai-engine']}"


def by_service_update(version: str) -> Callable[[], float]:
    """Return what a person would type: each service to its new image, waiting for it, in the order of their dependencies."""
    return shell(
        f"{images(version)}; docker service update --quiet --image $AI halobuzz_ai-engine; "
        "docker service update --quiet --image $BACKEND halobuzz_backend"
    )


def by_compose(version: str) -> dict[str, Any]:
    """Measure ``docker compose up -d`` from the other version to this one, on the first host."""
    opened = {"firewall_public_ports_extra": [str(COMPOSE_PORT)]}
    seconds_of(
        playbook_command("playbooks/deploy_prod.yml", "-e", f"platform_version={version}", "-e", json.dumps(opened))
    )
    on_node1("mkdir -p /root/bench; cat > /root/bench/compose.yml", COMPOSE_FILE)
    tasks = "docker service ps halobuzz_backend --filter desired-state=running --format '{{.Node}}'"
    holder = on_node1(tasks).split()[0]  # node1 need not have a task itself
    for name, path in (("environment", "/run/secrets/environment"), ("entrypoint", "/halobuzz/entrypoint")):
        text = on_node1(f"docker exec $(docker ps -q -f name=halobuzz_backend | head -1) cat {path}", host=holder)
        on_node1(f"cat > /root/bench/{name}; chmod 644 /root/bench/{name}", text)
    up = "cd /root/bench; %s; IMAGE=$BACKEND docker compose -f compose.yml up -d"
    on_node1(up % images("v1" if version == "v2" else "v2"))
    time.sleep(15)
    try:
        options = {"websockets": 0, "headers": {"X-Forwarded-Proto": "https"}}
        return watched(shell(up % images(version)), [f"http://10.99.0.11:{COMPOSE_PORT}"], **options)
    finally:
        on_node1("cd /root/bench; IMAGE=none docker compose -f compose.yml down; rm -r /root/bench")


def main() -> None:
    """Print the figures and write the report."""
    changed = CHECKOUT / ".cache" / "bench" / "settings.json"
    changed.parent.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load((INVENTORY / "group_vars" / "all" / "platform.yml").read_text())["config_environment"]
    changed.write_text(json.dumps({"config_environment": {**settings, "LOG_LEVEL": "debug"}}))
    operations: dict[str, list[tuple[str, Callable[[], float]]]] = {
        "deploy": [("v1-v2", play("deploy_prod", "-e", "platform_version=v2")), ("v2-v1", play("deploy_prod"))],
        "scale": [
            ("2-5", play("scale", "-e", "scale_service=ai-engine", "-e", "scale_replicas=5")),
            ("5-2", play("scale", "-e", "scale_service=ai-engine", "-e", "scale_replicas=2")),
        ],
        "restart": [("all", play("restart"))],
        "config": [("changed", play("deploy_prod", "-e", f"@{changed}")), ("rollback", play("rollback"))],
    }
    if len(EDGES) > 1:  # one host cannot be spared
        operations["drain"] = [
            ("node3", play("drain", "-e", "host=node3")),
            ("node3-back", play("undrain", "-e", "host=node3")),
        ]
        operations["reboot"] = [("node3", play("reboot", "-e", "host=node3"))]
    # All new tasks first, then the old ones go: it takes the memory of both.
    # Last, because whatever acts on a release, goes back to it or is done by hand after it does it with that release's number at once.
    operations["deploy-at-once"] = [
        ("v1-v2", play("deploy_prod", "-e", "platform_version=v2", "-e", "stack_at_once_percent=100")),
        ("v2-v1", play("deploy_prod", "-e", "stack_at_once_percent=100")),
    ]
    wanted = sys.argv[1:] or list(operations)
    if unknown := set(wanted) - set(operations):
        raise SystemExit(f"no such operation here: {', '.join(sorted(unknown))}. There are: {', '.join(operations)}")
    seconds_of(
        playbook_command("playbooks/deploy_prod.yml", "-e", "platform_version=v2")
    )  # both versions are built and known
    seconds_of(playbook_command("playbooks/deploy_prod.yml"))
    report: dict[str, Any] = {}
    for name in wanted:
        for step, operation in operations[name]:
            edges = EDGES[:2] if name in ("drain", "reboot") else EDGES  # clients leave a host's edge before it goes
            report[f"{name}/{step}"] = watched(operation, edges)
            REPORT.write_text(json.dumps(report, indent=2))  # an hour's figures survive whatever comes after them
            figures(f"{name}/{step}", report[f"{name}/{step}"])
        if name == "deploy":
            for other, measure in (
                ("service_update", lambda: watched(by_service_update("v2"))),
                ("compose_up", lambda: by_compose("v2")),
            ):
                report[f"reference/{other}"] = measure()
                REPORT.write_text(json.dumps(report, indent=2))
                compared("deploy/v1-v2", report["deploy/v1-v2"], other, report[f"reference/{other}"])
            seconds_of(playbook_command("playbooks/deploy_prod.yml"))
    print(f"report: {REPORT.relative_to(Path.cwd()) if REPORT.is_relative_to(Path.cwd()) else REPORT}", file=sys.stderr)


if __name__ == "__main__":
    main()
