"""The project's own rules, as far as a machine can see them. Each test says what it found, one line per finding."""

from __future__ import annotations

import configparser
import functools
import hashlib
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from ansible_collections.halobuzz.platform.plugins.module_utils import _variables

CHECKOUT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (CHECKOUT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted((CHECKOUT / "playbooks").glob("*.yml"))
MODULES = sorted((CHECKOUT / "plugins" / "modules").glob("*.py"))

LONGEST_TASK_FILE = 80
LONGEST_PLAYBOOK = 130
MAKE_TARGETS_OF = {"setup_dev": "setup", "start": "up", "stop": "down", "deploy_prod": "deploy-prod"}
"""Playbooks whose make target has the runbook's word instead of the playbook's name."""
SECRET_NAME = re.compile(r"_(password|passwords|token|tokens|key|keys|secret|secrets|keyfile|uri)$")
PUBLIC_IN_SPITE_OF_NAME = re.compile(r"(^|_)public_|_key_(id|url|file|path)$")
VENDOR_REPOSITORIES = {"deb.nodesource.com", "download.docker.com"}
"""Not mirrors of a distribution, but products that the collection offers by name."""


class TolerantLoader(yaml.SafeLoader):
    """Reads Ansible's own tags (`!vault`, `!unsafe`) as plain values."""


TolerantLoader.add_multi_constructor("!", lambda loader, suffix, node: getattr(node, "value", None))


def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), TolerantLoader) if path.exists() else None  # noqa: S506 - it is a SafeLoader


def report(findings: list[str]) -> None:
    """Fail with every finding, or pass with none."""
    if findings:
        pytest.fail(f"{len(findings)} findings:\n  " + "\n  ".join(sorted(findings)), pytrace=False)


