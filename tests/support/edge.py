"""An edge in this process: real sockets, a release that a test sets, no store, and a mirror that remembers.

As a program (`python -m tests.support.edge '{"node": url, …}'`) it is the same edge in a process of its own, for tests
that look at its memory or its CPU time.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

import orjson
import structlog
from pydantic import TypeAdapter
from redis.asyncio import Redis

from proxy.config.model import Config
from proxy.edge.handler import Edge
from proxy.edge.pending import Pending
from proxy.edge.server import EdgeServer
from proxy.edge.tally import Tally
from proxy.edge.writing import Writes
from proxy.feed import Feed
from proxy.release.reporting import Reporter
from proxy.state import ControlState, Phase
from proxy.store import Store
from shadow.dualwrite.client import JournalClient
from shadow.dualwrite.dialled import over_socket
from shadow.dualwrite.listener import JournalListener
from shadow.dualwrite.testing import InMemoryJournal
from shadow.dualwrite.writer import JournalWriter
from shadow.exchange import Exchange
from shadow.mirroring import Mirror
from shadow.plan import Skip
from shadow.settings import MirrorSettings
from tests.support.wire import Backend, Client, Message

PSEUDONYM = b"cutover-test"
SHADOWING = ControlState(version=1, epoch=1, active="node", standby="django", phase=Phase.SHADOWING)
RESTING = replace(SHADOWING, phase=Phase.RESTING)

_config = TypeAdapter(Config)


def ramping(share: float, **changes: Any) -> ControlState:
    """A release whose standby answers this percentage of the clients' reads."""
    return replace(SHADOWING, phase=Phase.RAMPING, share=share, **changes)


def make_config(node: str, django: str, **settings: Any) -> Config:
    """A configuration with two backends; `both` are settings of both of them, the rest is the configuration's own."""
    both = settings.pop("both", {})
    backends = {"node": {"url": node, **both}, "django": {"url": django, **both}}
    return _config.validate_python({"backends": backends, "active": "node", "log": {"access": False}, **settings})


class RecordingMirror(Mirror):
    """A mirror without workers that remembers what it was offered and told."""

    def __init__(self, settings: MirrorSettings) -> None:
        super().__init__([], settings)
        self.offered: list[Exchange] = []
        self.skips: list[Skip] = []

    def offer(self, exchange: Exchange) -> Skip | None:
        self.offered.append(exchange)
        return super().offer(exchange)

    def skipped(self, reason: Skip) -> None:
        self.skips.append(reason)
        super().skipped(reason)


@dataclass
class Stage:
    """Two backends with an edge in front of them."""

    active: Backend
    standby: Backend
    config: Config
    state: ControlState = SHADOWING
    journal: InMemoryJournal | None = None
    clients: list[Client] = field(default_factory=list)

    async def start(self) -> Self:
        """Listen on a free port."""
        writes, pending = await self._journaling()
        self.mirror = RecordingMirror(self.config.mirror)
        self.feed = Feed(cast(Store, None), self.state, Path())
        self._redis = Redis.from_url("redis://127.0.0.1:1")  # never asked: nobody flushes
        self.tally = Tally(Reporter(self._redis))
        self.edge = Edge(self.config, self.feed, self.mirror, self.tally, PSEUDONYM, writes, pending)
        self.server = EdgeServer(self.edge.handle, self.config.limits)
        self._listener = await asyncio.get_running_loop().create_server(self.server, "127.0.0.1", 0, backlog=2048)
        self.port: int = self._listener.sockets[0].getsockname()[1]
        return self

    async def _journaling(self) -> tuple[Writes | None, Pending | None]:
        """A journal writer of its own over `journal`, if there is one."""
        self._ends = AsyncExitStack()
        if self.journal is None:
            return None, None
        directory = self._ends.enter_context(tempfile.TemporaryDirectory())
        self.writer = JournalWriter(self.journal)
        listener = JournalListener(Path(directory) / "journal.sock", self.writer)
        running = asyncio.get_running_loop().create_task(listener.run())
        self._ends.push_async_callback(asyncio.wait_for, running, 5)
        self._ends.callback(self.writer.stop)
        await listener.ready.wait()
        self.line = JournalClient(over_socket(Path(directory) / "journal.sock"))
        self.line.start()
        self._ends.push_async_callback(self.line.stop)
        writes, pending = Writes(self.line, self.config.journal), Pending(self.journal.tail)
        self._ends.push_async_callback(writes.stop)
        looking = asyncio.get_running_loop().create_task(pending.run())
        self._ends.callback(looking.cancel)
        assert await self.line.connected_within(5)
        return writes, pending

    async def stop(self) -> None:
        """Close everything, the clients first."""
        for client in self.clients:
            await client.close()
        self._listener.close()
        await self.server.shutdown(0.5)
        self.edge.close()
        await self._ends.aclose()
        await self._redis.aclose()

    async def connect(self) -> Client:
        """A new client."""
        client = await Client.connect(self.port)
        self.clients.append(client)
        return client

    async def ask(self, request: bytes) -> Message:
        """The answer to a request on a connection of its own."""
        client = await self.connect()
        answer = await client.ask(request)
        await client.close()
        return answer

    async def get(self, target: bytes = b"/", fields: bytes = b"") -> Message:
        """The answer to a plain GET."""
        return await self.ask(b"GET %s HTTP/1.1\r\nHost: a.example\r\n%s\r\n" % (target, fields))


async def _serve(given: Mapping[str, Any]) -> None:
    """Print the port, then serve until standard input ends."""
    settings = dict(given)
    share = settings.pop("share", None)
    state = SHADOWING if share is None else ramping(share)
    config = make_config(settings.pop("node"), settings.pop("django"), **settings)
    nobody = Backend()
    stage = await Stage(nobody, nobody, config, state).start()
    print(stage.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await stage.stop()


if __name__ == "__main__":
    import uvloop

    from proxy.config.model import Logging
    from proxy.log import configure

    settings = orjson.loads(sys.argv[1])
    configure(Logging(level="info" if settings.get("log", {}).get("access") else "error", format="json"), "edge")
    structlog.get_logger().debug("starting")
    uvloop.run(_serve(settings))
