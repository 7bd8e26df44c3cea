"""Whether each playbook sets every private variable that its tasks read: `release_run.yml` once read one that only some callers set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jinja2 import nodes
from test_conventions import CHECKOUT, PLAYBOOKS, load, report

EXPRESSIONS = ("when", "failed_when", "changed_when", "until", "that", "var")
"""Keys whose strings are expressions without braces."""
CALLS = re.compile(r"^(ansible\.builtin\.)?(include|import)_(tasks|role|playbook)$")
TEMPLATES = re.compile(r"'(\w+)/([\w.]+\.j2)'")
JINJA = jinja2.Environment(autoescape=True)  # it only parses


def expressions_in(node: Any, key: str = "") -> Iterator[str]:
    """Yield each Jinja template of a parsed file."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from expressions_in(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from expressions_in(value, key)
    elif isinstance(node, str):
        if "{{" in node or "{%" in node:
            yield node
        elif key in EXPRESSIONS:
            yield f"{{{{ {node} }}}}"


def names_in(template: str) -> tuple[set[str], set[str]]:
    """Return the variables of a template, and those that it can do without: `x | default(…)`, `x is defined`."""
    tree = JINJA.parse(template)
    spared = [
        node.node
        for node in tree.find_all((nodes.Filter, nodes.Test))
        if node.name in ("default", "defined", "undefined")
    ]
    optional = {
        name.name for node in spared for name in [node, *node.find_all(nodes.Name)] if isinstance(name, nodes.Name)
    }
    return {name.name for name in tree.find_all(nodes.Name)}, optional


def names_read(node: Any) -> set[str]:
    """Return the variables that a parsed file and the templates that it names read, and nowhere do without."""
    texts = list(expressions_in(node))
    templates = [
        CHECKOUT / "roles" / role / "templates" / file for text in texts for role, file in TEMPLATES.findall(text)
    ]
    found = [names_in(text) for text in [*texts, *(file.read_text() for file in templates if file.is_file())]]
    return set().union(*(names for names, _ in found)) - set().union(*(optional for _, optional in found))


class Reach:
    """What one playbook reaches: the names that it reads, and those that it sets."""

    def __init__(self, playbook: Path) -> None:
        self.files: set[Path] = set()
        self.roles: set[Path] = set()
        self.read: dict[str, str] = {}
        self.set: set[str] = set()
        self._file(playbook)
        self.lazy: dict[str, Any] = {}
        for role in self.roles:
            for part in ("defaults", "vars"):
                self.lazy |= load(role / part / "main.yml") or {}
        self._close()

    def _file(self, path: Path) -> None:
        """Follow a playbook or a task file and all that it calls."""
        if path in self.files:
            return
        self.files.add(path)
        if path.parent.name == "tasks":
            self.roles.add(path.parents[1])
        parsed = load(path)
        for name in names_read(parsed):
            self.read.setdefault(name, str(path.relative_to(CHECKOUT)))
        self._node(parsed, path)

    def _node(self, node: Any, path: Path) -> None:
        for item in node if isinstance(node, list) else [node]:
            if not isinstance(item, dict):
                continue
            for section in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
                self._node(item.get(section), path)
            for key, value in item.items():
                call = CALLS.match(key)
                if call:
                    self._called(call[3], value, path)
                if key.endswith("set_fact"):
                    self.set |= set(value)
                if key.endswith("include_vars"):
                    self.set |= set(load(path.parents[1] / "vars" / value["file"]))
            loop = item.get("loop_control") or {}
            self.set |= {
                *(item.get("vars") or {}),
                item.get("register", ""),
                loop.get("loop_var", ""),
                loop.get("index_var", ""),
            }
            for value in (item.get("vars") or {}).values():  # the name of a file that is called by a variable
                if isinstance(value, str) and value.endswith(".yml") and (path.parent / value).is_file():
                    self._file(path.parent / value)

    def _called(self, kind: str, value: Any, path: Path) -> None:
        if kind == "role":
            role = CHECKOUT / "roles" / str(value["name"]).rpartition(".")[2]
            self._file(role / "tasks" / f"{str(value.get('tasks_from', 'main')).removesuffix('.yml')}.yml")
            return
        name = value["file"] if isinstance(value, dict) else value
        if kind == "playbook" and not name.endswith(".yml"):
            name = f"{name.rpartition('.')[2]}.yml"
        for file in [f"{word}.yml" for word in re.findall(r"'(\w+)'", name)] if "{{" in name else [name]:
            self._file(path.parent / file)

    def _close(self) -> None:
        """Add what the roles' own variables read, where a task reads them."""
        waiting = list(self.read)
        while waiting:
            name = waiting.pop()
            if name in self.set or name not in self.lazy:
                continue
            self.set.add(name)
            for more in names_read({name: self.lazy[name]}) - set(self.read):
                self.read[more] = f"{self.read[name]}, by {name},"
                waiting.append(more)

    def missing(self) -> list[str]:
        """Return a line for each name that is read and never set."""
        private = {name: where for name, where in self.read.items() if name.startswith("__")}
        return [f"{where}: reads {name}" for name, where in private.items() if name not in self.set]


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_every_private_name_that_a_playbook_reads_is_set_by_it(playbook: Path) -> None:
    report(Reach(playbook).missing())