def relative(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


@functools.cache
def tracked_files() -> list[Path]:
    """Return what git tracks or would track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [CHECKOUT / name for name in names if name and (CHECKOUT / name).is_file()]


def specs_of(role: Path) -> dict[str, Any]:
    return (load(role / "meta" / "argument_specs.yml") or {}).get("argument_specs", {})


def options_of(role: Path) -> dict[str, dict[str, Any]]:
    """Return every option of a role, whichever entry point has it."""
    return {name: option for spec in specs_of(role).values() for name, option in (spec.get("options") or {}).items()}


def tasks_in(node: Any) -> Iterator[dict[str, Any]]:
    """Yield each task and block of a parsed file, however deeply nested."""
    if isinstance(node, list):
        for item in node:
            yield from tasks_in(item)
    elif isinstance(node, dict):
        yield node
        for section in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
            yield from tasks_in(node.get(section))


def task_files() -> list[Path]:
    return sorted([*CHECKOUT.glob("roles/*/tasks/**/*.yml"), *CHECKOUT.glob("roles/*/handlers/*.yml"), *PLAYBOOKS])


def test_defaults_equal_the_specs_defaults() -> None:
    findings = []
    for role in ROLES:
        defaults, options = load(role / "defaults" / "main.yml") or {}, options_of(role)
        for name, option in options.items():
            if option.get("required"):
                if name in defaults:
                    findings.append(f"{role.name}: {name} is required, and has a default in defaults/main.yml")
            elif "default" in option:
                if name in defaults and option["default"] != defaults[name]:
                    findings.append(f"{role.name}: {name} is {defaults[name]!r}, its spec says {option['default']!r}")
            elif name in defaults and not isinstance(defaults[name], dict | list):  # long ones are not said twice
                findings.append(f"{role.name}: {name} has a default, its spec names none")
    report(findings)


def test_preflight_takes_every_default() -> None:
    refused = {
        name: _variables.check_value(name, option["default"], _variables.Option(role.name, option))
        for role in ROLES
        for name, option in options_of(role).items()
        if "default" in option and "{{" not in str(option["default"])
    }
    assert {name: answer for name, answer in refused.items() if answer} == {}


def test_variables_and_specs_name_the_same_options() -> None:
    findings = []
    for role in ROLES:
        defaults, options = load(role / "defaults" / "main.yml") or {}, options_of(role)
        findings += [
            f"{role.name}: {name} has no spec" for name in defaults if name not in options and not name.startswith("__")
        ]
        findings += [
            f"{role.name}: {name} is neither required nor in defaults/main.yml"
            for name, option in options.items()
            if name not in defaults
            # secrets have no default, and platform_* variables have theirs in one place only
            and not (option.get("required") or option.get("no_log") or name.startswith("platform_"))
        ]
    report(findings)


def test_variables_are_named_for_their_role() -> None:
    report(
        [
            f"{role.name}: {name}"
            for role in ROLES
            for name in [*(load(role / "defaults" / "main.yml") or {}), *options_of(role)]
            if not name.startswith((f"{role.name}_", f"__{role.name}_", "platform_"))
        ]
    )


def test_every_role_has_a_spec_with_a_main_or_its_verbs() -> None:
    report([f"{role.name}: no meta/argument_specs.yml" for role in ROLES if not specs_of(role)])


def test_every_entry_point_that_a_playbook_or_role_uses_has_a_spec() -> None:
    findings = []
    for path in task_files():
        for task in tasks_in(load(path)):
            for word in ("include_role", "import_role"):
                call = task.get(word) or task.get(f"ansible.builtin.{word}")
                if not isinstance(call, dict):
                    continue
                name = str(call.get("name", "")).rpartition(".")[2]
                entry = str(call.get("tasks_from", "main")).removesuffix(".yml")
                role = CHECKOUT / "roles" / name
                if role.is_dir() and entry not in specs_of(role):
                    findings.append(f"{relative(path)}: {name} has no spec for its entry point {entry}")
    report(findings)


def test_every_spec_has_its_entry_point() -> None:
    report(
        [
            f"{role.name}: spec for {entry}, no tasks/{entry}.yml"
            for role in ROLES
            for entry, spec in specs_of(role).items()
            if not (role / "tasks" / f"{entry}.yml").exists()
            and not (entry == "inventory" and not (role / "tasks").is_dir())  # defaults only, as in catalog
            and spec is not None
        ]
    )


def test_every_option_is_described() -> None:
    def undescribed(options: dict[str, Any], prefix: str) -> Iterator[str]:
        for name, option in options.items():
            if not option.get("description"):
                yield prefix + name
            yield from undescribed(option.get("options") or {}, f"{prefix}{name}.")

    report([f"{role.name}: {name}" for role in ROLES for name in undescribed(options_of(role), "")])


def test_switches_are_read_as_booleans() -> None:
    """``-e switch=false`` is the text ``false``, and a text that is not empty is true."""
    findings = []
    for role in ROLES:
        switches = [name for name, option in options_of(role).items() if option.get("type") == "bool"]
        for path in (path for path in role.rglob("*") if path.suffix in (".yml", ".j2") and path.parent.name != "meta"):
            for name in switches:
                for found in re.finditer(rf"\b(?:if|and|or|not|elif) {name}\b(?! \| bool)", path.read_text()):
                    findings.append(f"{relative(path)}: {found.group()} wants `| bool`")
                findings += [
                    f"{relative(path)}: when: {name} wants `| bool`"
                    for task in (tasks_in(load(path)) if path.parent.name == "tasks" else ())
                    if name in (task.get("when") if isinstance(task.get("when"), list) else [task.get("when")])
                ]
    report(findings)


def test_the_edge_gives_up_a_dead_host_on_every_server_line() -> None:
    """HAProxy drops tcp-ut silently where the family of the address is not known when it reads the line."""
    text = (CHECKOUT / "roles/edge/templates/haproxy.cfg.j2").read_text()
    servers = re.findall(r"^ +(server(?:-template)? .*)$", text, re.MULTILINE)
    assert servers
    report([line for line in servers if " ipv4@" not in line or not line.endswith(" tcp-ut 3s")])


def test_secrets_are_marked_no_log() -> None:
    def unmarked(options: dict[str, Any], prefix: str) -> Iterator[str]:
        for name, option in options.items():
            # a dict or list of names to public things is caught by its own elements; strings hold the secret itself
            is_secret = SECRET_NAME.search(f"_{name}") and not PUBLIC_IN_SPITE_OF_NAME.search(name)
            names_only = option.get("type") == "list" and option.get("elements") == "str"
            if is_secret and not names_only and not option.get("no_log") and option.get("type") not in ("int", "bool"):
                yield prefix + name
            yield from unmarked(option.get("options") or {}, f"{prefix}{name}.")

    findings = [f"{role.name}: {name}" for role in ROLES for name in unmarked(options_of(role), "")]
    for path in MODULES:
        documentation = yaml.safe_load(python_string(path, "DOCUMENTATION") or "{}")
        # where a module is nothing but an action, the action holds the spec
        action = CHECKOUT / "plugins" / "action" / path.name
        code = path.read_text(encoding="utf-8") + (action.read_text(encoding="utf-8") if action.exists() else "")
        for util in re.findall(r"\b(_\w+)\.argument_spec\(\)", code):
            code += (CHECKOUT / "plugins" / "module_utils" / f"{util}.py").read_text(encoding="utf-8")
        for name in documentation.get("options") or {}:
            if SECRET_NAME.search(f"_{name}") and not re.search(rf"\b{name}\b[^\n]*\n?[^\n]*no_log", code):
                findings.append(f"{relative(path)}: {name}")
    report(findings)


def python_string(path: Path, name: str) -> str:
    """Return the value of a module-level string such as DOCUMENTATION."""
    found = re.search(rf'^{name} = r?"""(.*?)"""', path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


def test_every_module_documents_itself_with_attributes() -> None:
    findings = []
    for path in MODULES:
        findings += [
            f"{relative(path)}: no {name}"
            for name in ("DOCUMENTATION", "EXAMPLES", "RETURN")
            if not python_string(path, name).strip()
        ]
        attributes = yaml.safe_load(python_string(path, "DOCUMENTATION") or "{}").get("attributes", {})
        findings += [f"{relative(path)}: no {name}" for name in ("check_mode", "diff_mode") if name not in attributes]
    report(findings)


def test_every_module_util_has_unit_tests() -> None:
    findings = []
    for path in sorted(CHECKOUT.glob("plugins/module_utils/*.py")):
        test = CHECKOUT / "tests" / "unit" / "plugins" / "module_utils" / f"test_{path.stem.lstrip('_')}.py"
        if not test.exists() and path.stem != "__init__":
            findings.append(f"{relative(path)} wants {relative(test)}")
    report(findings)


def test_every_playbook_is_in_the_runbook_and_the_makefile() -> None:
    runbook_file = CHECKOUT / "docs" / "runbook.md"
    runbook = runbook_file.read_text(encoding="utf-8") if runbook_file.exists() else ""
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    findings = []
    for path in PLAYBOOKS:
        if "-" in path.stem:  # an alias under the runbook's file name; its target is checked under its own
            continue
        target = MAKE_TARGETS_OF.get(path.stem, path.stem.replace("_", "-"))
        if not re.search(rf"^{target}:.* ## ", makefile, re.MULTILINE):
            findings.append(f"{relative(path)}: the Makefile has no documented target {target}")
        if path.stem not in runbook and f"make {target}" not in runbook:
            findings.append(f"{relative(path)}: not in docs/runbook.md")
    report(findings)


def test_every_playbook_of_the_makefile_exists() -> None:
    named = re.findall(r"playbooks/[\w-]+\.yml", (CHECKOUT / "Makefile").read_text(encoding="utf-8"))
    report([name for name in sorted(set(named)) if not (CHECKOUT / name).exists()])


def test_no_shell_and_no_ignored_error() -> None:
    findings = []
    for path in [*task_files(), *CHECKOUT.glob("molecule/**/*.yml")]:
        for task in tasks_in(load(path)):
            name = task.get("name", "a task without a name")
            if "shell" in task or "ansible.builtin.shell" in task:
                findings.append(f"{relative(path)}: {name}: shell")
            # Where any_errors_fatal holds, ignore_unreachable alone still ends the play: both, and somebody who looks at the result.
            if task.get("ignore_errors") and not (task.get("ignore_unreachable") and task.get("register")):
                findings.append(f"{relative(path)}: {name}: ignore_errors")
    report(findings)


def test_files_are_short_enough_to_read() -> None:
    findings = []
    for pattern, limit in (("roles/*/tasks/**/*.yml", LONGEST_TASK_FILE), ("playbooks/*.yml", LONGEST_PLAYBOOK)):
        for path in CHECKOUT.glob(pattern):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > limit:
                findings.append(f"{relative(path)}: {lines} lines, {limit} are enough")
    report(findings)


def test_no_two_files_are_identical() -> None:
    by_content: dict[str, list[str]] = defaultdict(list)
    for path in tracked_files():
        content = path.read_bytes()
        if content.strip():
            by_content[hashlib.sha256(content).hexdigest()].append(relative(path))
    report([" = ".join(names) for names in by_content.values() if len(names) > 1])


def package_index_hosts() -> set[str]:
    """Return the hosts from which this machine takes packages, as its own configuration names them."""
    texts = [path.read_text(errors="replace") for path in Path("/etc/apt").glob("sources.list*") if path.is_file()]
    texts += [path.read_text(errors="replace") for path in Path("/etc/apt/sources.list.d").glob("*") if path.is_file()]
    urls = [url for text in texts for url in re.findall(r"^[^#\n]*?(https?://[^\s\]]+)", text, re.MULTILINE)]
    for path in (Path("/etc/pip.conf"), Path.home() / ".pip/pip.conf", Path.home() / ".config/pip/pip.conf"):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read(path)
        urls += [value for section in parser.values() for key, value in section.items() if "url" in key]
    for program, *arguments in (("npm", "config", "get", "registry"), ("go", "env", "GOPROXY")):
        if shutil.which(program):
            done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
            urls += re.split(r"[,|\s]", done.stdout)
    return {host for url in urls if (host := urlsplit(url.strip()).hostname)} - VENDOR_REPOSITORIES


def test_no_package_index_is_named() -> None:
    """A mirror's name is the machine's business: it is read from its configuration, never written down."""
    hosts = package_index_hosts()
    findings = []
    for path in tracked_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        findings += [f"{relative(path)}: {host}" for host in hosts if host in text]
    report(findings)
