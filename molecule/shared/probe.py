# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person outside of the platform sees: a day of a user, steady requests, open ports. Prints one JSON object."""

from __future__ import annotations

import argparse
import http.client
import http.cookiejar
import itertools
import json
import secrets
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

SEPARATOR = "\x1e"
"""Between packets of one long-polling body (Engine.IO protocol, version 4)."""


@dataclass
class Tally:
    """What a run of steady requests saw; times are seconds since its start."""

    started_at: float = field(default_factory=time.monotonic)
    ok_at: list[float] = field(default_factory=list)
    slowest: tuple[float, float] = (0.0, 0.0)  # how long, asked when
    errors: dict[str, int] = field(default_factory=dict)
    failed_at: list[float] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def summary(self) -> dict[str, Any]:
        """Return the figures: among them the longest time without one good answer."""
        marks = [0.0, *sorted(self.ok_at), time.monotonic() - self.started_at]
        return {
            "requests": len(self.ok_at) + len(self.failed_at),
            "failed": len(self.failed_at),
            "errors": self.errors,
            "first_failure_seconds": round(min(self.failed_at), 2) if self.failed_at else None,
            "last_failure_seconds": round(max(self.failed_at), 2) if self.failed_at else None,
            "slowest_seconds": round(self.slowest[0], 2),
            "slowest_asked_at_seconds": round(self.slowest[1], 2),
            "longest_outage_seconds": round(max(b - a for a, b in itertools.pairwise(marks)), 2),
            "ids": self.ids,
        }


def _ask(url: str, text: str, timeout_seconds: float) -> dict[str, Any]:
    """GET ``url``, or POST a message with ``text`` to it; return the JSON answer.

    :raises OSError: no answer, or one that is not 2xx (urllib's errors are OSErrors).
    """
    body = json.dumps({"text": text}).encode() if text else None
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=timeout_seconds) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
        return answer


def _keep_asking(url: str, text: str, options: argparse.Namespace, tally: Tally) -> None:
    while time.monotonic() - tally.started_at < options.seconds:
        asked_at = time.monotonic()
        answer: dict[str, Any] = {}
        try:
            answer, error = _ask(url, text, options.timeout_seconds), ""
        except urllib.error.HTTPError as problem:
            error = str(problem.code)
        except (OSError, http.client.HTTPException) as problem:  # the latter: cut off in the middle of an answer
            error = str(getattr(problem, "reason", problem))
        now = time.monotonic()
        with tally.lock:
            tally.slowest = max(tally.slowest, (now - asked_at, asked_at - tally.started_at))
            if error:
                tally.errors[error] = tally.errors.get(error, 0) + 1
                tally.failed_at.append(now - tally.started_at)
            else:
                tally.ok_at.append(now - tally.started_at)
                tally.ids += [answer["id"]] if text else []
        time.sleep(options.pause_seconds)


def steady_requests(options: argparse.Namespace) -> dict[str, Any]:
    """Ask every URL again and again from ``--clients`` threads each, every time over a new connection."""
    tally = Tally()
    with ThreadPoolExecutor(max_workers=len(options.urls) * options.clients) as pool:
        clients = [
            pool.submit(_keep_asking, url, options.text, options, tally) for url in options.urls * options.clients
        ]
    for client in clients:
        client.result()
    return tally.summary()


def socket_echo(options: argparse.Namespace) -> dict[str, Any]:
    """Open a socket.io session by long polling, emit ``echo`` and return what came back.

    Several requests make one session, so the answer also needs the edge's stickiness: the cookie is kept, as a browser would.
    """
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    base = f"{options.url}/socket.io/?EIO=4&transport=polling"

    def exchange(url: str, packet: str = "") -> list[str]:
        with opener.open(url, data=packet.encode() or None, timeout=10) as response:
            text: str = response.read().decode()
            return text.split(SEPARATOR)

    session = json.loads(exchange(base)[0][1:])["sid"]
    url = f"{base}&sid={session}"
    exchange(url, "40")
    exchange(url)
    exchange(url, '420["echo","hello"]')
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for packet in exchange(url):
            if packet.startswith("430"):
                return {"echo": json.loads(packet[3:])[0]}
    return {"echo": None}


class PromiseBroken(Exception):
    """An answer is not the one that was promised."""


