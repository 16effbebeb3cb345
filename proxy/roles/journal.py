"""The journal writer of one machine: takes the writes of its edges, and outlives them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog

from proxy.config import Config
from proxy.journals import opened_at_last
from proxy.surroundings import Surroundings
from shadow.dualwrite.journal import PostgresJournal
from shadow.dualwrite.writer import JournalWriter

log = structlog.get_logger("journal")


async def run(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    """Write until `stop`, and then until the edges have gone: what they still answer is to be durable, too."""
    journal = await opened_at_last(PostgresJournal, "writer", config, around, stop)
    if journal is None:
        return
    writer = JournalWriter(around.journal_socket(), journal)
    async with journal, asyncio.TaskGroup() as group:
        group.create_task(writer.run())
        group.create_task(_end(writer, config.limits.drain, stop))
        await writer.ready.wait()
        log.info("journal_writer_ready")


async def _end(writer: JournalWriter, drain: float, stop: asyncio.Event) -> None:
    await stop.wait()
    with suppress(TimeoutError):
        await asyncio.wait_for(writer.alone.wait(), drain)
    writer.stop()
