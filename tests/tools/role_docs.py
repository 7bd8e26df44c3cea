#!/usr/bin/env python3
"""Write the reference documentation from its sources, so that it cannot say anything else.

* ``roles/<role>/README.md``: the part between the markers, from the role's ``meta/argument_specs.yml``;
* ``docs/variables.md``: every public variable of the collection, from the same files;
* ``docs/errors.md``: every error code, from ``plugins/module_utils/_errors.py``;
* ``docs/configuration.md``: every environment variable, from ``roles/config/vars/schema.yml`` and the catalogue;
* ``docs/config-rules.md``: every rule of config_check, from ``plugins/module_utils/_config_findings.py``.

``--check`` writes nothing and fails with the names of the stale files.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- Variables: written by `make docs` from meta/argument_specs.yml -->"
END = "<!-- End of what `make docs` writes -->"
LONGEST_DEFAULT = 60


def plain(text: str) -> str:
    """Turn Ansible's markup (``C(x)``, ``V(x)``, ``O(x)``, ``I(x)``, ``B(x)``) into Markdown on one line."""
    text = re.sub(r"\b[CVOER]\(((?:[^()\\]|\\.|\([^()]*\))*)\)", r"`\1`", " ".join(text.split()))
    text = re.sub(r"\bI\(([^)]*)\)", r"*\1*", text)
    return re.sub(r"\bB\(([^)]*)\)", r"**\1**", text)


def sentences(description: str | list[str] | None) -> list[str]:
    """Return a spec's description, which is a string or a list of paragraphs, as Markdown paragraphs."""
    paragraphs = [description] if isinstance(description, str) else description or []
    return [plain(paragraph) for paragraph in paragraphs]


def cell(text: str) -> str:
    """Make text safe inside a table."""
    return text.replace("|", "\\|")


def type_of(option: dict[str, Any]) -> str:
    """Describe an option's type, with its elements and choices."""
    kind = str(option.get("type", "str"))
    if "elements" in option:
        kind += f" of {option['elements']}"
    if "choices" in option:
        kind += ": " + ", ".join(f"`{choice}`" for choice in option["choices"])
    return kind


def default_of(option: dict[str, Any], value: Any = None) -> str:
    """Describe an option's default; long ones are left to ``defaults/main.yml``."""
    if option.get("required"):
        return "**required**"
    if "default" not in option and value is None:
        return ""
    text = json.dumps(option.get("default", value), ensure_ascii=False)
    return f"`{text}`" if len(text) <= LONGEST_DEFAULT else "see `defaults/main.yml`"


