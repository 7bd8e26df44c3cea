# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a whole environment: every variable by the schema, then what only several of them together show. Pure logic."""

from __future__ import annotations

import graphlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.halobuzz.platform.plugins.module_utils import _config_values, _environment, _stack
from ansible_collections.halobuzz.platform.plugins.module_utils._config_findings import Finding, in_order
from ansible_collections.halobuzz.platform.plugins.module_utils._env_file import Entry
from ansible_collections.halobuzz.platform.plugins.module_utils._variables import nearest

Schema = Mapping[str, dict[str, Any]]
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")  # POSIX.1-2017, 8.1
_RECORD_KEYS = frozenset(
    "description type secret required_in feature complete_with minimum maximum choices pattern pattern_hint min_length "
    "min_entropy_bits test_pattern live_pattern aliases generate obtain rotation without_effect".split()
)
_JWT_SECRETS = frozenset(("JWT_SECRET", "JWT_REFRESH_SECRET", "ADMIN_JWT_SECRET"))
# Two settings that may well be the same: the queue's Redis and the cache's, where there is one Redis.
_MAY_BE_EQUAL = frozenset(("REDIS_URL", "REDIS_CACHE_URL"))
_SECURE_ENVIRONMENTS = frozenset(("production", "staging"))


@dataclass(frozen=True)
class Context:
    """What a configuration is checked for.

    ``services`` are records of the catalogue. ``memory_mb`` is what all application hosts have together, ``mongodb_connections``
    what one MongoDB member accepts, times in seconds; 0 where it is not known, and what needs it is not checked.
    """

    environment: str = "production"
    services: list[dict[str, Any]] = field(default_factory=list)
    memory_mb: int = 0
    mongodb_connections: int = 0
    drain_seconds: int = 0
    request_timeout_seconds: int = 0
    pool_size: int = 10  # Mongoose's, where DB_POOL_SIZE is not set
    given_by_platform: frozenset[str] = frozenset()

    @property
    def is_production(self) -> bool:
        """Whether people use it."""
        return self.environment == "production"


