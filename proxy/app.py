"""The composition root: puts the parts of one process together. `python -m proxy.app ROLE NUMBER CONFIG`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import structlog
import uvloop

from proxy.config import Config, read
from proxy.errors import CutoverError
from proxy.log import configure
from proxy.reload import follow
from proxy.surroundings import Surroundings, surroundings

log = structlog.get_logger("app")

# To look for cycles after every 700 objects, the default, cost an edge more than a tenth of its time.
COLLECT_AFTER = 20_000, 20, 20


def main(role: str, number: int, path: Path) -> int:
    """Run one process until SIGTERM; its exit status."""
    gc.set_threshold(*COLLECT_AFTER)
    config = read(path, os.environ)
    around = surroundings(config, os.environ)
    configure(config.log, f"{role}-{number}")
    run = {"edge": _edge, "shadow": _shadow, "control": _control, "journal": _journal, "replayer": _replayer}[role]

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
    from proxy.roles.edge import run

    await run(config, around, path, number, stop)


async def _shadow(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    from proxy.roles.targets import targets
    from shadow.compare.ledger import PostgresLedger
    from shadow.dualwrite.tail import JournalTail
    from shadow.sender import Sender
    from shadow.worker import ShadowWorker

    socket = around.socket(number)
    tail = JournalTail(around.database)
    socket.unlink(missing_ok=True)
    ledger = PostgresLedger(around.database, config.compare)
    mirror = config.mirror
    sender = Sender(
        timeout=mirror.timeout, body_limit=mirror.body_limit, connections=mirror.concurrency, secret=around.secret
    )
    position = tail.position if config.journals else None
    worker = ShadowWorker(socket, targets(config), mirror, config.compare, sender, ledger, position=position)
    async with sender, aclosing(tail), asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        group.create_task(follow(path, config, lambda new: worker.use(new.compare), stop))
        group.create_task(_then(stop, worker.stop))


async def _then(stop: asyncio.Event, call: Callable[[], None]) -> None:
    await stop.wait()
    call()


async def _control(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    from proxy.control.journal import JournalView
    from proxy.control.server import serve_control
    from proxy.journals import check
    from proxy.release.reporting import open_redis
    from proxy.store import Store
    from shadow.compare.ledger import PostgresLedger

    store = Store(around.database)
    redis = open_redis(around.redis)
    reports = PostgresLedger(around.database, config.compare)
    journal = JournalView(around.database, around.keyring, config)
    try:
        await store.prepare(config)
        if config.journals:
            await check(config, around)
        await serve_control(
            config, store, redis, stop=stop, environment=os.environ, reports=reports, journal=journal,
            port=around.control_port,
        )  # fmt: skip
    finally:
        await journal.close()
        await reports.stop()
        await store.close()
        await redis.aclose()


async def _journal(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    from proxy.roles.journal import run

    await run(config, around, path, number, stop)


async def _replayer(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    from proxy.roles.replayer import run

    await run(config, around, path, number, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
