# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the application's own logins to MongoDB and Redis do what it needs. Reads only; runs on a host that reaches them."""

from __future__ import annotations

import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.halobuzz.platform.plugins.module_utils import _health_checks
from ansible_collections.halobuzz.platform.plugins.module_utils._health_checks import Deadline, RedisError, RedisLine

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not_checked"
"""``not_checked``: nothing was learned about the setting, for instance because nobody answered."""
Outcome = tuple[str, str, str]
"""State, reason and fix."""

# What mongoose does with its own database: https://www.mongodb.com/docs/manual/reference/privilege-actions/.
NEEDED_ACTIONS = ("find", "insert", "update", "remove", "createIndex")
# https://www.mongodb.com/docs/manual/reference/built-in-roles/: those that reach beyond one database.
ADMINISTRATORS = frozenset(
    (
        "root",
        "__system",
        "clusterAdmin",
        "clusterManager",
        "hostManager",
        "restore",
        "userAdminAnyDatabase",
        "dbAdminAnyDatabase",
        "readWriteAnyDatabase",
    )
)
AUTHENTICATION_FAILED = 18
_KEY = "bull:config-check-probe"
# What bull and the cache do, in forms that change nothing while the key is absent. ACL DRYRUN would need rights of its own, and
# the number of arguments is looked at before the rights.
REDIS_NEEDED = (
    ("GET", _KEY),
    ("SET", _KEY, "1", "XX"),
    ("LPUSHX", _KEY, "1"),
    ("RPOPLPUSH", _KEY, _KEY),
    ("ZADD", _KEY, "XX", "1", "1"),
    ("EVALSHA", "0" * 40, "0"),
    ("PUBLISH", _KEY, "1"),
)


def judge_mongodb_login(database: str, info: dict[str, Any]) -> Outcome:
    """Judge ``connectionStatus`` with its privileges: enough for the database, and not too much. Pure."""
    users = info.get("authenticatedUsers", [])
    if not users:
        return FAILED, "nobody is logged in: the URI has no user", "give it user and password"
    name = "{user}@{db}".format(**users[0])
    roles = [f"{one['role']}@{one['db']}" for one in info.get("authenticatedUserRoles", [])]
    too_much = [role for role in roles if role.partition("@")[0] in ADMINISTRATORS]
    if too_much:
        fix = f"a user with readWrite@{database} only; make deploy-prod makes one"
        return FAILED, f"{name} is an administrator ({', '.join(too_much)})", fix
    may: set[str] = set()
    for privilege in info.get("authenticatedUserPrivileges", []):
        resource = privilege.get("resource", {})
        if resource.get("anyResource") or (resource.get("db") in ("", database) and resource.get("collection") == ""):
            may.update(privilege.get("actions", []))
    missing = [action for action in NEEDED_ACTIONS if action not in may]
    if missing:
        fix = f"give it readWrite@{database}; it has {', '.join(roles) or 'no role'}"
        return FAILED, f"{name} may not {', '.join(missing)} in {database}", fix
    return PASSED, f"{name} has {', '.join(roles)}", ""


def probe_mongodb(uri: str, timeout_seconds: float) -> Outcome:
    """Log in as the application does and ask what this user may do."""
    try:
        import pymongo
        import pymongo.errors
    except ImportError:
        return NOT_CHECKED, "the Python of this host has no pymongo", "make deploy-prod"
    milliseconds = int(timeout_seconds * 1000)
    waits: dict[str, Any] = dict.fromkeys(
        ("serverSelectionTimeoutMS", "connectTimeoutMS", "socketTimeoutMS"), milliseconds
    )
    try:
        client: Any = pymongo.MongoClient(uri, **waits, appname="halobuzz-config-probe", maxPoolSize=1)
        database = client.get_default_database().name
    except (pymongo.errors.PyMongoError, ValueError) as error:  # never its own words: they may quote the URI
        if "dnspython" in str(error) or "DNS" in str(error):  # mongodb+srv asks the DNS first
            return NOT_CHECKED, "the DNS says nothing of its hosts, or this host has no dnspython", "make health"
        return (
            FAILED,
            "the driver cannot use this URI, or it names no database",
            "percent-encode user and password, and end it with /DATABASE",
        )
    try:
        answer = client.admin.command("connectionStatus", showPrivileges=True)
    except pymongo.errors.OperationFailure as error:
        if error.code == AUTHENTICATION_FAILED:
            return FAILED, "the login is refused", "check user, password and authSource"
        return NOT_CHECKED, f"MongoDB answers with error {error.code}", "make health"
    except pymongo.errors.PyMongoError as error:
        return NOT_CHECKED, f"MongoDB does not answer ({type(error).__name__})", "make health"
    finally:
        client.close()
    return judge_mongodb_login(database, answer.get("authInfo", {}))


def probe_redis(uri: str, timeout_seconds: float) -> Outcome:
    """Log in as the application does, and send what it needs in forms that change nothing."""
    deadline = Deadline(timeout_seconds)
    try:
        parts = urllib.parse.urlsplit(uri)
        host, port = parts.hostname or "", parts.port or 6379
    except ValueError:
        return FAILED, "not a usable Redis URL", "percent-encode its password"
    user, password = urllib.parse.unquote(parts.username or ""), urllib.parse.unquote(parts.password or "")
    tls = _health_checks.tls_context({}) if parts.scheme == "rediss" else None
    try:
        line = RedisLine(host, port, deadline, tls)
    except OSError as error:
        return NOT_CHECKED, f"{host}:{port} does not answer: {_health_checks.clean(error)}", "make health"
    refused = []
    try:
        if password:
            line.command("AUTH", *([user] if user else []), password)
        line.command("PING")
        for command in REDIS_NEEDED:
            try:
                line.command(*command)
            except RedisError as error:
                if str(error).startswith("NOPERM"):
                    refused.append(command[0])
    except RedisError as error:
        code = str(error).partition(" ")[0]
        if code in ("WRONGPASS", "NOAUTH", "NOPERM"):
            return FAILED, f"the login of {user or 'default'} is refused ({code})", "check user and password"
        return NOT_CHECKED, f"Redis answers with {code}", "make health"
    except OSError as error:
        return NOT_CHECKED, f"{host}:{port}: {_health_checks.clean(error)}", "make health"
    finally:
        line.close()
    if refused:
        return (
            FAILED,
            f"{user} may not {', '.join(refused)}",
            "allow them in its ACL; make deploy-prod sets the platform's own",
        )
    return PASSED, f"{user or 'default'} may do what queue and cache need", ""


def main(parameters: dict[str, Any]) -> dict[str, Any]:
    """Probe all at once.

    :param parameters: ``databases``: kind (``mongodb``, ``redis``) and URI by the name of its variable; ``timeout_seconds``.
    :returns: ``{"outcomes": {NAME: [state, reason, fix, seconds]}}``; never a value.
    """
    probes = {"mongodb": probe_mongodb, "redis": probe_redis}

    def timed(kind: str, uri: str) -> list[Any]:
        began = time.monotonic()
        outcome = probes[kind](uri, parameters["timeout_seconds"])
        return [*outcome, round(time.monotonic() - began, 2)]

    with ThreadPoolExecutor(max_workers=4) as pool:
        running = {name: pool.submit(timed, kind, uri) for name, (kind, uri) in parameters["databases"].items()}
        return {"outcomes": {name: future.result() for name, future in running.items()}}
