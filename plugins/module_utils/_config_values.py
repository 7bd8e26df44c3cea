# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge one value of the environment by its record in the schema. Pure logic; no text that is returned holds the value."""

from __future__ import annotations

import ipaddress
import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible_collections.halobuzz.platform.plugins.module_utils._environment import MAX_STRING_BYTES

Record = Mapping[str, Any]
Problem = tuple[str, str, str]
"""Rule, reason, fix."""

_PLACEHOLDER = re.compile(
    r"""(?ix)
      \b(?:your|my)[-_ ][a-z]                                    # your-agora-app-id
    | (?:^|[^a-z0-9])(?:your|my)_[a-z]                           # sk_live_your_stripe_secret_key
    | (?<![a-z0-9])(?:change[-_ ]?(?:me|this|it)|replace(?:me|this)?|placeholder|to[-_ ]?do|fix[-_ ]?me|dummy|sample|
        insert[-_ ]|put[-_ ]|enter[-_ ]|not[-_ ]?set|undefined|null|none|secret[-_ ]here|example)(?![a-z0-9])
    | (?<![a-z0-9+/])(?:tbd|foo|bar)(?![a-z0-9+/])               # base64 has "+foO" by chance, once in 30,000 secrets
    | ^<.*>$ | ^\[.*\]$ | ^\.{3,}$ | ^\*{3,}$ | x{5,} | minimum-64-characters
    | //user:pass(?:word)?@ | :password@host | @cluster/ | ^\+1234567890$
    """
)
_COMMON_SECRETS = frozenset(
    "password passw0rd p@ssw0rd secret admin administrator root letmein welcome qwerty test testing default "
    "halobuzz production development jwt changeit 123456 12345678 123456789 1234567890".split()
)
_INVISIBLE = frozenset("Cf Zl Zp".split())  # Unicode general categories: format, line and paragraph separator
_LOCAL_HOSTS = frozenset(("localhost", "localhost.localdomain", "ip6-localhost", "host.docker.internal"))
_HOST = re.compile(
    r"^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$"
)
# RFC 3986, 3.2.1: what user info may hold without being encoded; of ":", only the first one.
_USER_INFO = re.compile(r"^[A-Za-z0-9\-._~!$&'()*+,;=%:]*$")


def entropy_bits(value: str) -> float:
    """Estimate how many bits of chance a text holds, from its characters' frequencies and from how well it can be compressed."""
    counts = Counter(value)
    shannon = -sum(count * math.log2(count / len(value)) for count in counts.values())
    # zlib's own header and checksum are 8 bytes, a block's 3
    compressed = (len(zlib.compress(value.encode(), 9)) - 11) * 8
    return max(0.0, min(shannon, float(compressed)))


def remedy(record: Record, otherwise: str = "set it") -> str:
    """Say where a right value comes from: a person's source, a command that makes one in the right form, or ``otherwise``."""
    if record.get("obtain"):
        return str(record["obtain"])
    if "generate" in record:
        form, count = ("hex" if record["generate"]["form"] == "hex" else "base64"), record["generate"]["bytes"]
        return f"make a new one: openssl rand -{form} {count}"
    return "make a new one: openssl rand -base64 48" if record.get("secret") and not record.get("type") else otherwise


def is_needed(record: Record, environment: str, flag: str) -> bool:
    """Tell whether an environment cannot do without a variable; ``flag`` is its feature's value, empty where that is not set.

    A feature that is off needs nothing, one that is not mentioned is on.
    """
    return environment in record.get("required_in", ()) and flag.lower() != "false"


def is_placeholder(value: str) -> bool:
    """Tell whether a value is an example that was never replaced."""
    return bool(_PLACEHOLDER.search(value))