def schema_problems(extra: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with the records that a user adds to the schema."""
    found = []
    for name, record in extra.items():
        reason = ""
        if not isinstance(record, dict):
            reason = "is no record"
        elif unknown := sorted(set(record) - _RECORD_KEYS):
            close = nearest(unknown[0], _RECORD_KEYS)
            reason = f"has a key that nothing reads: {unknown[0]}" + (f"; did you mean {close}?" if close else "")
        elif record.get("type", "string") not in _config_values.TYPES:
            reason = "has an unknown type"
        elif record.get("type") == "choice" and not record.get("choices"):
            reason = "is a choice without choices"
        else:
            try:
                for key in ("pattern", "test_pattern", "live_pattern"):
                    re.compile(record.get(key, ""))
            except re.error:
                reason = "has a pattern that is no regular expression"
        if reason:
            fix = f"its keys are {', '.join(sorted(_RECORD_KEYS))}; types: {', '.join(_config_values.TYPES)}"
            found.append(Finding("schema-invalid", str(name), 0, reason, fix))
    return found


def combined(schema: Schema, extra: Schema) -> dict[str, dict[str, Any]]:
    """Return the schema with a user's records; each changes only the keys that it names."""
    return {**schema, **{name: {**schema.get(name, {}), **record} for name, record in extra.items()}}


def _names(entries: list[Entry], schema: Schema, aliases: Mapping[str, str]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    known = [*schema, *aliases]
    for entry in entries:
        if not _NAME.match(entry.name):
            yield Finding("name-invalid", entry.name, entry.line, "not a name of a variable", "use A-Z, 0-9 and _ only")
            continue
        if entry.name in seen:
            reason = f"is set on line {seen[entry.name]} already"
            yield Finding("name-duplicate", entry.name, entry.line, reason, "keep one of the two lines")
        seen.setdefault(entry.name, entry.line)
        if entry.name in schema or entry.name in aliases:
            if schema.get(entry.name, {}).get("without_effect"):
                reason, fix = "no release of today reads it", "leave it out, or do what it means at the edge"
                yield Finding("variable-without-effect", entry.name, entry.line, reason, fix)
            continue
        close = nearest(entry.name.upper(), known)
        if close:
            reason, fix = "nothing reads it", f"did you mean {close}?"
            yield Finding("variable-misspelt", entry.name, entry.line, reason, fix)
        else:
            fix = "remove it, or describe it in config_schema_extra"
            yield Finding("variable-unknown", entry.name, entry.line, "nothing reads it", fix)


def _one_value(entry: Entry, name: str, record: dict[str, Any], context: Context) -> Iterator[Finding]:
    """Judge one value that is not empty, by the record of ``name`` (the entry's own name may be an alias)."""

    def finding(rule: str, reason: str, fix: str) -> Finding:
        return Finding(rule, entry.name, entry.line, reason, fix)

    texts = list(_config_values.text_problems(entry.name, entry.value))
    yield from (finding(*problem) for problem in texts)
    if texts:
        return
    if record.get("secret") and entry.plain:
        yield finding("secret-in-plain-settings", "stands in config_environment", f"move it to config_secrets.{name}")
    if _config_values.is_placeholder(entry.value):
        fix = _config_values.remedy(record, "put in the real value")
        yield finding("placeholder", "is an example that was never replaced", fix)
        return
    for key, rule, wrong, fix in (
        ("test_pattern", "test-key-in-production", context.is_production, "put in the provider's live value"),
        ("live_pattern", "live-key-outside-production", not context.is_production, "put in the provider's test value"),
    ):
        if wrong and key in record and re.search(record[key], entry.value):
            reason = (
                "belongs to the provider's test mode"
                if key == "test_pattern"
                else "belongs to the provider's live mode"
            )
            yield finding(rule, reason, fix)
            return
    problems = _config_values.value_problems(entry.value, record)
    yield from (finding(*problem) for problem in problems)
    if context.environment in _SECURE_ENVIRONMENTS and not problems:
        yield from _in_production(entry, name, record, context)


def _in_production(entry: Entry, name: str, record: dict[str, Any], context: Context) -> Iterator[Finding]:
    kind = record.get("type", "string")
    if kind != "origins" and any(_config_values.is_local(host) for host in _config_values.hosts_of(entry.value, kind)):
        reason = "names the container itself as its host"
        yield Finding(
            "localhost-in-production", entry.name, entry.line, reason, "put in the address that containers reach"
        )
    if kind == "origins":
        yield from _origins(entry)
    if kind == "url":
        yield from _url(entry, context)
    if name == "NODE_ENV" and entry.value != context.environment:
        reason = f"is not {context.environment}, for which this is checked"
        yield Finding("environment-mismatch", entry.name, entry.line, reason, f"set it to {context.environment}")
    if name == "LOG_LEVEL" and entry.value in ("debug", "trace", "verbose"):
        yield Finding(
            "log-level-verbose", entry.name, entry.line, "writes more than production should", "set it to info"
        )
    if name == "NODE_TLS_REJECT_UNAUTHORIZED" and entry.value == "0":
        yield Finding("tls-check-off", entry.name, entry.line, "turns off every check of certificates", "remove it")
    if name == "NODE_OPTIONS" and re.search(r"--(inspect|tls-min-v1\.0)", entry.value):
        reason = "opens a debugger, or old TLS"
        yield Finding("tls-check-off", entry.name, entry.line, reason, "remove the option")


def _origins(entry: Entry) -> Iterator[Finding]:
    origins = [part.strip() for part in entry.value.split(",")]
    if any("*" in origin for origin in origins):
        yield Finding("cors-wildcard", entry.name, entry.line, "allows any page", "name the origins of your pages")
    if any(_config_values.is_local(urlsplit(origin).hostname or "") for origin in origins):
        reason = "allows pages from a developer's machine"
        yield Finding("localhost-in-production", entry.name, entry.line, reason, "remove it")
    elif any(origin.startswith("http:") for origin in origins):
        yield Finding("cors-plain-http", entry.name, entry.line, "allows pages without TLS", "write https://")


def _url(entry: Entry, context: Context) -> Iterator[Finding]:
    parts = urlsplit(entry.value)
    host = parts.hostname or ""
    ports = {service["name"]: int(service["port"]) for service in context.services}
    if "." not in host and ":" not in host and not _config_values.is_local(host):
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if ports and ports.get(host) != port:
            close = nearest(host, ports) or ", ".join(ports)
            fix = f"services and ports are {', '.join(f'{name}:{port}' for name, port in ports.items())}; nearest: {close}"
            yield Finding("service-address-unknown", entry.name, entry.line, "no service has this name and port", fix)
    elif parts.scheme == "http" and not _config_values.is_local(host) and not _is_private(host):
        reason = "sends what it sends without TLS"
        yield Finding("plain-http-to-provider", entry.name, entry.line, reason, "write https://")


def _is_private(host: str) -> bool:
    return bool(re.match(r"^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)", host)) or host.endswith(
        (".internal", ".local", ".lan")
    )


def _required(given: Mapping[str, Entry], schema: Schema, context: Context) -> Iterator[Finding]:
    """What this environment cannot do without."""
    for name, record in schema.items():
        feature = record.get("feature", "")
        flag = given.get(feature)
        needed = _config_values.is_needed(record, context.environment, flag.value if flag else "")
        if not needed or name in context.given_by_platform:
            continue
        entry = given.get(name)
        fix, users = _config_values.remedy(record), _needed_by(name, context)
        if entry is None and flag is not None:
            yield Finding(
                "feature-incomplete", name, 0, f"is not set, and {feature} is on{users}", f"{fix}; or {feature}=false"
            )
        elif entry is None:
            yield Finding("required-missing", name, 0, f"is not set{users}", fix)
        elif not entry.value:
            yield Finding("required-empty", entry.name, entry.line, f"is empty{users}", fix)


def _not_described(
    given: Iterable[str], schema: Schema, aliases: Mapping[str, str], context: Context
) -> Iterator[Finding]:
    """A service of the user's own may need secrets of its own, which no record describes."""
    for service in context.services:
        for name in service.get("secrets", []):
            if aliases.get(name, name) not in schema and name not in given:
                fix = f"set config_secrets.{name}"
                yield Finding("required-missing", name, 0, f"is not set{_needed_by(name, context)}", fix)


def _needed_by(name: str, context: Context) -> str:
    users = [one["name"] for one in context.services if name in [*one.get("environment", []), *one.get("secrets", [])]]
    return f" ({', '.join(users)} {'needs' if len(users) == 1 else 'need'} it)" if users else ""


def _providers(given: Mapping[str, Entry], schema: Schema, missing: set[str]) -> Iterator[Finding]:
    for name, record in schema.items():
        if not (name in given and given[name].value):
            continue
        for other in record.get("complete_with", ()):
            if not (other in given and given[other].value) and other not in missing:
                fix = _config_values.remedy(schema.get(other, {}), "set it, or remove the other")
                yield Finding("provider-incomplete", other, 0, f"is not set, and {name} is", fix)


def _equal_secrets(given: Mapping[str, Entry], schema: Schema) -> Iterator[Finding]:
    by_value: dict[str, list[str]] = defaultdict(list)
    for name, entry in given.items():
        if schema[name].get("secret") and entry.value and not _config_values.is_placeholder(entry.value):
            by_value[entry.value].append(name)
    for names in by_value.values():
        if len(names) < 2 or set(names) <= _MAY_BE_EQUAL:
            continue
        rule = "jwt-secrets-equal" if len(_JWT_SECRETS & set(names)) > 1 else "secret-reused"
        last = given[names[-1]]
        reason = f"has the same value as {', '.join(names[:-1])}"
        yield Finding(rule, names[-1], last.line, reason, _config_values.remedy(schema[names[-1]]))


def _alias_conflicts(entries: list[Entry], aliases: Mapping[str, str]) -> Iterator[Finding]:
    values: dict[str, Entry] = {}
    for entry in entries:
        name = aliases.get(entry.name, entry.name)
        first = values.setdefault(name, entry)
        if first.name != entry.name and first.value != entry.value:
            reason = f"means the same as {first.name}, and differs from it"
            yield Finding("alias-conflict", entry.name, entry.line, reason, f"keep {name} only")


def _together(given: Mapping[str, Entry], context: Context) -> Iterator[Finding]:
    """What hosts, databases and time limits allow all services together."""
    services = [one for one in context.services if one.get("replicas")]
    memory_mb = sum(int(one["replicas"]) * int(one.get("memory_limit_mb") or 0) for one in services)
    if context.memory_mb and memory_mb > context.memory_mb:
        reason = f"replicas × memory_limit_mb are {memory_mb} MB of {context.memory_mb} MB"
        yield Finding(
            "memory-exceeded", "catalog_services", 0, reason, "fewer replicas, smaller limits, or another host"
        )
    pool = given.get("DB_POOL_SIZE")
    size = int(pool.value) if pool and pool.value.isdigit() else context.pool_size
    users = [one for one in services if "MONGODB_URI" in one.get("secrets", [])]
    # an update starts new tasks before it ends the old ones
    connections = size * sum(int(one["replicas"]) for one in users) * 2
    if context.mongodb_connections and connections > context.mongodb_connections:
        line = pool.line if pool else 0
        reason = f"pool × replicas × 2 (during an update) are {connections} connections; MongoDB accepts {context.mongodb_connections}"
        yield Finding("connections-exceeded", "DB_POOL_SIZE", line, reason, "a smaller pool, or fewer replicas")
    for one in services:
        grace = int(one.get("stop_grace_seconds") or 0)
        if context.drain_seconds and grace and grace < context.drain_seconds:
            reason = f"{one['name']}: stop_grace_seconds is {grace}, edge_drain_seconds {context.drain_seconds}"
            yield Finding(
                "grace-shorter-than-drain", "catalog_services", 0, reason, "a grace at least as long as the drain"
            )
    if 0 < context.drain_seconds < context.request_timeout_seconds:
        reason = f"edge_drain_seconds is {context.drain_seconds}, edge_request_timeout_seconds {context.request_timeout_seconds}"
        yield Finding(
            "drain-shorter-than-request", "edge_drain_seconds", 0, reason, "a drain at least as long as a request"
        )


def _order(services: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """What leaves a deploy without an order of the services."""
    by_name = {service["name"]: dict(service) for service in services}
    for name, service in by_name.items():
        for unknown in sorted(set(service.get("depends_on", [])) - set(by_name)):
            reason = f"{name} depends on {unknown}; there are: {', '.join(by_name)}"
            yield Finding(
                "depends-on-unknown", "catalog_services", 0, reason, f"the name of a service in depends_on of {name}"
            )
    try:
        _stack.dependency_steps(by_name)
    except graphlib.CycleError as error:
        reason = " needs ".join(reversed(error.args[1]))
        yield Finding("depends-on-each-other", "catalog_services", 0, reason, "take one of these out of depends_on")


def _delivery(given: Mapping[str, Entry], context: Context) -> Iterator[Finding]:
    """What would stop the settings of a service on their way to it."""
    for service in context.services:
        gets = [*service.get("environment", []), *service.get("secrets", [])]
        for alias, original in service.get("aliases", {}).items():
            if original not in gets:
                reason, fix = f"is an alias of {original}, which {service['name']} does not get", "catalog_services"
                yield Finding("alias-of-nothing", alias, 0, reason, f"give it {original} in {fix}, or remove the alias")
        settings = {name: given[name].value for name in gets if name in given}
        size = len(_environment.environment_file(settings).encode())
        if size > _environment.MAX_SECRET_BYTES:
            reason = f"{service['name']} gets {size} bytes of settings; Swarm delivers {_environment.MAX_SECRET_BYTES}"
            yield Finding(
                "settings-too-large", "catalog_services", 0, reason, "put long values into a file of the image"
            )


def check(entries: Iterable[Entry], schema: Schema, context: Context, extra: Schema | None = None) -> list[Finding]:
    """Return everything that is wrong with an environment, errors first; no text holds a value.

    :param entries: settings in order; a name may occur twice.
    :param schema: record by name, as in ``roles/config/vars/schema.yml``.
    :param extra: a user's own records.
    """
    listed = list(entries)
    broken = schema_problems(extra or {})
    if broken:
        return in_order(broken)
    records = combined(schema, extra or {})
    aliases = {alias: name for name, record in records.items() for alias in record.get("aliases", ())}
    for service in context.services:
        aliases.update({alias: name for alias, name in service.get("aliases", {}).items() if name in records})
    findings = [*_names(listed, records, aliases), *_alias_conflicts(listed, aliases)]
    given: dict[str, Entry] = {}
    for entry in listed:
        name = aliases.get(entry.name, entry.name)
        if name in records:
            given[name] = entry
            if entry.value:
                findings += _one_value(entry, name, records[name], context)
    required = list(_required(given, records, context))
    required += _not_described({entry.name for entry in listed if entry.value}, records, aliases, context)
    findings += required
    findings += _providers(given, records, {one.name for one in required})
    findings += _equal_secrets(given, records)
    findings += _together(given, context)
    findings += _order(context.services)
    findings += _delivery(given, context)
    return in_order(findings)
