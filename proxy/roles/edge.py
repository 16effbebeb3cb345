"""The edge: HTTP and WebSockets of clients, one process per core."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import structlog

from proxy.config import Config
from proxy.edge.handler import Edge
from proxy.edge.pending import Pending
from proxy.edge.server import EdgeServer
from proxy.edge.tally import Tally
from proxy.edge.writing import Writes
from proxy.errors import StoreUnavailable
from proxy.feed import Feed
from proxy.health import HealthProbe
from proxy.release.reporting import Reporter, open_redis
from proxy.reload import follow
from proxy.store import Store
from proxy.surroundings import Surroundings
from shadow.dualwrite.client import Dial, JournalClient
from shadow.dualwrite.dialled import over_socket
from shadow.dualwrite.tail import JournalTail
from shadow.mirroring import Mirror

log = structlog.get_logger("app")

_WRITER_WITHIN = (
    5.0  # seconds that it waits for the journal writer before it listens; then writes are refused, reads not
)


async def run(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    """Serve clients until told to stop, and then what is under way."""
    async with AsyncExitStack() as stack:
        redis = open_redis(around.redis)
        stack.push_async_callback(redis.aclose)
        store = Store(around.database)
        stack.push_async_callback(store.close)
        with suppress(StoreUnavailable):
            await store.prepare(config)
        reporter = Reporter(redis, keep=max((rule.max_window for rule in config.guard.rules), default=1800.0))
        tally = Tally(reporter)
        feed = await Feed.begin(store, config, around.directory)
        mirror = Mirror([around.socket(n) for n in range(config.mirror.workers)], config.mirror)
        writes, pending = await _journaling(config, around, stack, stop)
        edge = Edge(config, feed, mirror, tally, around.pseudonym, writes, pending)
        stack.callback(edge.close)
        if writes is not None:
            stack.push_async_callback(writes.stop)  # first: a write whose connection is closed might be sent again
        probe = HealthProbe(config.backends)
        mirror.start()
        stack.push_async_callback(mirror.stop)
        await _listening(config, around, edge, stack)
        async with asyncio.TaskGroup() as group:
            group.create_task(feed.run(stop, f"{os.uname().nodename}-{os.getpid()}", tally.beat))
            group.create_task(reporter.run(stop))
            group.create_task(probe.run(stop))
            group.create_task(_note_health(edge, probe, stop))
            group.create_task(follow(path, config, edge.use, stop))


async def _journaling(
    config: Config, around: Surroundings, stack: AsyncExitStack, stop: asyncio.Event
) -> tuple[Writes | None, Pending | None]:
    """What writes go through, and what reads on the standby wait for; nothing where there is no journal."""
    if not config.journals:
        return None, None
    journal = JournalClient(await _way_to_writer(config, around, stack))
    journal.start()
    stack.push_async_callback(journal.stop)
    await _first_of(journal.connected_within(_WRITER_WITHIN), stop.wait())
    tail = JournalTail(around.database)
    stack.push_async_callback(tail.aclose)
    writes, pending = Writes(journal, config.journal), Pending(tail.clients)
    looking = asyncio.get_running_loop().create_task(pending.run(), name="pending writes")
    stack.callback(looking.cancel)
    return writes, pending


async def _first_of(*waits: Coroutine[None, None, object]) -> None:
    tasks = [asyncio.get_running_loop().create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _way_to_writer(config: Config, around: Surroundings, stack: AsyncExitStack) -> Dial:
    """What it takes to write is loaded only by who writes."""
    if not around.writer_inside:
        return over_socket(around.journal_socket())
    from proxy.roles.journal import WriterInside

    inside = WriterInside(config, around)
    await stack.enter_async_context(inside.running())
    return inside.dial


async def _listening(config: Config, around: Surroundings, edge: Edge, stack: AsyncExitStack) -> None:
    server = EdgeServer(edge.handle, config.limits)
    listener = await asyncio.get_running_loop().create_server(
        server, config.listen.host, around.port, reuse_port=True, backlog=4096
    )
    stack.push_async_callback(server.shutdown, config.limits.drain)
    stack.callback(listener.close)
    gc.freeze()  # what start-up made stays: the collector need not look at it again
    log.info("listening", port=listener.sockets[0].getsockname()[1])


async def _note_health(edge: Edge, probe: HealthProbe, stop: asyncio.Event) -> None:
    """Tell the edge what the health probe found."""
    while not stop.is_set():
        for name, side in edge.sides.items():
            side.availability.healthy = probe.status(name).healthy
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=0.25)
