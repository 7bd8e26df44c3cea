"""Command line of the lab."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from functools import partial

from . import hosts, images, inventory, machine, services
from .settings import CHECKOUT, DEBIAN_SUITES, DOMAIN, MAX_HOSTS, Lab, current_lab, shared_cache_dir
from .shell import LabError, Task, docker, file_lock, run_tasks, say

_EXAMPLES = """\
examples:
  tests/lab/lab up                          three bare Debian 13 hosts, registry, git, S3
  tests/lab/lab up --hosts 4 --debian 13,13,12,12
  tests/lab/lab ssh node1 sudo docker ps
  tests/lab/lab kill node2                  the host dies at once; `start node2` brings it back
  tests/lab/lab reset                       bare hosts again, in seconds
  tests/lab/lab destroy                     remove everything but the cache

LAB_NAME chooses another instance (own network, state and inventory): LAB_NAME=scratch tests/lab/lab up
"""


def _image_tasks(cache: images.ImageCache, names: list[str]) -> list[Task]:
    """Tasks that build images and what they are built on, in the order given."""
    ordered: list[str] = []
    for name in names:
        chain = [name]
        while base := cache.recipes[chain[-1]].base:
            chain.append(base)
        ordered += [link for link in reversed(chain) if link not in ordered]
    tasks = []
    for name in ordered:
        base = cache.recipes[name].base
        needs = [f"image {base}"] if base else []
        if name == "mongo" and not cache.is_present(name):
            # A task of its own: compiling goes on while the images below are still being built.
            tasks.append(Task("mongo tools", _build_mongo_tools))
            needs.append("mongo tools")
        tasks.append(Task(f"image {name}", partial(cache.build, name), tuple(needs)))
    return tasks


def _build_mongo_tools() -> str:
    images.build_mongo_tools()
    return "ready"


def _prepare_machine() -> images.ImageCache:
    """Packages, engine and the image cache of this machine."""
    machine.install_packages()
    machine.start_engine()
    return images.ImageCache(machine.read_machine())


def command_up(lab: Lab, options: argparse.Namespace) -> None:
    """Bring up hosts and services."""
    if not 1 <= options.hosts <= MAX_HOSTS:
        raise LabError(f"--hosts {options.hosts}: the lab has 1 to {MAX_HOSTS} hosts")
    with file_lock(lab.state_dir / "up.lock", f"`up` of lab {lab.name}"):
        take_over = options.take_over or os.environ.get("CI") == "true"
        _up(lab, options.hosts, options.debian, take_over=take_over, with_s3=options.s3)


def _up(lab: Lab, host_count: int, debian: str | None, *, take_over: bool, with_s3: bool) -> None:
    """Bring up hosts and services; without a `debian` list hosts keep their version, and new ones have the newest."""
    if debian is not None:
        versions = hosts.debian_versions(debian, host_count)
    cache = _prepare_machine()
    hosts.take_over(lab, allowed=take_over)
    present = hosts.existing_hosts(lab)
    if debian is None:
        numbers = range(1, host_count + 1)
        newest = next(iter(DEBIAN_SUITES))
        versions = [present.get(hosts.node_name(number), {}).get("debian", newest) for number in numbers]
    for number, version in enumerate(versions, start=1):
        hosts.require_debian(hosts.node_name(number), present, version)
    lab = services.ensure_network(lab)
    services.ensure_authority(lab)
    hosts.ensure_keys(lab)
    inventory.ensure_secrets(lab)
    host_images = list(dict.fromkeys(f"host-{DEBIAN_SUITES[version]}" for version in versions))
    # Earlier tasks start first: hosts before the images that only a deploy needs.
    tasks = _image_tasks(cache, [*host_images, "services"])
    tasks.append(Task("dns", partial(services.ensure_dns, lab, cache), ("image services",)))
    for number, version in enumerate(versions, start=1):
        tasks.append(
            Task(
                hosts.node_name(number),
                partial(hosts.ensure_host, lab, cache, number, version),
                ("dns", f"image host-{DEBIAN_SUITES[version]}"),
            )
        )
    tasks.append(
        Task(
            "inventory",
            partial(inventory.write_inventory, lab),
            tuple(map(hosts.node_name, range(1, 1 + len(versions)))),
        )
    )
    tasks.append(Task("registry", partial(services.ensure_registry, lab, cache), ("image services",)))
    tasks.append(Task("git", partial(services.ensure_git, lab, cache), ("image services",)))
    tasks.append(Task("platform repository", partial(services.publish_platform, lab), ("git",)))
    known = {task.name for task in tasks}
    tasks += [task for task in _image_tasks(cache, list(images.PRODUCTION_NAMES)) if task.name not in known]
    for together in images.PUSHED_TOGETHER:
        needs = ("registry", *(f"image {name}" for name in together))
        tasks.append(Task(f"push {together[0]}", partial(services.push_images, lab, cache, together), needs))
    if with_s3:
        tasks += _image_tasks(cache, ["s3"])[-1:]
        tasks.append(Task("s3", partial(services.ensure_s3, lab, cache), ("image s3", "dns")))
    run_tasks(tasks)
    names = " ".join(hosts.existing_hosts(lab))
    say(f"lab {lab.name} is up: {names}; inventory in {lab.inventory_dir.relative_to(CHECKOUT)}")


def command_images(lab: Lab, options: argparse.Namespace) -> None:
    """Build all images and start nothing."""
    del lab, options
    cache = _prepare_machine()
    run_tasks(_image_tasks(cache, list(cache.recipes)))
    say(f"{len(cache.recipes)} images are there")


def command_vault_core(lab: Lab, options: argparse.Namespace) -> None:
    """Print where the program is; it is built first when it is not there yet."""
    del lab, options
    machine.install_packages()
    print(images.build_vault_core())


def _require_engine() -> None:
    """Raise LabError when no engine answers: then there is no lab."""
    if shutil.which("docker") is None or not machine.engine_answers():
        raise LabError("no Docker engine answers, so there is no running lab; run `tests/lab/lab up`")


def command_destroy(lab: Lab, options: argparse.Namespace) -> None:
    """Remove the lab."""
    if shutil.which("docker") and machine.engine_answers():
        removed, services_removed = hosts.remove_containers(lab)
        docker("network", "rm", lab.prefix, check=False)
        say(f"removed {removed} hosts, {services_removed} service containers, their volumes and the network")
        if options.images:
            images.remove_images()
    inventory.remove_inventory(lab)
    if options.images:
        shutil.rmtree(shared_cache_dir(), ignore_errors=True)
    keep = {"dockerd.log", "other"} | (set() if options.images else {"cache"})
    if lab.state_dir.is_dir():
        for path in lab.state_dir.iterdir():
            if path.name in keep:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not any(lab.state_dir.iterdir()):
            lab.state_dir.rmdir()
    left = "" if options.images else "; images and .lab/cache stay for a fast `up` (`destroy --images` removes them)"
    say(f"lab {lab.name} is destroyed{left}")


def command_reset(lab: Lab, options: argparse.Namespace) -> None:
    """Replace the hosts by bare ones."""
    _require_engine()
    present = hosts.existing_hosts(lab)
    if not present:
        raise LabError("there are no hosts to reset; run `tests/lab/lab up`")
    if options.debian is None:
        options.debian = ",".join(host["debian"] for host in present.values())
    options.hosts = options.hosts or len(present)
    hosts.remove_hosts(lab)
    say(f"removed {len(present)} hosts and their volumes")
    command_up(lab, options)


def command_status(lab: Lab, options: argparse.Namespace) -> None:
    """Print what runs."""
    del options
    _require_engine()
    found = hosts.existing_hosts(lab)
    for name, host in found.items():
        print(f"{name:10} {host['address']:12} {host['status']:20} Debian {host['debian']}")
    for name, address in lab.service_addresses.items():
        row = machine.docker_json("ps", "-a", "--filter", f"name=^{lab.container(name)}$")
        if row:
            starting = name == "s3" and row[0]["State"] == "running" and not services.is_s3_ready(lab)
            status = "starting" if starting else str(row[0]["Status"])
            print(f"{name:10} {address:12} {status:20} {name}.{DOMAIN}")
    if not found:
        raise LabError(f"lab {lab.name} has no hosts; run `tests/lab/lab up`")
    down = [name for name, host in found.items() if host["state"] != "running"]
    if down:
        raise LabError(f"not running: {', '.join(down)}; run `tests/lab/lab start {down[0]}`")


def command_ssh(lab: Lab, options: argparse.Namespace) -> None:
    """Replace this process by ssh."""
    _require_engine()
    host = hosts.require_host(lab, options.node)
    if host["state"] != "running":
        raise LabError(f"{options.node} is {host['state']}; run `tests/lab/lab start {options.node}`")
    words = [*hosts.ssh_command(lab, options.node), *options.command]
    os.execvp(words[0], words)


def command_kill(lab: Lab, options: argparse.Namespace) -> None:
    """Let a host or a service die at once, as if its power failed."""
    _require_engine()
    if options.node not in lab.service_addresses:
        host = hosts.require_host(lab, options.node)
        if (
            host["state"] == "running"
        ):  # or its kernel would close the connections of killed processes: no dead host says goodbye
            docker("exec", lab.container(options.node), "ip", "link", "set", "eth0", "down")
    docker("kill", lab.container(options.node))
    say(f"{options.node} is dead; `tests/lab/lab start {options.node}` brings it back")


def command_start(lab: Lab, options: argparse.Namespace) -> None:
    """Start a stopped host or service and wait until it answers."""
    _require_engine()
    if options.node in lab.service_addresses:
        services.start_service(lab, options.node)
        say(f"{options.node} is up")
    else:
        _start(lab, options.node)


def command_reboot(lab: Lab, options: argparse.Namespace) -> None:
    """Shut a host down in order and start it again."""
    _require_engine()
    hosts.require_host(lab, options.node)
    docker("stop", "-t", "60", lab.container(options.node))
    _start(lab, options.node)


def _start(lab: Lab, node: str) -> None:
    debian = hosts.require_host(lab, node)["debian"]
    started_at = time.monotonic()
    cache = images.ImageCache(machine.read_machine())
    hosts.ensure_host(lab, cache, int(node.removeprefix("node")), debian)
    say(f"{node} answers ssh after {time.monotonic() - started_at:.1f} s")


def command_inventory(lab: Lab, options: argparse.Namespace) -> None:
    """Print hosts.yml as it is for the hosts that exist."""
    del options
    _require_engine()
    addresses = {name: host["address"] for name, host in hosts.existing_hosts(lab).items()}
    if not addresses:
        raise LabError("there are no hosts; run `tests/lab/lab up`")
    print(inventory.render_hosts(lab, addresses), end="")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab",
        description="Real hosts, a registry, a git server and an S3 server as containers on this machine.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    def verb(name: str, action: object, text: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(action=action)
        return sub

    up = verb("up", command_up, "bring hosts and services up; adds what is missing, leaves the rest alone")
    up.add_argument("--hosts", type=int, default=3, metavar="N", help=f"how many hosts, 1 to {MAX_HOSTS} (default 3)")
    up.add_argument(
        "--debian",
        default=None,
        metavar="13|12|LIST",
        help="version for all, or per host: 13,13,12 (default: 13 for new hosts)",
    )
    reset = verb("reset", command_reset, "bare hosts again; registry, git, images and secrets stay")
    reset.add_argument("--hosts", type=int, default=0, metavar="N", help="how many hosts (default: as many as now)")
    reset.add_argument("--debian", default=None, metavar="13|12|LIST", help="as for `up` (default: as now)")
    for command in (up, reset):
        command.add_argument(
            "--s3", action=argparse.BooleanOptionalAction, default=True, help="with the S3 server (default) or without"
        )
        command.add_argument(
            "--take-over", action="store_true", help="remove a lab of this name that another checkout made (CI does)"
        )
    destroy = verb("destroy", command_destroy, "remove hosts, services, network, volumes, inventory and state")
    destroy.add_argument("--images", action="store_true", help="remove the cached images and downloads too")
    verb("status", command_status, "what runs, one line each; exit code 1 when a host is down")
    ssh = verb("ssh", command_ssh, "open a shell on a host as ops, or run a command there")
    ssh.add_argument("node", metavar="NODE")
    ssh.add_argument("command", nargs=argparse.REMAINDER, metavar="CMD", help="command to run there")
    for name, action, text in (
        ("kill", command_kill, "let a host (or service: registry, git, dns, s3) die at once"),
        ("start", command_start, "start a dead host or service and wait until it answers"),
        ("reboot", command_reboot, "shut a host down in order and start it again"),
    ):
        verb(name, action, text).add_argument("node", metavar="NODE")
    verb("inventory", command_inventory, "print the Ansible inventory of the hosts that exist")
    verb("images", command_images, "build all images, also Debian 12 hosts; start nothing")
    verb(
        "vault-core", command_vault_core, "build Vault's core for `make contract`, some minutes once; print where it is"
    )
    return parser


def main() -> int:
    """Run one command; return the exit code: 0, or 1 after a LabError, whose text is printed."""
    options = _parser().parse_args()
    try:
        options.action(current_lab(), options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0