def rows(options: dict[str, Any], defaults: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield a table row per option, nested options after their parent as ``parent[].key`` or ``parent.key``."""
    for name, option in options.items():
        what = " ".join(sentences(option.get("description")))
        if option.get("no_log"):
            what += " Secret: never shown."
        if "version_added" in option:
            what += f" Since {option['version_added']}."
        default = default_of(option, defaults.get(name) if not prefix else None)
        yield f"| `{prefix}{name}` | {cell(type_of(option))} | {cell(default)} | {cell(what)} |"
        if isinstance(option.get("options"), dict):
            inner = f"{prefix}{name}{'[]' if option.get('type') == 'list' else ''}."
            yield from rows(option["options"], {}, inner)


def load_yaml(path: Path) -> dict[str, Any]:
    """Return a YAML file's mapping; empty when there is no such file."""
    if not path.exists():
        return {}
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def load_specs(role: Path) -> dict[str, Any]:
    """Return a role's argument specs by entry point, ``main`` first."""
    specs: dict[str, Any] = load_yaml(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    return dict(sorted(specs.items(), key=lambda item: (item[0] != "main", item[0])))


def role_section(specs: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Return the generated part of a role's README."""
    lines = [BEGIN, ""]
    for entry, spec in specs.items():
        lines += [f"## Entry point `{entry}`", ""]
        if entry != "main":  # the README's own first line says it for main
            lines += [f"{plain(spec.get('short_description', ''))}.", ""]
        for paragraph in sentences(spec.get("description")):
            lines += [paragraph, ""]
        if spec.get("options"):
            lines += ["| Variable | Type | Default | What it is |", "| --- | --- | --- | --- |"]
            lines += [*rows(spec["options"], defaults), ""]
    return "\n".join([*lines, END])


def role_readme(role: Path) -> str:
    """Return a role's README with the generated part renewed; what people wrote around it stays."""
    specs = load_specs(role)
    section = role_section(specs, load_yaml(role / "defaults" / "main.yml"))
    path = role / "README.md"
    if not path.exists():
        main = specs.get("main") or next(iter(specs.values()))
        return f"# {role.name}\n\n{plain(main.get('short_description', ''))}.\n\n{section}\n"
    text = path.read_text(encoding="utf-8")
    if BEGIN in text and END in text:
        before, _, rest = text.partition(BEGIN)
        return before + section + rest.partition(END)[2]
    return f"{text.rstrip()}\n\n{section}\n"


def variable_index(roles: list[Path]) -> str:
    """Return docs/variables.md: the platform-wide variables first, then each role's own."""
    shared: dict[str, tuple[dict[str, Any], list[str]]] = {}
    parts: list[str] = []
    for role in roles:
        own: dict[str, Any] = {}
        for spec in load_specs(role).values():
            for name, option in (spec.get("options") or {}).items():
                if name.startswith("platform_"):
                    shared.setdefault(name, (option, []))[1].append(f"[{role.name}](../roles/{role.name}/README.md)")
                else:
                    own.setdefault(name, option)
        if own:
            defaults = load_yaml(role / "defaults" / "main.yml")
            parts += [f"## {role.name}", "", f"All of it: [roles/{role.name}](../roles/{role.name}/README.md).", ""]
            parts += ["| Variable | Type | Default | What it is |", "| --- | --- | --- | --- |"]
            parts += [*rows({name: {**own[name], "options": None} for name in sorted(own)}, defaults), ""]
    head = ["# Variables", ""]
    head += ["Written by `make docs` from the roles' argument specs. To change a text, change it there.", ""]
    if shared:
        head += ["## Platform-wide", "", "| Variable | Type | Default | What it is | Used by |"]
        head += ["| --- | --- | --- | --- | --- |"]
        for name in sorted(shared):
            option, users = shared[name]
            row = next(rows({name: {**option, "options": None}}, {}))
            head.append(f"{row} {', '.join(dict.fromkeys(users))} |")
        head.append("")
    return "\n".join(head + parts)


def load_module(source: Path) -> Any:
    """Return a Python file as a module; it is loaded by path, so it must need nothing of Ansible."""
    spec = importlib.util.spec_from_file_location(f"halobuzz{source.stem}", source)
    if spec is None or spec.loader is None:
        raise SystemExit(f"role_docs: {source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up here
    spec.loader.exec_module(module)
    return module


def error_index(source: Path) -> str:
    """Return docs/errors.md from the enum and its texts."""
    lines = ["# Error codes", "", "Written by `make docs` from `plugins/module_utils/_errors.py`.", ""]
    lines += ["Every failure of the collection carries one of these codes and a next command.", ""]
    lines += ["| Code | What it means | What to do next |", "| --- | --- | --- |"]
    for code, text in load_module(source).ERROR_TEXTS.items():
        lines.append(f"| `{code.value}` | {cell(text.cause)} | {cell(text.next_command)} |")
    return "\n".join([*lines, ""])


def rule_index(source: Path) -> str:
    """Return docs/config-rules.md from the table of rules."""
    module = load_module(source)
    lines = [
        "# Rules of `make config-check`",
        "",
        f"Written by `make docs` from `plugins/module_utils/{source.name}`.",
        "",
    ]
    lines += [
        "An id never changes its meaning. Examples that break each rule: `tests/unit/configurations/bad.yml`.",
        "",
    ]
    lines += ["| Rule | Severity | What it means | Counts under |", "| --- | --- | --- | --- |"]
    for name, rule in module.RULES.items():
        lines.append(f"| `{name}` | {rule.severity} | {cell(rule.summary)} | {module.TOPICS[rule.topic]} |")
    return "\n".join([*lines, ""])


def _demand(record: dict[str, Any]) -> str:
    """Describe what a right value looks like."""
    kind = str(record.get("type", "string")).replace("_", " ")
    parts = [", ".join(f"`{choice}`" for choice in record["choices"]) if "choices" in record else kind]
    if "pattern_hint" in record:
        parts = [record["pattern_hint"]]
    if "minimum" in record:
        parts.append(f"{record['minimum']} to {record['maximum']}")
    if "min_length" in record:
        parts.append(f"at least {record['min_length']} characters")
    if "min_entropy_bits" in record:
        parts.append(f"{record['min_entropy_bits']} bits")
    return ", ".join(parts)


def configuration_index(schema: dict[str, dict[str, Any]], services: list[dict[str, Any]]) -> str:
    """Return docs/configuration.md: the environment's variables, and from the catalogue who gets them."""
    lines = ["# Environment variables", ""]
    lines += ["Written by `make docs` from `roles/config/vars/schema.yml` and `roles/catalog/defaults/main.yml`.", ""]
    lines += [
        "Secret ones belong into `config_secrets`, the others into `config_environment`. `make config-check` checks them all.",
        "",
    ]
    lines += [
        "| Variable | What it is | A right value | Secret | Needed in | Goes to | Comes from |",
        "| --- " * 7 + "|",
    ]
    for name, record in schema.items():
        users = [one["name"] for one in services if name in [*one.get("environment", []), *one.get("secrets", [])]]
        needed = ", ".join(record.get("required_in", []))
        if needed and "feature" in record:
            needed += f"; unless `{record['feature']}=false`"
        source = record.get("obtain") or (
            f"random, {record['generate']['bytes']} bytes" if "generate" in record else ""
        )
        text = record["description"] + (" No release of today reads it." if record.get("without_effect") else "")
        cells = [
            f"`{name}`",
            text,
            _demand(record),
            record.get("rotation", "") if record.get("secret") else "no",
            needed,
        ]
        lines.append("| " + " | ".join(cell(part) for part in [*cells, ", ".join(users), source]) + " |")
    lines += ["", "The column *Secret* says what changing a secret means (its rotation class).", ""]
    return "\n".join(lines)


def generate(checkout: Path) -> dict[Path, str]:
    """Return what every generated file should hold."""
    roles = sorted(path.parents[1] for path in checkout.glob("roles/*/meta/argument_specs.yml"))
    wanted = {role / "README.md": role_readme(role) for role in roles}
    wanted[checkout / "docs" / "variables.md"] = variable_index(roles)
    sources = checkout / "plugins" / "module_utils"
    wanted[checkout / "docs" / "errors.md"] = error_index(sources / "_errors.py")
    wanted[checkout / "docs" / "config-rules.md"] = rule_index(sources / "_config_findings.py")
    schema = load_yaml(checkout / "roles" / "config" / "vars" / "schema.yml")["__config_schema"]
    services = load_yaml(checkout / "roles" / "catalog" / "defaults" / "main.yml")["catalog_services"]
    wanted[checkout / "docs" / "configuration.md"] = configuration_index(schema, services)
    return wanted


def main() -> int:
    """Write the files, or with ``--check`` name those that are stale; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is stale")
    arguments = parser.parse_args()
    wanted = generate(CHECKOUT)
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{'stale' if arguments.check else 'wrote'}: {path.relative_to(CHECKOUT)}")
        if not arguments.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
    if arguments.check and stale:
        print("run: make docs")
        return 1
    print(f"{len(wanted)} generated files, {len(stale)} {'stale' if arguments.check else 'written'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
