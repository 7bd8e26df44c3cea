# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the health report: what touches network, Docker and kernel. Each is ``check(spec) -> Finding``.

Only the standard library at import time. pymongo is imported by the MongoDB check itself (170 ms of CPU); Redis needs
three commands of a line protocol, which cost less than the 90 ms of importing a client.
"""

from __future__ import annotations

import calendar
import ctypes
import http.client
import json
import os
import queue
import selectors
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils import _docker_engine, _health, _host_state
from ansible_collections.halobuzz.platform.plugins.module_utils._errors import ErrorCode, failure
from ansible_collections.halobuzz.platform.plugins.module_utils._health import CheckResult, Finding, clean

Spec = dict[str, Any]
MAX_CONCURRENT = 50
BODY_LIMIT_BYTES = 64 * 1024
RECENT_SECONDS = 600
# A check ends its own waits at its deadline and can then say what it waited for; the runner takes over this much later.
GRACE_SECONDS = 0.3


class Deadline:
    """How much of a check's time is left; every wait of the check asks it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, at least a hundredth, so that a socket never gets 0 ("non-blocking")."""
        return max(0.01, self._end - time.monotonic())

    def share(self, parts: int) -> float:
        """Return an equal part of what is left, for trying ``parts`` hosts one after the other."""
        return max(0.05, self.left() / parts)


def _deadline(spec: Spec) -> Deadline:
    return Deadline(spec["timeout_seconds"])


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value >= 1 else f"{value:.1f} s"


def _hangs(spec: Spec) -> Finding:
    hint = f" ({spec['hang_hint']})" if spec.get("hang_hint") else ""
    return Finding(False, f"hangs: no answer in {_seconds(spec['timeout_seconds'])}{hint}", "hangs")


def _split_address(target: str, default_port: int = 0) -> tuple[str, int]:
    """Split ``host:port``, ``[v6]:port`` or a bare host."""
    parts = urllib.parse.urlsplit(f"//{target}")
    return parts.hostname or "", parts.port or default_port


def _connection_problem(error: OSError, spec: Spec) -> Finding:
    """Say in words why no connection came about."""
    if isinstance(error, ConnectionRefusedError):
        return Finding(False, "refused: nothing listens there", "refused")
    if isinstance(error, socket.gaierror):
        return Finding(False, f"name not found: {clean(error.strerror)}", "dns")
    if isinstance(error, TimeoutError):
        text = f"could not connect in {_seconds(spec['timeout_seconds'])}: host down, or a firewall drops it"
        return Finding(False, text, "no_answer")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Finding(False, f"certificate not accepted: {clean(error.verify_message)}", "certificate")
    if isinstance(error, ssl.SSLError):
        return Finding(False, f"no TLS: {clean(error.reason or error)}", "tls")
    return Finding(False, f"could not connect: {clean(error.strerror or error)}", "no_answer")


# --- http, tcp, tls -------------------------------------------------------------------------------------------------


def tls_context(spec: Spec) -> ssl.SSLContext:
    """Return what checks certificates against the authority of ``ca_file``, or the system's own."""
    return ssl.create_default_context(cafile=spec.get("ca_file") or None)


def _body_problem(body: bytes, content_type: str) -> tuple[str, list[str]]:
    """Read what a degraded service says of itself: a phrase, and the names of its parts that are not well."""
    try:
        data = json.loads(body)
    except ValueError:
        return ("" if "html" in content_type else clean(body.decode("utf-8", "replace"), 120)), []
    if not isinstance(data, dict):
        return clean(data, 120), []
    services = data.get("services")
    if isinstance(services, dict):
        well = ("ok", "connected", "healthy", "up", "true")
        down = {str(name): clean(state, 60) for name, state in services.items() if str(state).lower() not in well}
        if down:
            state = clean(data.get("status") or "degraded", 40)
            return f"{state}: {', '.join(f'{clean(name, 40)} {value}' for name, value in down.items())}", list(down)
    for key in ("error", "message", "status"):
        if data.get(key):
            return clean(data[key], 120), []
    return "", []


def _field(data: Any, path: str) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _judge_response(spec: Spec, status: int, body: bytes, content_type: str, location: str) -> Finding:
    facts: dict[str, Any] = {"status": status}
    if status not in spec["status"]:
        said, down = _body_problem(body, content_type)
        facts["services_down"] = down
        if status == 403 and b"HTTPS required" in body:
            return Finding(
                False,
                "403 HTTPS required: the request came without X-Forwarded-Proto: https, which the edge has to set",
                "https_required",
                facts=facts,
            )
        if status == 503 and b"retry_after_seconds" in body:
            said = "no replica is ready, says the edge"
        if location:
            said = f"redirect to {clean(location, 120)}, not followed"
        return Finding(False, f"{status} {said}".strip(), "degraded" if down else "status", facts=facts)
    if spec.get("expected_fields"):
        try:
            data = json.loads(body)
        except ValueError:
            return Finding(False, f"{status}, but the body is not JSON", "body", facts=facts)
        for path, value in spec["expected_fields"].items():
            if str(_field(data, path)).lower() != str(value).lower():
                said = clean(_field(data, path), 60)
                return Finding(False, f"{status}, but {path} is {said} instead of {value}", "body", facts=facts)
    return Finding(True, str(status), facts=facts)


