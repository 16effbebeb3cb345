"""The composition root: puts the parts of one process together. `python -m proxy.app ROLE NUMBER CONFIG`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import structlog
import uvloop
from redis.asyncio import Redis

from proxy.config import Config, read
from proxy.errors import CutoverError, StoreUnavailable
from proxy.log import configure
from proxy.surroundings import Surroundings, surroundings

log = structlog.get_logger("app")


def main(role: str, number: int, path: Path) -> int:
    """Run one process until SIGTERM; its exit status."""
    config = read(path, os.environ)
    around = surroundings(config, os.environ)
    configure(config.log, f"{role}-{number}")
    run = {"edge": _edge, "shadow": _shadow, "control": _control}[role]

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        await run(config, around, path, number, stop)

    try:
        uvloop.run(until_stopped())
    except CutoverError as error:
        log.error("failed", error=str(error))
        return 1
    return 0


async def _edge(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    from proxy.edge.handler import Edge
    from proxy.edge.server import EdgeServer
    from proxy.edge.tally import Tally
    from proxy.feed import Feed
    from proxy.health import HealthProbe
    from proxy.release.reporting import Reporter
    from proxy.reload import follow
    from proxy.store import Store
    from shadow.mirroring import Mirror

    redis = Redis.from_url(around.redis)
    store = Store(around.database)
    with suppress(StoreUnavailable):
        await store.prepare(config)
    reporter = Reporter(redis)
    tally = Tally(reporter)
    feed = await Feed.begin(store, config, around.directory)
    mirror = Mirror([around.socket(n) for n in range(config.mirror.workers)], config.mirror)
    edge = Edge(config, feed, mirror, tally, around.pseudonym)
    probe = HealthProbe(config.backends)
    server = EdgeServer(edge.handle, config.limits)
    listener = await asyncio.get_running_loop().create_server(
        server, config.listen.host, around.port, reuse_port=True, backlog=4096
    )
    gc.freeze()  # what start-up made stays: the collector need not look at it again
    mirror.start()
    log.info("listening", port=listener.sockets[0].getsockname()[1])
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(feed.run(stop, f"{os.uname().nodename}-{os.getpid()}", tally.beat))
            group.create_task(reporter.run(stop))
            group.create_task(probe.run(stop))
            group.create_task(_note_health(edge, probe, stop))
            group.create_task(follow(path, config, edge.use, stop))
    finally:
        listener.close()
        await server.shutdown(config.limits.drain)
        await mirror.stop()
        edge.close()
        await store.close()
        await redis.aclose()


async def _note_health(edge, probe, stop: asyncio.Event) -> None:  # type: ignore[no-untyped-def]
    while not stop.is_set():
        for name, side in edge.sides.items():
            side.availability.healthy = probe.status(name).healthy
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=0.25)


async def _shadow(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    await stop.wait()


async def _control(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    from proxy.store import Store

    store = Store(around.database)
    await store.prepare(config)
    await stop.wait()
    await store.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
