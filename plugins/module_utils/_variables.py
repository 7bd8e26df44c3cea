# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare an inventory's variables and groups with what the roles know. Pure: data in, problems out.

Ansible's own role validation looks at the variables it knows and ignores the others, so a misspelt name passes in
silence. Here a name that starts like a role's variables and is none of them is a problem.
"""

from __future__ import annotations

import difflib
import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode

SECRET_NAME = re.compile(r"(_|^)(password|token|key|secret|secrets|keyfile|uri|certificate)$", re.IGNORECASE)
# Below this a suggestion is a guess that sends people the wrong way.
_SUGGESTION_CUTOFF = 0.6
# Without a role's prefix a name is the user's own business, unless it is all but one of ours.
_LOOKALIKE_CUTOFF = 0.9
# What a number may be, by the unit at the end of its name (argument specifications have no ranges); others are 0 or more.
_RANGES: tuple[tuple[str, int, float], ...] = (
    ("percent", 0, 100),
    ("port", 1, 65535),
    ("kept", 1, math.inf),
    ("deadline_seconds", 1, math.inf),
    ("", 0, math.inf),
)


@dataclass(frozen=True)
class Option:
    """One variable as a role's argument specification describes it."""

    role: str
    spec: dict[str, Any]
    entry_point: str = "main"

    @property
    def is_needed(self) -> bool:
        """Whether a deploy fails without it: required, or neither a default nor an explicit ``required: false``.

        Other entry points are other playbooks' business, but for preflight's ``inventory``, which describes what all roles share.
        """
        return self.entry_point in ("main", "inventory") and bool(self.spec.get("required", "default" not in self.spec))


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the inventory: which name, on which hosts, why, and what to write instead."""

    name: str
    hosts: tuple[str, ...]
    reason: str
    fix: str
    error_code: ErrorCode = ErrorCode.E_VARIABLES


def known_options(specs: Mapping[str, Mapping[str, Any]]) -> dict[str, Option]:
    """Return every variable that some role knows, by name.

    :param specs: the ``argument_specs`` mapping of each role, by role. All entry points count.
    """
    options: dict[str, Option] = {}
    for role, entry_points in specs.items():
        for entry_point, description in entry_points.items():
            for name, spec in (description.get("options") or {}).items():
                # A role may describe another role's variable that it reads; the owner's description wins, and of the
                # owner's entry points main.
                owner = name.startswith(f"{role}_") and (
                    name not in options or options[name].role != role or entry_point == "main"
                )
                if name not in options or owner:
                    options[name] = Option(role, spec, entry_point)
    return options


def is_secret(name: str, spec: Mapping[str, Any] | None = None) -> bool:
    """Tell whether a variable's value must not be shown."""
    return bool(spec and spec.get("no_log")) or bool(SECRET_NAME.search(name))


def nearest(name: str, known: Iterable[str], cutoff: float = _SUGGESTION_CUTOFF) -> str:
    """Return the known name that is most like ``name``, or an empty text."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=cutoff)), "")


def _by_problem(found: Iterable[tuple[str, str, str, str]]) -> list[Problem]:
    """Put ``(host, name, reason, fix)`` together: one problem per cause, with all its hosts."""
    hosts: dict[tuple[str, str, str], list[str]] = {}
    for host, name, reason, fix in found:
        hosts.setdefault((name, reason, fix), []).append(host)
    return [Problem(name, tuple(names), reason, fix) for (name, reason, fix), names in hosts.items()]


def find_unknown(
    names: Mapping[str, Iterable[str]], options: Mapping[str, Option], roles: Iterable[str], renamed: Mapping[str, str]
) -> list[Problem]:
    """Find variables that look like ours and are not: misspelt, private, or renamed since.

    :param names: the variable names of each host, by host.
    :param roles: names of all roles: ``<role>_`` and ``platform_`` are ours, and ``__<role>_`` is private.
    :param renamed: new names by old name.
    """
    prefixes = tuple(f"{role}_" for role in (*roles, "platform"))
    private = tuple(f"__{prefix}" for prefix in prefixes)
    found = []
    for host, host_names in names.items():
        for name in sorted(host_names):
            if name in renamed:
                found.append((host, name, f"was renamed to {renamed[name]}", f"rename it to {renamed[name]}"))
            elif name.startswith(private):
                public = nearest(name.lstrip("_"), options, _LOOKALIKE_CUTOFF)
                fix = f"set {public} instead" if public else "remove it"
                found.append((host, name, "is private to a role and must not be set", fix))
            elif name.startswith(prefixes) and name not in options:
                close = nearest(name, options)
                fix = f"did you mean {close}?" if close else "remove it; docs/variables.md lists all names"
                found.append((host, name, "no role knows it", fix))
    return _by_problem(found)


def find_lookalikes(
    names: Mapping[str, Iterable[str]], options: Mapping[str, Option], roles: Iterable[str]
) -> list[str]:
    """Return warnings about names without a role's prefix that are one slip away from a known one (``mongdb_uri``)."""
    prefixes = (*(f"{role}_" for role in roles), "platform_", "ansible_", "__")
    candidates = sorted({name for host_names in names.values() for name in host_names if not name.startswith(prefixes)})
    pairs = (
        (name, nearest(name, options, _LOOKALIKE_CUTOFF)) for name in candidates if "_" in name and name not in options
    )
    return [f"{name}: is it meant to be {close}?" for name, close in pairs if close]


