"""The lab's own services: certificate authority, DNS, registry, git daemon."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

from .images import PRODUCTION_NAMES, ImageCache, hash_folder
from .inventory import kept_secrets
from .registry import Registry, push
from .settings import DOMAIN, LAB_SOURCES, MAX_HOSTS, S3_BUCKETS, S3_PORT, Lab, network_candidates
from .shell import LabError, bind_mount, docker, run, wait_until


def ensure_authority(lab: Lab) -> None:
    """Make the lab's certificate authority and the registry's certificate once."""
    folder = lab.ca_dir
    if not (folder / "registry.crt").exists():
        folder.mkdir(parents=True, exist_ok=True)
        ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        ca_key, ca_crt = str(folder / "ca.key"), str(folder / "ca.crt")
        key, request, certificate = (str(folder / f"registry.{ending}") for ending in ("key", "csr", "crt"))
        extensions = folder / "registry.ext"
        extensions.write_text(f"subjectAltName=DNS:registry.{DOMAIN},IP:{lab.service_addresses['registry']}\n")
        authority = ["-subj", f"/CN={lab.name} lab authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        run(["openssl", "req", "-x509", *ec, "-keyout", ca_key, "-out", ca_crt, "-days", "3650", *authority])
        run(["openssl", "req", *ec, "-keyout", key, "-out", request, "-subj", f"/CN=registry.{DOMAIN}"])
        sign = ["openssl", "x509", "-req", "-in", request, "-CA", ca_crt, "-CAkey", ca_key, "-CAcreateserial"]
        run([*sign, "-days", "3650", "-extfile", str(extensions), "-out", certificate])
        for private in folder.glob("*.key"):
            private.chmod(0o600)


def ensure_network(lab: Lab) -> Lab:
    """Create the lab's network; return the lab with the network number it has.

    Raises LabError when another network has its addresses.
    """
    rows = docker("network", "ls", "-q").split()
    form = "{{.Name}} {{range .IPAM.Config}}{{.Subnet}} {{end}}"
    subnets = {}
    for line in docker("network", "inspect", "-f", form, *rows).splitlines():
        name, *networks = line.split()
        subnets[name] = networks
    if lab.prefix in subnets:
        if subnets[lab.prefix] != [lab.subnet]:
            raise LabError(
                f"network {lab.prefix} is {subnets[lab.prefix]}, not {lab.subnet}; run `tests/lab/lab destroy`"
            )
        return lab
    taken = {network for networks in subnets.values() for network in networks}
    for number in network_candidates(lab.name):
        lab = dataclasses.replace(lab, network_number=number)
        if lab.subnet not in taken:
            docker("network", "create", "--subnet", lab.subnet, "--gateway", lab.address(1), lab.prefix)
            lab.state_dir.mkdir(parents=True, exist_ok=True)
            (lab.state_dir / "network").write_text(f"{number}\n")
            return lab
    raise LabError(
        f"another Docker network has {lab.subnet}; find it with `docker network inspect $(docker network ls -q)`"
    )


def is_running(container: str) -> bool:
    """Whether a container of this name runs."""
    return docker("container", "inspect", "-f", "{{.State.Running}}", container, check=False) == "true"


def ensure_service(lab: Lab, name: str, image: str, command: list[str], *options: str) -> str | None:
    """Run a service container at its fixed address; recreate it when its image or command changed."""
    container = lab.container(name)
    wanted = json.dumps([image, command, options])
    if is_running(container):
        if docker("inspect", "-f", '{{index .Config.Labels "halobuzz.lab.wanted"}}', container) == wanted:
            return None
    docker("rm", "-f", "-v", container, check=False)
    docker(
        *["run", "-d", "--name", container, "--hostname", name, "--network", lab.prefix],
        *["--ip", lab.service_addresses[name], "--restart", "unless-stopped"],
        *["--label", f"halobuzz.lab={lab.name}", "--label", f"halobuzz.lab.wanted={wanted}"],
        *["--label", f"halobuzz.lab.owner={lab.owner}"],
        *[*options, image, *command],
    )
    return "started"


def ensure_dns(lab: Lab, cache: ImageCache) -> str | None:
    """DNS for hosts and for the containers inside them; forwards other names to the machine's resolver."""
    lines = [f"{address} {name}.{DOMAIN}" for name, address in lab.service_addresses.items()]
    lines += [f"{lab.node_address(n)} node{n}.{DOMAIN} node{n}" for n in range(1, MAX_HOSTS + 1)]
    lab.state_dir.mkdir(parents=True, exist_ok=True)
    (lab.state_dir / "dns.hosts").write_text("\n".join(lines) + "\n")
    (lab.state_dir / "resolv.conf").write_text(f"nameserver {lab.service_addresses['dns']}\noptions timeout:2\n")
    # Inside the container /etc/resolv.conf is Docker's resolver, which forwards to the machine's.
    command = ["dnsmasq", "--keep-in-foreground", "--no-hosts", "--addn-hosts=/etc/lab.hosts", "--user=root"]
    command += [f"--local=/{DOMAIN}/", "--cache-size=2000", "--log-facility=-"]
    mount = ["--mount", bind_mount(lab.state_dir / "dns.hosts", "/etc/lab.hosts")]
    return ensure_service(lab, "dns", cache.tag("services"), command, *mount)


