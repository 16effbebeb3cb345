"""The journal writer of one machine: a process of its own that outlives its edges, or inside the only one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from proxy.config import Config
from proxy.journals import opened_at_last
from proxy.surroundings import Surroundings
from shadow.dualwrite.client import JournalClient, Link
from shadow.dualwrite.inside import inside
from shadow.dualwrite.journal import PostgresJournal
from shadow.dualwrite.listener import JournalListener
from shadow.dualwrite.writer import JournalWriter

log = structlog.get_logger("journal")

_AGAIN_AFTER = 1.0
_ENDED_WITHIN = 4.0  # seconds; the supervisor allows an edge five beyond its drain


async def run(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    """Write until `stop`, and then until the edges have gone: what they still answer is to be durable, too."""
    journal = await opened_at_last(PostgresJournal, "writer", config, around, stop)
    if journal is None:
        return
    writer = JournalWriter(journal)
    listener = JournalListener(around.journal_socket(), writer)
    async with journal, asyncio.TaskGroup() as group:
        group.create_task(listener.run())
        group.create_task(_end(writer, config.limits.drain, stop))
        await listener.ready.wait()
        log.info("journal_writer_ready")


async def _end(writer: JournalWriter, drain: float, stop: asyncio.Event) -> None:
    await stop.wait()
    with suppress(TimeoutError):
        await asyncio.wait_for(writer.alone.wait(), drain)
    writer.stop()


class WriterInside:
    """The writer inside an edge. It waits for PostgreSQL, and begins anew after whatever ends it but `stop`: the edge
    goes on with its reads meanwhile."""

    def __init__(self, config: Config, around: Surroundings) -> None:
        self._config = config
        self._around = around
        self._stop = asyncio.Event()
        self._presence = secrets.randbelow(2**31 - 1) + 1  # of this process: a writer that begins anew is the same one
        self._writer: JournalWriter | None = None

    async def dial(self, client: JournalClient) -> Link:
        """See `client.Dial`."""
        if self._writer is None:
            raise ConnectionRefusedError("there is no journal writer yet")
        return await inside(self._writer)(client)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write in here; at the end what is told already is made durable, if PostgreSQL answers."""
        task = asyncio.get_running_loop().create_task(self._run(), name="journal writer")
        try:
            yield
        finally:
            self._stop.set()
            if self._writer is not None:
                self._writer.stop()
            await asyncio.wait({task}, timeout=_ENDED_WITHIN)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                await self._write()
            except Exception as error:  # a key that is missing, or a fault of ours: neither may end the edge's reads
                log.error("journal_writer_failed", error=str(error), again_in=_AGAIN_AFTER, exc_info=error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _AGAIN_AFTER)

    async def _write(self) -> None:
        journal = await opened_at_last(
            PostgresJournal, "writer", self._config, self._around, self._stop, self._presence
        )
        if journal is None:
            return
        async with journal:
            self._writer = JournalWriter(journal)
            if self._stop.is_set():  # it came while the journal was being opened
                self._writer.stop()
            try:
                await self._writer.run()
            finally:
                self._writer = None