def check_http(spec: Spec) -> Finding:
    """GET ``target``. No redirect is followed, at most 64 KiB are read, and nothing of the body is ever executed."""
    deadline = _deadline(spec)
    url = urllib.parse.urlsplit(spec["target"])
    host, port = url.hostname or "", url.port
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=deadline.left(), context=tls_context(spec))
    else:
        connection = http.client.HTTPConnection(host, port, timeout=deadline.left())
    try:
        try:
            connection.connect()
        except OSError as error:
            return _connection_problem(error, spec)
        connection.sock.settimeout(deadline.left())
        path = url.path or "/"
        headers = {"User-Agent": "halobuzz-health", "Connection": "close", **(spec.get("headers") or {})}
        connection.request("GET", f"{path}?{url.query}" if url.query else path, headers=headers)
        response = connection.getresponse()
        connection_socket = connection.sock
        if connection_socket is not None:
            connection_socket.settimeout(deadline.left())
        body = response.read(BODY_LIMIT_BYTES)
        return _judge_response(
            spec,
            response.status,
            body,
            response.getheader("Content-Type") or "",
            (response.getheader("Location") or "") if 300 <= response.status < 400 else "",
        )
    except TimeoutError:
        return _hangs(spec)
    except (OSError, http.client.HTTPException) as error:
        return Finding(False, f"connection broken before the answer: {clean(error) or type(error).__name__}", "broken")
    finally:
        connection.close()


def check_tcp(spec: Spec) -> Finding:
    """Open a TCP connection to ``target`` (host:port) and close it."""
    try:
        with socket.create_connection(_split_address(spec["target"]), timeout=spec["timeout_seconds"]):
            return Finding(True, "open")
    except OSError as error:
        return _connection_problem(error, spec)