def find_missing(
    names: Mapping[str, Iterable[str]], options: Mapping[str, Option], roles_of_host: Mapping[str, Iterable[str]]
) -> list[Problem]:
    """Find variables that a role of the host needs and the inventory does not set."""
    found = []
    for host, host_names in names.items():
        present, roles = set(host_names), set(roles_of_host.get(host, ()))
        for name, option in options.items():
            if option.role in roles and option.is_needed and name not in present:
                where = "in the inventory's vault file" if is_secret(name, option.spec) else "in the inventory"
                description = option.spec.get("description") or ""
                text = description if isinstance(description, str) else description[0]
                found.append(
                    (host, name, f"is missing; the role {option.role} needs it", f"set it {where}: {_plain(text)}")
                )
    return _by_problem(found)


def _plain(text: str) -> str:
    """Strip Ansible's documentation marks: ``C(x)``, ``O(x)`` -> ``x``."""
    return re.sub(r"\b[A-Z]\(([^)]*)\)", r"\1", text).rstrip(".")


def _secret_values(value: Any, spec: Mapping[str, Any] | None, name: str) -> set[str]:
    """Collect every text below a secret name, however deep."""
    if isinstance(value, Mapping):
        secret = is_secret(name, spec)
        found: set[str] = set()
        for key, item in value.items():
            below = ((spec or {}).get("options") or {}).get(key)
            found |= _secret_values(item, {"no_log": True} if secret else below, str(key))
        return found
    if isinstance(value, (list, tuple)):
        return {text for item in value for text in _secret_values(item, spec, name)}
    return {str(value)} if is_secret(name, spec) and value not in (None, "") else set()


def _must_be(spec: Mapping[str, Any]) -> str:
    if spec.get("choices"):
        return "one of: " + ", ".join(str(choice) for choice in spec["choices"])
    element = f" of {spec['elements']}" if spec.get("elements") else ""
    return f"of type {spec.get('type', 'str')}{element}"


def _out_of_range(name: str, value: Any, spec: Mapping[str, Any], called: str = "the value") -> tuple[str, str] | None:
    """Check the numbers in a validated value, however deep; return ``(reason, fix)`` of the first wrong one."""
    if isinstance(value, (list, tuple)):
        return next(filter(None, (_out_of_range(name, item, spec, called) for item in value)), None)
    if isinstance(value, Mapping):
        below = (spec.get("options") or {}).items()
        return next(filter(None, (_out_of_range(key, value.get(key), one, key) for key, one in below)), None)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    low, high = next((low, high) for unit, low, high in _RANGES if name.endswith(unit))
    if low <= value <= high:
        return None
    return (
        f"has {called} {value}",
        f"it must be {low} or more" if high == math.inf else f"it must be from {low} to {high}",
    )


def check_value(name: str, value: Any, option: Option) -> tuple[str, str] | None:
    """Validate one value with Ansible's own rules; return ``(reason, fix)``, or ``None`` when it is right.

    No part of a secret value is in the answer.
    """
    # Ansible turns text into a list or mapping for compatibility's sake; for us "a, b" where a list belongs is a slip.
    # An empty value is what a key without one gives in YAML: "x:".
    if value is None and option.spec.get("required"):
        return "is empty", f"give it a value; it must be {_must_be(option.spec)}"
    if value is None:
        return None
    spec = {key: option.spec[key] for key in ("type", "elements", "choices", "options") if key in option.spec}
    validated = ArgumentSpecValidator({name: spec}).validate({name: value})
    errors = validated.error_messages
    if not errors:
        return _out_of_range(name, validated.validated_parameters[name], option.spec)
    fix = f"it must be {_must_be(option.spec)}"
    if is_secret(name, option.spec):
        return "has a value of the wrong type", fix
    text = str(errors[0])
    for secret in sorted(_secret_values(value, option.spec, name), key=len, reverse=True):
        text = text.replace(secret, "********")
    if text.startswith(f"value of {name} must be one of"):
        return f"has the value {value!r}", fix
    if "we were unable to convert" in text and spec.get("type") in ("int", "float", "bool", "path", "str"):
        return f"has the value {value!r}", fix
    unknown_key = re.match(r"([\w.]+)\. Supported parameters include: (.*)", text)
    if unknown_key:
        path, keys = unknown_key.groups()
        close = nearest(path.rpartition(".")[2], keys.rstrip(".").split(", "))
        return f"has a key that nothing reads: {path}", f"did you mean {close}?" if close else f"its keys are {keys}"
    return f"is not valid: {text.rstrip('.')}", fix