def is_local(host: str) -> bool:
    """Tell whether a host name or address means the machine that uses it."""
    name = host.strip("[]").rstrip(".").lower()
    if name in _LOCAL_HOSTS or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def text_problems(name: str, value: str) -> Iterator[Problem]:
    """Yield what is wrong with a value as a text, whatever it means."""
    if any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in value):
        yield "value-control-character", "holds a control character", "type the value anew"
    if any(unicodedata.category(char) in _INVISIBLE or char == "\N{NO-BREAK SPACE}" for char in value):
        yield (
            "value-invisible-character",
            "holds a character that nobody sees",
            "type the value anew instead of copying it",
        )
    if value != value.strip():
        yield "value-surrounding-space", "begins or ends with white space", "remove it"
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
        yield "value-quoted-twice", "has quotes as part of the value", "write it with one pair of quotes"
    if re.search(r"\$\{[A-Za-z_][A-Za-z0-9_]*[^}]*\}|\$\([^)]*\)|\{\{.*\}\}|\{%.*%\}|^\$[A-Z_][A-Z0-9_]*$", value):
        yield "value-not-expanded", "refers to something that nobody puts in", "write the value itself"
    if len(f"{name}={value}".encode("utf-8", errors="surrogatepass")) > MAX_STRING_BYTES:
        yield "value-too-long", "longer than the 131,071 bytes that Linux allows", "pass it as a file"


def _hosts(authority: str) -> list[tuple[str, str]]:
    """Split ``host:port,host:port`` into pairs; the port is empty where there is none."""
    found = []
    for part in authority.split(","):
        match = re.match(r"^(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::(\d*))?$", part)
        found.append((match[1], match[2] or "") if match else (part, "invalid"))
    return found


def _bad_hosts(hosts: list[tuple[str, str]]) -> bool:
    return any(
        not (host.startswith("[") or _HOST.match(host))
        or (port != "" and not (port.isdigit() and 0 < int(port) < 65536))
        for host, port in hosts
    )