def check_tls(spec: Spec) -> Finding:
    """Open a verified TLS connection and say for how many days the certificate is still valid."""
    deadline = _deadline(spec)
    host, port = _split_address(spec["target"], 443)
    try:
        with socket.create_connection((host, port), timeout=deadline.left()) as plain:
            plain.settimeout(deadline.left())
            with tls_context(spec).wrap_socket(plain, server_hostname=spec.get("server_name") or host) as secure:
                certificate: Any = secure.getpeercert() or {}
    except OSError as error:
        return _connection_problem(error, spec)
    days = (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / 86400
    finding = Finding(True, f"certificate valid for {days:.0f} days", facts={"days_left": round(days, 1)})
    if days < spec["min_days"]:
        finding.warnings.append(f"the certificate of {spec['target']} expires in {days:.0f} days: renew it")
    return finding


# --- Redis ----------------------------------------------------------------------------------------------------------


class RedisError(Exception):
    """An error line of the server, e.g. ``WRONGPASS …``."""


class RedisLine:
    """Just enough of the protocol to log in and read INFO (redis.io/docs/latest/develop/reference/protocol-spec)."""

    def __init__(self, host: str, port: int, deadline: Deadline, tls: ssl.SSLContext | None = None) -> None:
        self._deadline = deadline
        self._socket = socket.create_connection((host, port), timeout=deadline.left())
        if tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()

    def command(self, *words: str) -> str:
        """Send one command and return its answer as text.

        :raises RedisError: the server answers with an error line.
        :raises OSError: the connection ends, or the deadline passes.
        """
        encoded = [word.encode() for word in words]
        self._socket.settimeout(self._deadline.left())
        self._socket.sendall(
            b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        )
        line = self._file.readline(BODY_LIMIT_BYTES)
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, text = line[:1], line[1:-2].decode("utf-8", "replace")
        if kind == b"-":
            raise RedisError(clean(text, 120))
        if kind == b"$":
            length = int(text)  # -1: nothing is there
            return self._file.read(length + 2)[:-2].decode("utf-8", "replace") if length >= 0 else ""
        return text


def _parse_info(text: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in text.replace("\r", "").split("\n") if ":" in line)


def judge_redis(spec: Spec, info: dict[str, str]) -> Finding:
    """Judge the fields of INFO: role, loading, persistence, eviction. Pure."""
    used_bytes, limit_bytes = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    facts = {
        "name": spec.get("name") or "",
        "container": spec.get("container") or "",
        "role": info.get("role", ""),
        "policy": info.get("maxmemory_policy", ""),
        "aof_enabled": info.get("aof_enabled") == "1",
        "used_memory_bytes": used_bytes,
        "maxmemory_bytes": limit_bytes,
        "version": info.get("redis_version", ""),
    }
    if info.get("loading") == "1":
        return Finding(False, f"is loading its data ({info.get('loading_loaded_perc', '?')} %)", "loading", facts=facts)
    if info.get("role") == "slave":
        return Finding(False, "is a replica: writes are refused", "replica", facts=facts)
    if facts["aof_enabled"] and info.get("aof_last_write_status", "ok") != "ok":
        return Finding(False, "cannot write its append-only file: disk full or failing", "aof", facts=facts)
    finding = Finding(True, "Connected", facts=facts)
    if spec.get("policy") and facts["policy"] and facts["policy"] != spec["policy"]:
        risk = ": it may drop jobs and sessions" if spec["policy"] == "noeviction" else ""
        finding.warnings.append(f"maxmemory-policy is {facts['policy']} instead of {spec['policy']}{risk}")
    if spec.get("aof_expected") and not facts["aof_enabled"]:
        finding.warnings.append("the append-only file is off: a restart loses what was queued")
    if limit_bytes and facts["policy"] == "noeviction":
        percent = 100 * used_bytes // limit_bytes
        if percent >= 90:
            finding.warnings.append(f"{percent} % of maxmemory used: at 100 % writes are refused")
    return finding


def check_redis(spec: Spec) -> Finding:
    """PING and INFO with the monitoring user. ``target`` is host:port; ``uri`` (secret) may replace it and the user."""
    deadline = _deadline(spec)
    user, password, tls = spec.get("user") or "", spec.get("password") or "", None
    host, port = _split_address(spec["target"], 6379)
    if spec.get("uri"):
        uri = urllib.parse.urlsplit(spec["uri"])
        try:
            host, port = uri.hostname or "", uri.port or 6379
        except ValueError:  # its words would quote a password that was not percent-encoded
            return Finding(False, "the Redis URL is not usable: percent-encode its password", "uri")
        user, password = urllib.parse.unquote(uri.username or ""), urllib.parse.unquote(uri.password or "")
        tls = tls_context(spec) if uri.scheme == "rediss" else None
    facts = {"name": spec.get("name") or "", "container": spec.get("container") or ""}
    try:
        line = RedisLine(host, port, deadline, tls)
    except OSError as error:
        finding = _connection_problem(error, spec)
        finding.detail = f"not connected: {finding.detail}"
        finding.facts = facts
        return finding
    try:
        if password:
            line.command("AUTH", *([user] if user else []), password)
        line.command("PING")
        try:
            return judge_redis(spec, _parse_info(line.command("INFO")))
        except RedisError as error:
            return Finding(True, "Connected", warnings=[f"cannot be examined: {error}"], facts=facts)
    except RedisError as error:
        text = str(error)
        if text.startswith("LOADING"):
            return Finding(False, "is loading its data", "loading", facts=facts)
        reason = "auth" if text.split(" ", maxsplit=1)[0] in ("WRONGPASS", "NOAUTH", "NOPERM") else "error"
        return Finding(False, f"refuses the user {user or 'default'}: {text}", reason, facts=facts)
    except TimeoutError:
        finding = _hangs(spec)
        finding.facts = facts
        return finding
    except OSError as error:
        return Finding(False, f"connection broken: {clean(error)}", "broken", facts=facts)
    finally:
        line.close()


# --- MongoDB --------------------------------------------------------------------------------------------------------


def probe_ports(addresses: list[str], seconds: float) -> dict[str, str]:
    """Connect to all ``host:port`` at once; map each to an empty text, or to why it failed, after ``seconds`` at most.

    pymongo retries refused connections until its own timeout; asking the ports first tells a stopped set at once.
    """
    problems: dict[str, str] = {}
    with selectors.DefaultSelector() as selector:
        for address in addresses:
            plain = socket.socket(socket.AF_INET6 if address.startswith("[") else socket.AF_INET)
            plain.setblocking(False)
            try:
                plain.connect_ex(_split_address(address))
                selector.register(plain, selectors.EVENT_WRITE, address)
            except OSError as error:
                problems[address] = clean(error.strerror or error)
                plain.close()
        end = time.monotonic() + seconds
        while selector.get_map() and time.monotonic() < end:
            for key, _events in selector.select(max(0.0, end - time.monotonic())):
                error_number = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # type: ignore[union-attr]
                refused = error_number == 111
                problems[key.data] = "refused" if refused else os.strerror(error_number) if error_number else ""
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
        for key in list(selector.get_map().values()):
            problems[key.data] = "no answer"
            selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]
    return problems


def _member_name(spec: Spec, address: str) -> str:
    return str((spec.get("names") or {}).get(address) or address)