def _call(url: str, status: int, body: Any = None, **headers: str) -> Any:
    """GET ``url``, or POST ``body`` (bytes as they are, else as JSON) to it; return the JSON answer, or text.

    :raises PromiseBroken: another status than ``status``.
    """
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json", **headers})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=15) as response:  # noqa: S310
            got, text, cookie = response.status, response.read().decode(), response.headers.get("Set-Cookie", "")
    except urllib.error.HTTPError as error:
        got, text, cookie = error.code, error.read().decode(), ""
    if got != status:
        raise PromiseBroken(f"{url} answered {got} instead of {status}: {text[:200]}")
    answer = json.loads(text) if text.startswith("{") else text
    return {**answer, "cookie": cookie.split(";")[0]} if isinstance(answer, dict) and cookie else answer


def _expect(what: str, got: Any, wanted: Any) -> None:
    if got != wanted:
        raise PromiseBroken(f"{what}: {got!r} instead of {wanted!r}")


def use_platform(options: argparse.Namespace) -> dict[str, Any]:
    """Do what people do, at the edge ``here``; each answer needs another part of the platform to work.

    What was done here is asked for at another host's edge, ``there``. Returns what was written.

    :raises PromiseBroken: an answer is not the one that was promised.
    """
    here, there, name = options.here, options.there, secrets.token_hex(6)
    person = {"email": f"{name}@example.org", "password": "made up 1"}
    _expect("version", _call(f"{here}/version", 200)["version"], options.version)

    _call(f"{here}/api/v1/auth/register", 201, person)
    token = _call(f"{here}/api/v1/auth/login", 200, person)["token"]
    me = _call(f"{there}/api/v1/auth/me", 200, Authorization=f"Bearer {token}")
    _expect("whose token it is", me["email"], person["email"])

    wanted = {"text": f"hello from {name}", "author": person["email"], "private": f"note of {name}"}
    message = _call(f"{here}/api/v1/messages", 201, wanted)
    message.pop("cookie", None)
    read = _call(f"{there}/api/v1/messages/{message['id']}", 200)
    _expect("message with its decrypted note", {key: read[key] for key in wanted}, wanted)

    job = _call(f"{here}/api/v1/jobs", 202, {"payload": name})["id"]
    # bull marks a job as completed a moment before its result can be read.
    deadline, echo = time.monotonic() + 20, None
    while echo is None and time.monotonic() < deadline:
        time.sleep(0.2)
        echo = (_call(f"{there}/api/v1/jobs/{job}", 200).get("result") or {}).get("echo")
    _expect("result of the job", echo, name)

    judged = _call(f"{here}/api/v1/moderation/check", 200, {"text": "hello"})
    _expect("judgement of the AI engine", judged["flagged"], False)

    part = f'--{name}\r\nContent-Disposition: form-data; name="file"; filename="picture.txt"\r\n\r\n{name}\r\n--{name}--\r\n'
    form = {"Content-Type": f"multipart/form-data; boundary={name}"}
    upload = _call(f"{here}/uploads", 201, part.encode(), **form)
    _expect("uploaded file", _call(f"{here}{upload['url']}", 200, Cookie=upload.get("cookie", "")), name)

    _expect("socket.io echo", socket_echo(argparse.Namespace(url=here))["echo"], "hello")
    return {"message": {**wanted, "id": message["id"]}, "person": person}


def open_ports(options: argparse.Namespace) -> dict[str, Any]:
    """Return which ``address:port`` accept a connection within two seconds."""

    def is_open(target: tuple[str, int]) -> bool:
        try:
            socket.create_connection(target, timeout=2).close()
        except OSError:
            return False
        return True

    targets = [(address, port) for address in options.addresses.split(",") for port in options.ports]
    with ThreadPoolExecutor(max_workers=len(targets)) as pool:
        found = list(pool.map(is_open, targets))
    return {"open": [f"{address}:{port}" for (address, port), there in zip(targets, found, strict=True) if there]}


def main() -> None:
    """Run one probe."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    requests = verbs.add_parser("requests")
    requests.add_argument("urls", nargs="+")
    requests.add_argument("--seconds", type=float, required=True)
    requests.add_argument("--text", default="", help="POST a message with this text instead of GET")
    requests.add_argument("--clients", type=int, default=2, help="threads per URL")
    requests.add_argument("--pause-seconds", type=float, default=0.1)
    requests.add_argument("--timeout-seconds", type=float, default=35.0)
    requests.set_defaults(run=steady_requests)
    use = verbs.add_parser("use")
    use.add_argument("here")
    use.add_argument("there")
    use.add_argument("version")
    use.set_defaults(run=use_platform)
    ports = verbs.add_parser("ports")
    ports.add_argument("addresses", help="separated by commas")
    ports.add_argument("ports", nargs="+", type=int)
    ports.set_defaults(run=open_ports)
    options = parser.parse_args()
    try:
        print(json.dumps(options.run(options)))
    except PromiseBroken as broken:
        sys.exit(str(broken))


if __name__ == "__main__":
    main()