def ensure_registry(lab: Lab, cache: ImageCache) -> str | None:
    """The registry that hosts pull from; its storage is part of the cache, so that `destroy` and `up` stay fast."""
    storage = lab.cache_dir / "registry"
    storage.mkdir(parents=True, exist_ok=True)
    mounts = ["-v", f"{storage}:/var/lib/registry", "-v", f"{lab.ca_dir}:/certs:ro"]
    command = ["docker-registry", "serve", "/etc/docker/registry/config.yml"]
    text = ensure_service(lab, "registry", cache.tag("services"), command, *mounts)
    registry = Registry(lab)
    wait_until("the registry", registry.answers, seconds=60, hint=f"docker logs {lab.container('registry')}")
    registry.close()
    return text


def push_images(lab: Lab, cache: ImageCache, names: tuple[str, ...]) -> str | None:
    """Put images into the registry under their production names, those that it does not have as they are now."""
    records = {name: lab.cache_dir / "pushed" / name for name in names}
    registry = Registry(lab)
    missing = [
        name
        for name, record in records.items()
        if not record.exists()
        or record.read_text() != cache.tag(name)
        or not all(registry.has(full) for full in PRODUCTION_NAMES[name])
    ]
    registry.close()
    if not missing:
        return None
    pushed = {record.name for record in (lab.cache_dir / "pushed").glob("*")} & set(PRODUCTION_NAMES)
    repositories = [full.rpartition(":")[0] for name in sorted(pushed) for full in PRODUCTION_NAMES[name]]
    push(lab, {cache.tag(name): PRODUCTION_NAMES[name] for name in missing}, repositories)
    for name in missing:
        records[name].parent.mkdir(parents=True, exist_ok=True)
        records[name].write_text(cache.tag(name))
    return f"pushed as {', '.join(full for name in missing for full in PRODUCTION_NAMES[name])}"


def ensure_git(lab: Lab, cache: ImageCache) -> str | None:
    """Git daemon that serves the bare repositories in the state folder's `git/`, read-only."""
    storage = lab.state_dir / "git"
    storage.mkdir(parents=True, exist_ok=True)
    command = ["git", "daemon", "--reuseaddr", "--export-all", "--base-path=/git", "/git"]
    return ensure_service(lab, "git", cache.tag("services"), command, "-v", f"{storage}:/git:ro")


def publish_platform(lab: Lab) -> str | None:
    """Make the reference platform's repository and publish it, when its sources changed."""
    sources = LAB_SOURCES / "platform"
    script = sources / "make-repo"
    if not script.exists():
        return f"skipped: {script.name} is not there yet"
    record = lab.state_dir / "git" / "platform.hash"
    wanted = hash_folder(sources)
    bare = lab.state_dir / "git" / "platform.git"
    if bare.is_dir() and record.exists() and record.read_text() == wanted:
        return None
    work = lab.state_dir / "platform-work"
    shutil.rmtree(work, ignore_errors=True)
    work.parent.mkdir(parents=True, exist_ok=True)
    run([script, work])
    made = Path(work)
    if not (made / ".git").exists() and not (made / "HEAD").exists():
        raise LabError(f"{script} made no git repository in {work}; run it by hand and look")
    unfinished = bare.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    run(["git", "clone", "-q", "--mirror", made, unfinished])
    shutil.rmtree(bare, ignore_errors=True)
    unfinished.rename(bare)
    shutil.rmtree(work)
    record.write_text(wanted)
    return f"published as git://git.{DOMAIN}/platform.git"


def ensure_s3(lab: Lab, cache: ImageCache) -> str | None:
    """S3 server with one user and the lab's buckets; its data survive a restart, not `destroy`. Not waited for.

    Keys are those of the platform's secrets; tools and tests find them in `.lab/s3.env`.
    """
    values = kept_secrets(lab)
    settings = {
        "S3_ENDPOINT": f"http://s3.{DOMAIN}:{S3_PORT}",
        "S3_REGION": "us-east-1",
        "S3_BUCKETS": " ".join(S3_BUCKETS),
        "S3_ACCESS_KEY": values["S3_ACCESS_KEY"],
        "S3_SECRET_KEY": values["S3_SECRET_KEY"],
    }
    path = lab.state_dir / "s3.env"
    path.touch(mode=0o600)
    path.write_text("".join(f'{name}="{value}"\n' for name, value in settings.items()))
    container = lab.container("s3")
    if docker("ps", "-aq", "--filter", f"name=^{container}$") and not is_running(container):
        return "left stopped; `tests/lab/lab start s3` starts it"
    volume = f"{container}-data"
    docker("volume", "create", "--label", f"halobuzz.lab={lab.name}", volume)
    mounts = ["-v", f"{volume}:/data", "--mount", bind_mount(path, "/run/s3.env"), "--ulimit", "nofile=16384:16384"]
    text = ensure_service(lab, "s3", cache.tag("s3"), [], *mounts)
    return f"{text}; ready some seconds later: `tests/lab/lab status`" if text else None


def is_s3_ready(lab: Lab) -> bool:
    """Whether the S3 server runs and has made its user and buckets."""
    words = ["docker", "exec", lab.container("s3"), "test", "-e", "/run/s3-ready"]
    return run(words, check=False).returncode == 0


def start_service(lab: Lab, name: str) -> None:
    """Start a stopped service and wait until it serves. Raises LabError when it is not there or does not come up."""
    container = lab.container(name)
    if not docker("ps", "-aq", "--filter", f"name=^{container}$"):
        raise LabError(f"lab {lab.name} has no {name}; run `tests/lab/lab up`")
    docker("start", container)
    hint = f"docker logs {container}"
    if name == "s3":
        wait_until("the S3 server", lambda: is_s3_ready(lab), seconds=300, hint=hint, pause_seconds=0.5)
    if name == "registry":
        registry = Registry(lab)
        wait_until("the registry", registry.answers, seconds=60, hint=hint)
        registry.close()