def judge_replica_set(spec: Spec, status: dict[str, Any]) -> Finding:
    """Judge the answer of ``replSetGetStatus``: primary, majority, members, lag. Pure.

    :param status: ``{set, now_seconds, members: [{name, health, stateStr, applied_seconds, elected_seconds}]}``, times in
        seconds since the epoch by MongoDB's clock, 0 where unknown.
    """
    members = status["members"]
    up = [
        member for member in members if member["health"] and member["stateStr"] in ("PRIMARY", "SECONDARY", "ARBITER")
    ]
    primary = next((member for member in up if member["stateStr"] == "PRIMARY"), None)
    total, majority = len(members), len(members) // 2 + 1
    away = [
        f"{_member_name(spec, member['name'])} {'unreachable' if not member['health'] else member['stateStr'].lower()}"
        for member in members
        if member not in up
    ]
    facts: dict[str, Any] = {
        "replica_set": status["set"],
        "primary": _member_name(spec, primary["name"]) if primary else "",
        "members": total,
        "members_up": len(up),
        "states": {_member_name(spec, member["name"]): member["stateStr"] for member in members},
        "hosts": list((spec.get("names") or {}).values()),
        "container": spec.get("container") or "",
    }
    if primary is None:
        gone = f": {', '.join(away)}" if away else ""
        if len(up) < majority:
            text = f"no primary: {len(up)} of {total} members up, a majority is {majority}{gone}. Reads only, no writes"
            return Finding(False, text, "no_majority", facts=facts)
        text = f"no primary: an election is under way ({len(up)} of {total} members up{gone}); writes wait for it"
        return Finding(False, text, "no_primary", facts=facts)
    lags = [
        primary["applied_seconds"] - member["applied_seconds"]
        for member in up
        if member["stateStr"] == "SECONDARY" and member["applied_seconds"]
    ]
    lag = max([0.0, *lags])
    facts["lag_seconds"] = round(lag)
    since = status["now_seconds"] - primary["elected_seconds"]
    elected = f", elected {max(0.0, since):.0f} s ago" if since < RECENT_SECONDS else ""
    parts = [f"primary {facts['primary']}{elected}", f"{len(up)} of {_health.counted(total, 'member')}"]
    parts += [f"lag {lag:.0f} s"] if lags else []
    finding = Finding(True, f"Connected ({', '.join(parts)})", facts=facts)
    if away:
        spare = len(up) - majority
        then = "the loss of one more stops writes" if spare == 0 else f"{spare} more may fail"
        finding.warnings.append(f"{', '.join(away)}; {then}")
    if lag > spec["lag_seconds_max"]:
        finding.warnings.append(
            f"a member lags {lag:.0f} s behind: reads from it are old, and a failover would wait or lose"
        )
    return finding


def _epoch(moment: Any) -> float:
    return float(calendar.timegm(moment.utctimetuple())) + float(moment.microsecond) / 1e6


def _mongo_status(client: Any) -> dict[str, Any]:
    raw = client.admin.command("replSetGetStatus")
    members = []
    for member in raw["members"]:
        # Secondaries report what they applied at once; optimeDate comes with the next heartbeat, up to 2 s later.
        applied = member.get("lastAppliedWallTime") or member.get("optimeDate")
        elected = member.get("electionDate")
        members.append(
            {
                "name": member["name"],
                "health": bool(member.get("health")),
                "stateStr": member.get("stateStr", "UNKNOWN"),
                "applied_seconds": _epoch(applied) if applied else 0.0,
                "elected_seconds": _epoch(elected) if elected else 0.0,
            }
        )
    return {"set": raw["set"], "members": members, "now_seconds": _epoch(raw["date"])}


def _mongo_answer(spec: Spec, client: Any, errors: Any) -> Finding:
    """Ask one connected client; server errors become findings, network errors are the caller's."""
    facts = {"hosts": list((spec.get("names") or {}).values()), "container": spec.get("container") or ""}
    try:
        status = _mongo_status(client)
    except errors.OperationFailure as error:
        if error.code in (18, 11):  # AuthenticationFailed, UserNotFound
            return Finding(False, f"refuses the user {spec.get('user') or 'of the URI'}", "auth", facts=facts)
        if error.code == 94:
            return Finding(False, "the replica set is not initiated", "not_initiated", facts=facts)
        if error.code == 76:  # NoReplicationEnabled
            warning = "it is a standalone server: no failover, no point-in-time backup"
            return Finding(True, "Connected (standalone)", warnings=[warning], facts=facts)
        if error.code != 13:  # Unauthorized: an application's user may not ask; hello tells enough
            return Finding(
                False,
                f"answers with an error: {clean(error.details and error.details.get('errmsg'), 160)}",
                "error",
                facts=facts,
            )
        hello = client.admin.command("hello")
        if hello.get("setName") and not hello.get("primary"):
            return Finding(False, "no primary: an election is under way; writes wait for it", "no_primary", facts=facts)
        primary = f"primary {_member_name(spec, hello['primary'])}" if hello.get("primary") else "no replica set"
        return Finding(
            True, f"Connected ({primary}, {_health.counted(len(hello.get('hosts') or [1]), 'member')})", facts=facts
        )
    if spec.get("replica_set") and status["set"] != spec["replica_set"]:
        text = f"the replica set is called {clean(status['set'])} instead of {spec['replica_set']}"
        return Finding(False, text, "other_set", facts=facts)
    finding = judge_replica_set(spec, status)
    if finding.ok and finding.facts["lag_seconds"] > 1:
        # An idle primary writes a no-op every 10 s; for a moment after it, every member looks 10 s behind.
        time.sleep(0.3)
        status = _mongo_status(client)
        finding = judge_replica_set(spec, status)
    return finding


