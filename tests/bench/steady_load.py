# Copyright (c) 2026 HaloBuzz
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady clients against the edge while something happens to the platform: requests at a fixed rate and open websockets.

Requests start by the clock, whatever became of the earlier ones, and latency counts from the planned start: a stall is seen in
full (no coordinated omission). Half of them use a kept connection, half a new one each.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

PATHS = ("/version", "/api/v1/health")
TIMEOUT_SECONDS = 15.0


@dataclass
class Phase:
    """What happened between two marks."""

    name: str
    started: float
    latencies_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    failed_at_seconds: list[float] = field(default_factory=list)
    websocket_drops: Counter[int] = field(default_factory=Counter)  # by websocket
    websocket_refusals: int = 0

    def summary(self) -> dict[str, Any]:
        """Return ``{name, sent, failed, errors, failed_at_seconds, p50_ms, p99_ms, max_ms}`` and what websockets went through.

        ``websocket_drops`` counts all of them, ``websocket_drops_most`` those of the one that was dropped most often.
        """
        cuts = statistics.quantiles(self.latencies_ms, n=100) if len(self.latencies_ms) > 1 else [0.0] * 99
        failed = sum(self.errors.values())
        return {
            "name": self.name,
            "sent": len(self.latencies_ms) + failed,
            "failed": failed,
            "errors": dict(self.errors),
            "failed_at_seconds": self.failed_at_seconds[:20],
            "p50_ms": round(cuts[49], 1),
            "p99_ms": round(cuts[98], 1),
            "max_ms": round(max(self.latencies_ms, default=0), 1),
            "websocket_drops": self.websocket_drops.total(),
            "websocket_drops_most": max(self.websocket_drops.values(), default=0),
            "websocket_refusals": self.websocket_refusals,
        }


class SteadyLoad:
    """Runs the clients on a thread of its own: ``start``, any number of ``mark``, ``stop``."""

    def __init__(
        self,
        edges: list[str],
        requests_per_second: float = 200,
        websockets: int = 50,
        headers: dict[str, str] | None = None,
    ) -> None:
        """``edges`` are base URLs; all clients are spread over them. ``headers`` go with each request."""
        self.edges = edges
        self.headers = headers or {}
        self.interval = 1 / requests_per_second
        self.websockets = websockets
        self.phases = [Phase("before", time.monotonic())]
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> SteadyLoad:
        """Start the clients and return once every websocket is open."""
        self._thread.start()
        if not self._ready.wait(30):
            raise RuntimeError("the websockets did not open within 30 s")
        self.phases = [Phase("before", time.monotonic())]
        return self

    def mark(self, name: str) -> Phase:
        """Begin another phase; requests count where they were planned."""
        self.phases.append(Phase(name, time.monotonic()))
        return self.phases[-1]

    def stop(self) -> list[dict[str, Any]]:
        """Stop the clients and return a summary of each phase."""
        self._stopping.set()
        self._thread.join(TIMEOUT_SECONDS + 5)
        return [phase.summary() for phase in self.phases]

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with (
            aiohttp.ClientSession(
                timeout=timeout, headers=self.headers, connector=aiohttp.TCPConnector(limit=0)
            ) as kept,
            aiohttp.ClientSession(
                timeout=timeout, headers=self.headers, connector=aiohttp.TCPConnector(limit=0, force_close=True)
            ) as fresh,
            aiohttp.ClientSession() as sockets,
        ):
            opened = [asyncio.Event() for _number in range(self.websockets)]
            talkers = [asyncio.create_task(self._talk(sockets, number, event)) for number, event in enumerate(opened)]
            await asyncio.gather(*(event.wait() for event in opened))
            self._ready.set()
            asked: set[asyncio.Task[None]] = set()
            start = time.monotonic()
            for number in itertools.count():
                planned = start + number * self.interval
                await asyncio.sleep(max(0.0, planned - time.monotonic()))
                if self._stopping.is_set():
                    break
                edge = self.edges[number % len(self.edges)]
                session = kept if (number // len(self.edges)) % 2 else fresh
                path = (
                    PATHS[0] if number % 10 else PATHS[1]
                )  # the deep one reads MongoDB and Redis: not 200 times a second
                task = asyncio.create_task(self._ask(session, edge + path, planned))
                asked.add(task)
                task.add_done_callback(asked.discard)
            await asyncio.gather(*asked)
            for talker in talkers:
                talker.cancel()
            await asyncio.gather(*talkers, return_exceptions=True)

    async def _ask(self, session: aiohttp.ClientSession, url: str, planned: float) -> None:
        phase = self.phases[-1]
        try:
            async with session.get(url) as response:
                body = await response.text()
                error = "" if response.status == 200 else f"{response.status} {response.url.path}: {body[:200]}"
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as problem:
            error = type(problem).__name__
        if error:
            phase.errors[error] += 1
            phase.failed_at_seconds.append(round(planned - phase.started, 1))
        else:
            phase.latencies_ms.append((time.monotonic() - planned) * 1000)

    async def _talk(self, session: aiohttp.ClientSession, number: int, opened: asyncio.Event) -> None:
        """Keep one socket.io session over a websocket, and open it again when it ends (engine.io protocol 4)."""
        url = f"{self.edges[number % len(self.edges)]}/socket.io/?EIO=4&transport=websocket"
        while True:
            joined = False
            try:
                async with session.ws_connect(url) as socket:
                    await socket.receive(timeout=10)
                    await socket.send_str("40")
                    async for message in socket:
                        if message.type is aiohttp.WSMsgType.TEXT and message.data == "2":
                            await socket.send_str("3")
                        if message.type is aiohttp.WSMsgType.TEXT and message.data.startswith("40"):
                            joined = True
                            opened.set()
            except (aiohttp.ClientError, OSError, asyncio.TimeoutError, TypeError):
                pass
            phase = self.phases[-1]
            phase.websocket_drops.update([number] * joined)
            phase.websocket_refusals += opened.is_set() and not joined
            await asyncio.sleep(0.5)


def main() -> None:
    """Run for a while and print the figures: ``steady_load.py SECONDS URL...``."""
    import sys

    load = SteadyLoad(sys.argv[2:]).start()
    time.sleep(float(sys.argv[1]))
    print(json.dumps(load.stop()))


if __name__ == "__main__":
    main()