def find_invalid(values: Mapping[str, Mapping[str, Any]], options: Mapping[str, Option]) -> list[Problem]:
    """Find values of the wrong type or outside the choices.

    :param values: evaluated values by host and name; names that no role knows are passed over.
    """
    found = []
    for host, host_values in values.items():
        for name, value in host_values.items():
            if name in options:
                answer = check_value(name, value, options[name])
                if answer:
                    found.append((host, name, *answer))
    return _by_problem(found)


# --- inventory groups and addresses ---------------------------------------------------------------------------------


def find_group_problems(
    groups: Mapping[str, list[str]], wanted: Iterable[Mapping[str, Any]], values: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Problem], list[str]]:
    """Check that each group that the platform needs has hosts, and a number of hosts that works.

    :param groups: all groups of the inventory, whatever ``--limit`` says.
    :param wanted: ``[{group, required, unless, max_hosts, odd, use}]``; ``unless`` is an external service's variable.
    :param values: evaluated variables by host.
    :returns: problems and warnings.
    """
    problems, warnings = [], []
    for entry in wanted:
        group, hosts = entry["group"], groups.get(entry["group"]) or []
        external = entry.get("unless")
        if external and any(host_values.get(external) for host_values in values.values()):
            continue
        if not hosts and entry.get("required"):
            reason = "the inventory has no such group" if group not in groups else "the group has no hosts"
            fix = f"add the hosts that {entry['use']}" + (
                f", or set {external} for an external one" if external else ""
            )
            problems.append(Problem(f"group '{group}'", (), reason, fix, ErrorCode.E_INVENTORY))
        if entry.get("max_hosts") and len(hosts) > entry["max_hosts"]:
            reason = f"has {len(hosts)} hosts ({', '.join(hosts)}), and can have {entry['max_hosts']}"
            fix = f"leave {hosts[0]} in the group and take the others out"
            problems.append(Problem(f"group '{group}'", (), reason, fix, ErrorCode.E_INVENTORY))
        if entry.get("odd") and hosts and len(hosts) % 2 == 0:
            number, lost = len(hosts), (len(hosts) - 1) // 2
            warnings.append(
                f"group '{group}' has {number} hosts and survives the loss of {lost}, as {number - 1} would: "
                f"use {number - 1} or {number + 1}"
            )
    return problems, warnings


def is_ip(address: str) -> bool:
    """Tell whether a text is an IP address, and not a name."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def find_address_problems(
    addresses: Mapping[str, str | None], suggestions: Mapping[str, str], resolve: Callable[[str], str]
) -> list[Problem]:
    """Check that each host has a private address of its own that the others can use.

    :param addresses: ``platform_address`` by host, ``None`` where it is not set.
    :param suggestions: ``ansible_host`` by host.
    :param resolve: returns the IP address of a name, or an empty text.
    """
    found: list[Problem] = []
    owners: dict[str, str] = {}
    for host, address in addresses.items():
        if address is None:
            fix = f"set it for the host, for example: platform_address: {suggestions.get(host) or host}"
            found.append(Problem("platform_address", (host,), "is missing", fix, ErrorCode.E_INVENTORY))
            continue
        number = address if is_ip(address) else resolve(address)
        if not number:
            reason, fix = f"{address!r} is no IP address and does not resolve", "write the host's private IP address"
        elif len(addresses) > 1 and (
            ipaddress.ip_address(number).is_loopback or ipaddress.ip_address(number).is_unspecified
        ):
            reason, fix = (
                f"{address} is an address of each host itself",
                "write the address at which other hosts reach it",
            )
        elif number in owners:
            reason, fix = f"{address} is also the address of {owners[number]}", "give each host its own"
        else:
            owners[number] = host
            continue
        found.append(Problem("platform_address", (host,), reason, fix, ErrorCode.E_INVENTORY))
    return found


def _where(problem: Problem, host_count: int) -> str:
    return "all hosts" if len(problem.hosts) == host_count and host_count > 1 else ", ".join(problem.hosts)


def as_dicts(problems: list[Problem], host_count: int) -> list[dict[str, str]]:
    """Return the problems as plain data: name, where, reason and fix."""
    return [
        {"name": one.name, "where": _where(one, host_count), "reason": one.reason, "fix": one.fix} for one in problems
    ]


def error_text(problems: list[Problem], host_count: int) -> tuple[ErrorCode, str]:
    """Put all problems into one text, one line each.

    :param host_count: hosts of the play, to say "all hosts" where that is so.
    """
    code = ErrorCode.E_VARIABLES
    if all(problem.error_code is ErrorCode.E_INVENTORY for problem in problems):
        code = ErrorCode.E_INVENTORY
    lines = []
    for problem in problems:
        where = _where(problem, host_count)
        lines.append(f"{problem.name}{f' ({where})' if where else ''}: {problem.reason} → {problem.fix}")
    if len(lines) == 1:
        return code, f"{lines[0]}{'' if lines[0].endswith('?') else '.'} Nothing was changed."
    head = f"{len(lines)} problems in the inventory; nothing was changed."
    return code, "\n  ".join([head, *lines])