def check_mongodb(spec: Spec) -> Finding:
    """Ask a member of the replica set for its status with the monitoring user, or the deployment behind ``uri``."""
    deadline = _deadline(spec)
    facts: dict[str, Any] = {
        "hosts": list((spec.get("names") or {}).values()),
        "container": spec.get("container") or "",
    }
    problems: dict[str, str] = {}
    if not spec.get("uri"):
        problems = probe_ports(spec["hosts"], min(1.0, deadline.seconds / 2))
        if all(problems[host] for host in spec["hosts"]):
            each = ", ".join(f"{_member_name(spec, host)} {problems[host]}" for host in spec["hosts"])
            none = "none of its members answers" if len(spec["hosts"]) > 1 else "it does not answer"
            return Finding(False, f"not connected: {none} ({each})", "down", facts=facts)
    try:
        import pymongo
        import pymongo.errors
    except ImportError:
        text = "cannot be examined: the Python of this host has no pymongo"
        return Finding(False, text, "no_client", facts=facts)
    errors = pymongo.errors
    seeds = [spec["uri"]] if spec.get("uri") else [host for host in spec["hosts"] if not problems[host]]
    for number, seed in enumerate(seeds):
        milliseconds = int(deadline.share(len(seeds) - number) * 1000)
        options: dict[str, Any] = {
            "serverSelectionTimeoutMS": milliseconds,
            "connectTimeoutMS": milliseconds,
            "socketTimeoutMS": milliseconds,
            "appname": "halobuzz-health",
            "maxPoolSize": 1,
            "readPreference": "primaryPreferred",
        }
        if not spec.get("uri"):
            options.update(directConnection=True)
            if spec.get("user"):
                options.update(
                    username=spec["user"],
                    password=spec.get("password") or "",
                    authSource=spec.get("auth_source") or "admin",
                )
        if spec.get("ca_file"):
            options.update(tls=True, tlsCAFile=spec["ca_file"])
        try:
            client: Any = pymongo.MongoClient(seed, **options)
        except (errors.ConfigurationError, errors.InvalidURI, ValueError) as error:
            # Never the error's own words: they may quote the URI.
            what = "needs dnspython" if "dnspython" in str(error) else "is not usable (names, options or DNS)"
            return Finding(False, f"the MongoDB URI {what}", "uri", facts=facts)
        try:
            return _mongo_answer(spec, client, errors)
        except errors.PyMongoError as error:
            problems[seed] = _mongo_network_problem(error)
        finally:
            client.close()
    shown = [
        f"{_member_name(spec, host) if not spec.get('uri') else spec['target']} {text}"
        for host, text in problems.items()
        if text
    ]
    return Finding(False, f"not connected: {', '.join(shown)}", "down", facts=facts)


def _mongo_network_problem(error: Exception) -> str:
    text = str(error)
    if "Connection refused" in text:
        return "refused"
    if "timed out" in text:
        return "accepts connections but does not answer"
    return type(error).__name__


# --- Docker ---------------------------------------------------------------------------------------------------------


def parse_time(text: str) -> float:
    """Turn Docker's RFC 3339 time (nanoseconds, Z) into seconds since the epoch; 0 for an empty or zero time."""
    try:
        return float(calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))) if text >= "1970" else 0.0
    except ValueError:
        return 0.0


def _no_engine() -> Finding:
    return Finding(False, "the Docker engine does not answer", "no_engine")


def _swarm_trouble(status: int, body: Any) -> Finding | None:
    """Return the finding of a Docker answer that is not 200, None where it is."""
    if status == 200:
        return None
    message = clean((body or {}).get("message") if isinstance(body, dict) else "", 160)
    if status == 0:
        return _no_engine()
    if "leader" in message or "quorum" in message or "deadline exceeded" in message:
        return Finding(
            False, "the Swarm has no majority of managers: what runs goes on, nothing can be changed", "no_quorum"
        )
    if "not a swarm manager" in message:
        return Finding(False, "this host is not a Swarm manager", "no_manager")
    return Finding(False, f"Docker answers {status}: {message}", "error")


def _task_problem(task: dict[str, Any]) -> str:
    state = task["Status"]
    error = clean(state.get("Err") or state.get("Message") or "", 120)
    return f"{state['State']}{': ' + error if error and error != state['State'] else ''}"


def judge_service(
    spec: Spec, service: dict[str, Any], tasks: list[dict[str, Any]], nodes: list[dict[str, Any]], now_seconds: float
) -> Finding:
    """Judge a Swarm service by the engine API's answers for it, its tasks and the nodes. Pure."""
    names = {node["ID"]: node["Description"]["Hostname"] for node in nodes}
    mode = service["Spec"]["Mode"]
    wished = [task for task in tasks if task.get("DesiredState") == "running"]
    wanted = int(mode["Replicated"].get("Replicas", 1)) if "Replicated" in mode else len(wished)
    running = [task for task in wished if task["Status"]["State"] == "running"]
    hosts = sorted({names.get(task.get("NodeID", ""), "?") for task in running})
    image = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    images = sorted({task["Spec"]["ContainerSpec"]["Image"] for task in running})
    update = (service.get("UpdateStatus") or {}).get("State") or ""
    failures = [
        task
        for task in tasks
        if task["Status"]["State"] in ("failed", "rejected")
        and now_seconds - parse_time(task["Status"].get("Timestamp") or "") < RECENT_SECONDS
    ]
    failures.sort(key=lambda task: task["Status"].get("Timestamp") or "")
    facts = {
        "running": len(running),
        "wanted": wanted,
        "hosts": hosts,
        "image": image,
        "images": images,
        "update_state": update,
        "recent_failures": len(failures),
    }
    detail = f"{len(running)} of {wanted} running"
    if update in ("updating", "rollback_started"):
        detail += ", update under way" if update == "updating" else ", rolling back"
    warnings = []
    if update in ("paused", "rollback_paused"):
        said = clean((service.get("UpdateStatus") or {}).get("Message") or "", 120)
        warnings.append(f"its update has stopped half-way: {said}")
    if update == "rollback_completed":
        warnings.append("the last update failed and was rolled back")
    if [other for other in images if other != image] and update != "updating":
        warnings.append(f"{len(images)} images are in use, not only {_short_image(image)}")
    if len(hosts) == 1 and len(running) > 1 and (spec.get("spread_hosts") or 1) > 1:
        warnings.append(f"all {len(running)} replicas run on {hosts[0]}: the loss of that host is an outage")
    last = f"{_task_problem(failures[-1])} on {names.get(failures[-1].get('NodeID', ''), '?')}" if failures else ""
    if wanted == 0 or len(running) < wanted:
        waiting = [task for task in wished if task["Status"]["State"] != "running"]
        why = (
            last or (_task_problem(waiting[0]) if waiting else "") or ("scaled to 0" if wanted == 0 else "no task yet")
        )
        return Finding(False, f"{detail} ({why})", "too_few", warnings, facts)
    if failures:
        minutes = RECENT_SECONDS // 60
        warnings.append(f"{_health.counted(len(failures), 'task')} failed in the last {minutes} min, the last: {last}")
    return Finding(True, detail, "", warnings, facts)