def _url(value: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname or "", parts.port
        valid = parts.scheme in ("http", "https") and bool(_HOST.match(host) or ":" in host)
    except ValueError:
        valid = False
    if not valid or re.search(r"\s", value):
        yield "url-invalid", "not an http or https URL", "write https://HOST[:PORT][/PATH]"


def _origins(value: str) -> Iterator[Problem]:
    for origin in [part.strip() for part in value.split(",")]:
        if "*" in origin:
            continue  # a matter of security, not of form
        if not re.match(r"^https?://[^/?#@\s]+$", origin) or next(_url(origin), None):
            fix = "write scheme://host[:port] without a path or slash at the end, several separated by commas"
            yield "origin-invalid", "holds something that is no origin", fix
            return


def _user_info_problem(user_info: str) -> bool:
    user, _colon, password = user_info.partition(":")
    bad_percent = re.search(r"%(?![0-9A-Fa-f]{2})", user_info)
    return bool(bad_percent or not _USER_INFO.match(user) or not _USER_INFO.match(password) or ":" in password)


def _split_uri(value: str) -> tuple[str, str, str, str, dict[str, str]]:
    """Split a database's URI into scheme, user info, hosts, path and options; the last @ before the path ends the user info."""
    scheme, _separator, rest = value.partition("://")
    # A password that is not encoded may hold / or ?: everything up to the last @ belongs to the login.
    before, at, after = rest.rpartition("@")
    user_info = before if at else ""
    hosts, _slash, path = after.partition("/")
    path, _mark, query = path.partition("?")
    options = {}
    for pair in query.split("&") if query else []:
        option, _equals, text = pair.partition("=")
        options[option.lower()] = unquote(text)
    return scheme, user_info, hosts, path, options


# mongodb.com/docs/manual/reference/connection-string-options: those that matter here or that people misspell.
_MONGODB_OPTIONS = frozenset(
    "replicaset tls ssl tlscertificatekeyfile tlscertificatekeyfilepassword tlscafile tlsallowinvalidcertificates tlsallowinvalidhostnames "
    "tlsinsecure connecttimeoutms sockettimeoutms compressors zlibcompressionlevel maxpoolsize minpoolsize maxconnecting maxidletimems "
    "waitqueuemultiple waitqueuetimeoutms w wtimeoutms wtimeout journal readconcernlevel readpreference maxstalenessseconds "
    "readpreferencetags authsource authmechanism authmechanismproperties gssapiservicename localthresholdms serverselectiontimeoutms "
    "serverselectiontryonce heartbeatfrequencyms appname retryreads retrywrites uuidrepresentation loadbalanced srvmaxhosts srvservicename "
    "directconnection timeoutms".split()
)


def _mongodb_uri(value: str) -> Iterator[Problem]:
    scheme, user_info, hosts, _path, options = _split_uri(value)
    shape = "mongodb://USER:PASSWORD@HOST[,HOST]/DATABASE?replicaSet=NAME, or mongodb+srv://USER:PASSWORD@NAME/DATABASE"  # pragma: allowlist secret
    pairs = _hosts(hosts)
    reason = ""
    if scheme not in ("mongodb", "mongodb+srv"):
        reason = "not a MongoDB connection string"
    elif not hosts or (_bad_hosts(pairs) and not _user_info_problem(user_info)):
        reason = "its hosts cannot be read"
    elif scheme == "mongodb+srv" and (len(pairs) > 1 or pairs[0][1] or pairs[0][0].count(".") < 2):
        reason = "mongodb+srv takes one name of at least three parts, and no port"
    elif unknown := sorted(options.keys() - _MONGODB_OPTIONS):
        reason = f"has an option that no driver knows: {', '.join(unknown)}"
    if reason:
        yield "mongodb-uri-invalid", reason, f"write {shape}"
        return
    if _user_info_problem(user_info):
        yield (
            "uri-password-not-encoded",
            "its login holds characters that mean something else in a URI",
            "percent-encode user and password",
        )
        return
    if not user_info.partition(":")[2] and options.get("authmechanism", "").upper() not in (
        "MONGODB-X509",
        "MONGODB-AWS",
    ):
        yield "uri-without-login", "names no user with a password", "give the application a user of its own"
    elif unquote(user_info.partition(":")[0]).lower() in ("root", "admin", "administrator", "superuser"):
        yield (
            "uri-superuser",
            "logs in as the database's administrator",
            "give the application a user with readWrite on its database",
        )
    if scheme == "mongodb" and len(pairs) > 1 and not options.get("replicaset"):
        yield "mongodb-uri-no-replica-set", "names several hosts and no replicaSet", "add replicaSet=NAME"
    if options.get("w", "majority") in ("0", "1"):
        yield "mongodb-write-concern", "reports writes as done that a new primary may lose", "say w=majority"
    if options.get("retrywrites") == "false":
        yield "mongodb-retry-writes-off", "turns retryWrites off", "leave it out; it is on by itself"
    off = ("tlsallowinvalidcertificates", "tlsallowinvalidhostnames", "tlsinsecure")
    if any(options.get(option) == "true" for option in off):
        yield "tls-check-off", "does not check the server's certificate", "name the authority with tlsCAFile instead"


def _redis_uri(value: str) -> Iterator[Problem]:
    scheme, user_info, hosts, path, _options = _split_uri(value)
    pairs = _hosts(hosts)
    encoded = not _user_info_problem(user_info)
    if (
        scheme not in ("redis", "rediss")
        or not hosts
        or len(pairs) > 1
        or (encoded and (_bad_hosts(pairs) or not re.match(r"^\d*$", path)))
    ):
        yield "redis-uri-invalid", "not a Redis URL", "write redis://USER:PASSWORD@HOST:PORT[/NUMBER]"
    elif not encoded:
        yield (
            "uri-password-not-encoded",
            "its login holds characters that mean something else in a URI",
            "percent-encode user and password",
        )
    elif not user_info.partition(":")[2]:
        yield "uri-without-login", "names no password", "give the application a user of its own"


def _boolean(value: str) -> Iterator[Problem]:
    if value not in ("true", "false"):
        yield "type-boolean", "neither true nor false, so it counts as off", "write true or false"


def _integer(value: str, record: Record) -> Iterator[Problem]:
    if not re.match(r"^-?\d+$", value):
        yield "type-integer", "not a whole number", "write digits only"
        return
    low, high = record.get("minimum", -math.inf), record.get("maximum", math.inf)
    if not low <= int(value) <= high:
        yield "value-out-of-range", f"outside of {low} to {high}", f"choose a number from {low} to {high}"


def _choice(value: str, record: Record) -> Iterator[Problem]:
    if value not in record["choices"]:
        yield "value-not-a-choice", "not one of the allowed values", f"choose one of {', '.join(record['choices'])}"


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True


def _time_zone(value: str) -> Iterator[Problem]:
    if not _is_time_zone(value) and _is_time_zone("UTC"):  # a controller without the database knows none
        yield "time-zone-unknown", "not a time zone of the IANA database", "write one such as Australia/Sydney, or UTC"


def _phone_number(value: str) -> Iterator[Problem]:
    # ITU-T E.164: at most 15 digits, the country's code first, which never begins with 0.
    if not re.match(r"^\+[1-9]\d{7,14}$", value):
        yield "phone-number-invalid", "not an E.164 number", "write + and 8 to 15 digits, the country's code first"


_BY_VALUE: dict[str, Callable[[str], Iterator[Problem]]] = {
    "boolean": _boolean,
    "url": _url,
    "origins": _origins,
    "mongodb_uri": _mongodb_uri,
    "redis_uri": _redis_uri,
    "time_zone": _time_zone,
    "phone_number": _phone_number,
}
_BY_RECORD: dict[str, Callable[[str, Record], Iterator[Problem]]] = {"integer": _integer, "choice": _choice}
TYPES = ("string", *_BY_VALUE, *_BY_RECORD)


def hosts_of(value: str, kind: str) -> list[str]:
    """Return the host names in a value of type ``kind``; none where it holds none or cannot be read."""
    if kind in ("mongodb_uri", "redis_uri"):
        return [host for host, _port in _hosts(_split_uri(value)[2])]
    if kind in ("url", "origins"):
        try:
            return [urlsplit(part.strip()).hostname or "" for part in value.split(",")]
        except ValueError:
            return []
    return []


def value_problems(value: str, record: Record) -> list[Problem]:
    """Return what is wrong with a value that is no placeholder, by type, pattern and strength: the first cause, not its echoes."""
    kind = record.get("type", "string")
    found: list[Problem] = []
    if kind in _BY_VALUE:
        found = list(_BY_VALUE[kind](value))
    elif kind in _BY_RECORD:
        found = list(_BY_RECORD[kind](value, record))
    if found:
        return found
    pattern = record.get("pattern")
    if pattern and not re.search(pattern, value):
        rule = "key-malformed"
        return [
            (
                rule,
                f"does not look like {record.get('pattern_hint', 'this kind of value')}",
                remedy(record, "correct it"),
            )
        ]
    if record.get("secret") and not pattern:
        return list(_strength(value, record))
    if record.get("secret") and len(set(value.rpartition("_")[2].rpartition(".")[2])) < 4:
        return [("secret-too-simple", "hardly any two of its characters differ", remedy(record))]
    return []


def _strength(value: str, record: Record) -> Iterator[Problem]:
    shortest, bits = record.get("min_length", 0), record.get("min_entropy_bits", 0)
    fix = remedy(record)
    if len(value) < shortest:
        yield "secret-too-short", f"has {len(value)} characters; at least {shortest} are needed", fix
    elif value.lower() in _COMMON_SECRETS:
        yield "secret-too-simple", "is among the first that anybody tries", fix
    elif bits and entropy_bits(value) < bits:
        yield (
            "secret-too-simple",
            f"is long enough, but could be guessed (about {entropy_bits(value):.0f} of {bits} bits)",
            fix,
        )
