# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of variables in an inventory: YAML in which a value can be text that Ansible takes for no template (``!unsafe``)."""

from __future__ import annotations

from typing import Any

import yaml


class Literal(str):
    """A value that Ansible must not take for a template: ``!unsafe`` in the file."""

    __slots__ = ()


class _Loader(yaml.SafeLoader):
    """Knows ``!unsafe``; refuses Ansible's other tags, such as a single value in vault form, instead of losing them."""


class _Dumper(yaml.SafeDumper):
    """Writes :class:`Literal`, and other kinds of text, such as Ansible's own with its tags, as plain text."""


_Loader.add_constructor("!unsafe", lambda loader, node: Literal(loader.construct_scalar(node)))  # type: ignore[arg-type]
_Dumper.add_representer(Literal, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value)))
_Dumper.add_multi_representer(str, lambda dumper, value: dumper.represent_str(str(value)))


def literal(value: Any) -> Any:
    """Return a value so that it is written as what it is, whatever Ansible would read into it."""
    is_template = isinstance(value, str) and any(sign in value for sign in ("{{", "{%", "{#"))
    return Literal(value) if is_template else value


def load_yaml(text: str | bytes) -> Any:
    """Return a file's content.

    :raises yaml.YAMLError: it is no YAML, or has tags of Ansible's other than ``!unsafe``.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader


def yaml_text(content: dict[str, Any]) -> str:
    """Return a file's text, in the order that the variables have.

    Beyond ASCII all is escaped: YAML takes some of it for ends of lines, such as U+0085, and reads it back as another character.
    """
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=4096)