def _short_image(image: str) -> str:
    name, _at, digest = image.partition("@sha256:")
    return f"{name}@{digest[:12]}" if digest else name


def check_swarm_service(spec: Spec) -> Finding:
    """Look at the tasks of the Swarm service called ``target``; only a manager can answer."""
    name = spec["target"]
    status, service = _docker_engine.docker_json(f"/services/{urllib.parse.quote(name)}")
    if status == 404:
        return Finding(False, "not deployed", "absent")
    trouble = _swarm_trouble(status, service)
    if trouble:
        return trouble
    filters = urllib.parse.quote(json.dumps({"service": {name: True}}))
    status, tasks = _docker_engine.docker_json(f"/tasks?filters={filters}")
    node_status, nodes = _docker_engine.docker_json("/nodes")
    trouble = _swarm_trouble(status, tasks) or _swarm_trouble(node_status, nodes)
    return trouble or judge_service(spec, service, tasks, nodes, time.time())


def judge_swarm(spec: Spec, nodes: list[dict[str, Any]]) -> Finding:
    """Judge the list of nodes: who is down, how many managers are left, who leads. Pure."""
    ready = {node["Description"]["Hostname"] for node in nodes if node["Status"]["State"] == "ready"}
    # A host that joined anew leaves its old entry behind, down for ever.
    stale = [node for node in nodes if node["Status"]["State"] != "ready" and node["Description"]["Hostname"] in ready]
    nodes = [node for node in nodes if node not in stale]
    down = sorted(node["Description"]["Hostname"] for node in nodes if node["Status"]["State"] != "ready")
    managers = [node for node in nodes if node.get("ManagerStatus")]
    reachable = [node for node in managers if node["ManagerStatus"].get("Reachability") == "reachable"]
    leader = next((node["Description"]["Hostname"] for node in managers if node["ManagerStatus"].get("Leader")), "")
    facts = {
        "nodes": len(nodes),
        "ready": len(ready),
        "managers": len(managers),
        "managers_reachable": len(reachable),
        "leader": leader,
        "down": down,
        "drained": sorted(
            node["Description"]["Hostname"] for node in nodes if node["Spec"].get("Availability") == "drain"
        ),
    }
    detail = (
        f"{len(ready)} of {_health.counted(len(nodes), 'node')} ready, "
        f"{len(reachable)} of {_health.counted(len(managers), 'manager')} reachable, leader {leader or 'none'}"
    )
    warnings = []
    spare = len(reachable) - (len(managers) // 2 + 1)
    if len(managers) > 2 and spare == 0:
        warnings.append("the loss of one more manager ends the majority")
    for node in nodes:
        if node["Spec"].get("Availability") in ("drain", "pause"):
            work = (node["Spec"].get("Labels") or {}).get(_host_state.OUT_FOR_LABEL)
            warnings.append(
                f"{node['Description']['Hostname']} is set to {node['Spec']['Availability']}: it gets no tasks"
                + (f" (for the {work}; where that was interrupted, run it again, or make undrain)" if work else "")
            )
    if stale:
        warnings.append(
            f"{_health.counted(len(stale), 'stale entry') if len(stale) == 1 else f'{len(stale)} stale entries'} "
            "of hosts that joined again (docker node ls)"
        )
    if len(nodes) < (spec.get("nodes_wanted") or 0):
        warnings.append(f"{len(nodes)} of {spec['nodes_wanted']} hosts of the inventory have joined")
    if down:
        return Finding(False, f"{', '.join(down)} down; {detail}", "nodes_down", warnings, facts)
    return Finding(True, detail, "", warnings, facts)


def check_swarm(spec: Spec) -> Finding:
    """Look at the Swarm's nodes from this manager."""
    status, nodes = _docker_engine.docker_json("/nodes")
    return _swarm_trouble(status, nodes) or judge_swarm(spec, nodes)


def judge_container(name: str, body: dict[str, Any], now_seconds: float) -> Finding:
    """Judge the answer of ``GET /containers/NAME/json``. Pure."""
    state = body["State"]
    started = now_seconds - parse_time(state.get("StartedAt") or "")
    restarts = int(body.get("RestartCount") or 0)
    condition = (state.get("Health") or {}).get("Status") or "none"
    facts = {"status": state["Status"], "health": condition, "restarts": restarts, "image": body["Config"]["Image"]}
    if state["Status"] != "running":
        finished = parse_time(state.get("FinishedAt") or "")
        ago = f", {now_seconds - finished:.0f} s ago" if finished and state["Status"] == "exited" else ""
        why = " by the kernel for lack of memory" if state.get("OOMKilled") else ""
        code = f" with code {state.get('ExitCode')}{why}{ago}" if state["Status"] in ("exited", "restarting") else ""
        return Finding(False, f"{state['Status']}{code}", state["Status"], facts=facts)
    if condition == "unhealthy":
        log = (state.get("Health") or {}).get("Log") or [{}]
        said = clean(log[-1].get("Output") or "", 120)
        return Finding(False, f"runs but is unhealthy{': ' + said if said else ''}", "unhealthy", facts=facts)
    finding = Finding(True, f"{name} running", facts=facts)
    if restarts and started < RECENT_SECONDS:
        finding.warnings.append(f"restarted {_health.counted(restarts, 'time')}, the last time {started:.0f} s ago")
    return finding


def check_container(spec: Spec) -> Finding:
    """Look at the container called ``target`` on this host."""
    status, body = _docker_engine.docker_json(f"/containers/{urllib.parse.quote(spec['target'])}/json")
    if status == 404:
        return Finding(False, "does not exist", "absent")
    return _swarm_trouble(status, body) or judge_container(spec["target"], body, time.time())


# --- The host -------------------------------------------------------------------------------------------------------


def human_bytes(number: float) -> str:
    """Return ``512 MiB`` or ``3.2 GiB``."""
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"


def check_disk(spec: Spec) -> Finding:
    """Look at free space and free inodes of the file system that holds the path ``target``."""
    try:
        found = os.statvfs(spec["target"])
    except FileNotFoundError:
        return Finding(False, f"{spec['target']} does not exist", "absent")
    free = 100 * found.f_bavail / found.f_blocks if found.f_blocks else 100.0
    inodes = 100 * found.f_favail / found.f_files if found.f_files else 100.0
    facts = {
        "free_percent": round(free, 1),
        "free_inodes_percent": round(inodes, 1),
        "free_bytes": found.f_bavail * found.f_frsize,
    }
    text = f"{spec['target']} {free:.0f} % free"
    least, what = (inodes, "inodes") if inodes < free else (free, "space")
    if least < spec["free_percent_critical"]:
        return Finding(
            False,
            f"{what} nearly used up: {least:.1f} % free ({human_bytes(facts['free_bytes'])})",
            "full",
            facts=facts,
        )
    finding = Finding(True, text, facts=facts)
    if least < spec["free_percent_warning"]:
        finding.warnings.append(f"{least:.1f} % of {what} free ({human_bytes(facts['free_bytes'])})")
    return finding


def check_memory(spec: Spec) -> Finding:
    """Look at the memory that the kernel could still hand out (``MemAvailable``)."""
    with open("/proc/meminfo") as handle:
        table = dict(line.split(":", 1) for line in handle)
    total, available = (int(table[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    percent = 100 * available / total
    facts = {"available_bytes": available, "total_bytes": total, "available_percent": round(percent, 1)}
    text = f"{human_bytes(available)} of {human_bytes(total)} memory free"
    if percent < spec["free_percent_critical"]:
        return Finding(False, text, "full", facts=facts)
    finding = Finding(True, text, facts=facts)
    if percent < spec["free_percent_warning"]:
        finding.warnings.append(f"only {text}")
    return finding


def judge_load(load: float, cpus: int) -> Finding:
    """Judge the load of the last minute: far above the number of CPUs, everything answers late and checks hang. Pure."""
    facts = {"load": round(load, 1), "cpus": cpus}
    text = f"load {load:.1f} on {_health.counted(cpus, 'CPU')}"
    if load > 4 * cpus:
        return Finding(False, f"{text}: overloaded", "overloaded", facts=facts)
    return Finding(True, text, facts=facts)


def check_load(_spec: Spec) -> Finding:
    """Look at the load average of the last minute."""
    return judge_load(os.getloadavg()[0], os.cpu_count() or 1)


class _Timex(ctypes.Structure):
    # struct timex of adjtimex(2); what follows `status` is not read, but the kernel writes all of it.
    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    ]


def check_clock(_spec: Spec) -> Finding:
    """Ask the kernel whether a time service keeps the clock (STA_UNSYNC of adjtimex(2)).

    In a container the clock is the outer machine's, and no service inside may set it.
    """
    if os.path.exists("/run/systemd/container") or os.path.exists("/.dockerenv"):
        return Finding(True, "clock kept by the outer machine")
    timex = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    facts = {"error_seconds": timex.maxerror / 1e6}
    if state < 0 or state == 5 or timex.status & 0x40:  # TIME_ERROR, STA_UNSYNC
        return Finding(False, "clock not synchronised: no time service keeps it", "unsynchronised", facts=facts)
    return Finding(True, "clock synchronised", facts=facts)


def judge_unit(name: str, properties: dict[str, str]) -> Finding:
    """Judge the properties that ``systemctl show`` prints. Pure."""
    state = properties.get("ActiveState", "unknown")
    restarts = int(properties.get("NRestarts") or 0)
    facts = {"active": state, "sub": properties.get("SubState", ""), "restarts": restarts}
    if properties.get("LoadState") == "not-found":
        return Finding(False, f"{name} is not installed", "absent", facts=facts)
    if state not in ("active", "reloading"):
        return Finding(False, f"{name} is {state} ({properties.get('SubState', '')})", state, facts=facts)
    finding = Finding(True, f"{name.removesuffix('.service')} {state}", facts=facts)
    if restarts:
        finding.warnings.append(f"restarted by systemd {_health.counted(restarts, 'time')} since it was last started")
    return finding


def check_unit(spec: Spec) -> Finding:
    """Look at the systemd unit called ``target``."""
    _rc, out = _host_state.run(
        ["systemctl", "show", "--property=LoadState,ActiveState,SubState,NRestarts", "--", spec["target"]]
    )
    return judge_unit(spec["target"], dict(line.split("=", 1) for line in out.splitlines() if "=" in line))


CHECKS: dict[str, Callable[[Spec], Finding]] = {
    "http": check_http,
    "tcp": check_tcp,
    "tls": check_tls,
    "mongodb": check_mongodb,
    "redis": check_redis,
    "swarm_service": check_swarm_service,
    "swarm": check_swarm,
    "container": check_container,
    "disk": check_disk,
    "memory": check_memory,
    "load": check_load,
    "clock": check_clock,
    "unit": check_unit,
}


# --- Running them ---------------------------------------------------------------------------------------------------


def _result(spec: Spec, finding: Finding, seconds: float) -> CheckResult:
    return {
        "id": spec["id"],
        "kind": spec["kind"],
        "title": spec["title"],
        "target": spec["target"],
        "scope": spec["scope"],
        "severity": spec["severity"],
        "host": "",
        "runs_on": spec.get("runs_on") or "",
        "ok": finding.ok,
        "latency_ms": round(seconds * 1000),
        "detail": finding.detail,
        "reason": finding.reason,
        "warnings": finding.warnings,
        "facts": finding.facts,
    }


def _run_one(number: int, spec: Spec, done: queue.SimpleQueue[tuple[int, Finding, float]]) -> None:
    start = time.monotonic()
    try:
        finding = CHECKS[spec["kind"]](spec)
    except Exception as error:  # noqa: BLE001
        # A report must survive a defect in one check, and name it.
        said = "" if spec.get("uri") or spec.get("password") else f": {clean(error, 120)}"
        finding = Finding(False, f"the check itself failed: {type(error).__name__}{said}", "defect")
    done.put((number, finding, time.monotonic() - start))


def run_all(specs: list[Spec]) -> list[CheckResult]:
    """Run all checks at once (50 at most at a time) and return their results in the order asked.

    A check that does not end by its deadline is reported as hanging and left behind in its daemon thread: neither a
    name lookup nor a dead file system can be interrupted, and neither may hold up the report.
    """
    done: queue.SimpleQueue[tuple[int, Finding, float]] = queue.SimpleQueue()
    results: dict[int, CheckResult] = {}
    waiting = list(enumerate(specs))
    ends: dict[int, float] = {}
    while waiting or ends:
        while waiting and len(ends) < MAX_CONCURRENT:
            number, spec = waiting.pop(0)
            ends[number] = time.monotonic() + spec["timeout_seconds"] + GRACE_SECONDS
            threading.Thread(target=_run_one, args=(number, spec, done), daemon=True).start()
        try:
            number, finding, seconds = done.get(timeout=max(0.0, min(ends.values()) - time.monotonic()))
            if ends.pop(number, None) is not None:
                results[number] = _result(specs[number], finding, seconds)
        except queue.Empty:
            for number in [number for number, end in ends.items() if end <= time.monotonic()]:
                del ends[number]
                results[number] = _result(specs[number], _hangs(specs[number]), specs[number]["timeout_seconds"])
    return [results[number] for number in range(len(specs))]


def run_report(specs: list[Spec], wait_seconds: float = 0, interval_seconds: float = 2) -> _health.Health:
    """Run the checks and summarise them; with ``wait_seconds`` until they are healthy or that time has passed."""
    end = time.monotonic() + wait_seconds
    while True:
        start = time.monotonic()
        results = _health.excuse_drained(run_all(specs))
        health = _health.summarise(results, time.monotonic() - start)
        if health["healthy"] or time.monotonic() + interval_seconds > end:
            return health
        time.sleep(interval_seconds)


def main(parameters: dict[str, Any]) -> dict[str, Any]:
    """Entry point on a host: the module's arguments in, the result out."""
    health = run_report(parameters["checks"], parameters["wait_seconds"], parameters["interval_seconds"])
    answer: dict[str, Any] = {"changed": False, "health": health}
    if parameters["fail_when_unhealthy"] and not health["healthy"]:
        answer.update(failure(ErrorCode.E_UNHEALTHY, health["summary"]))
    return answer
