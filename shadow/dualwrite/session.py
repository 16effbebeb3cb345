"""The journal's connection to PostgreSQL: one statement at a time, each with its own commit, never waiting for ever."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import structlog

CONNECT_WITHIN = 3
ANSWER_WITHIN = 5.0
_PREPARING = 0x6A6F75726E616C  # "journal": the advisory lock for making the tables
_SCHEMA = Path(__file__).with_name("schema.sql")
# How rows are looked for is not left to statistics, which mislead about tables that are empty most of the time, or full
# of what is over. And only a plain scan of an index remembers which of its entries are dead: in a queue most are.
_BY_INDEX = "SET enable_seqscan = off; SET enable_bitmapscan = off"

Session = psycopg.AsyncConnection[tuple[Any, ...]]
Rows = list[tuple[Any, ...]]
log = structlog.get_logger("journal")


class JournalUnavailable(Exception):
    """PostgreSQL does not answer; what was asked may have been done or not."""


def _queries(written: str) -> Mapping[str, str]:
    parts = written.split("-- name: ")[1:]
    return {name.strip(): body.strip().rstrip(";") for name, _, body in (part.partition("\n") for part in parts)}


QUERIES = {
    name: statement
    for file in ("queries.sql", "operator.sql")
    for name, statement in _queries(Path(__file__).with_name(file).read_text()).items()
}
"""The statements of queries.sql and operator.sql by name."""


class JournalSession:
    """One connection, made when first needed and again whenever it is lost. Raises JournalUnavailable."""

    def __init__(self, url: str, purpose: str, within: float = ANSWER_WITHIN) -> None:
        self._url = url
        self._purpose = purpose
        self._within = within
        self._lock = asyncio.Lock()
        self._session: Session | None = None

    async def prepare(self) -> None:
        """Make the tables that are missing. cutover.control has to be there."""
        async with self._lock:
            await self._attempt(self._make)

    async def run(self, name: str, **values: Any) -> Rows:
        """The rows of the named statement. It is not repeated: whoever calls knows whether it may be."""

        async def work(session: Session) -> Rows:
            cursor = await session.execute(QUERIES[name].encode(), values)
            return await cursor.fetchall() if cursor.description else []

        async with self._lock:
            return await self._attempt(work)

    async def close(self) -> None:
        """End the connection; another `run` would open it again."""
        async with self._lock:
            await self._drop()

    async def _make(self, session: Session) -> Rows:
        async with session.transaction():
            await session.execute("SELECT pg_advisory_xact_lock(%s)", [_PREPARING])
            await session.execute(_SCHEMA.read_bytes())
        return []

    async def _attempt(self, work: Any) -> Rows:
        try:
            return await self._bounded(work, await self._connected())
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError, TimeoutError) as error:
            await self._drop()
            told = " ".join(str(error).split()) or type(error).__name__
            raise JournalUnavailable(f"PostgreSQL ({self._purpose}): {told}") from error

    async def _connected(self) -> Session:
        if self._session is None or self._session.closed:
            self._session = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=CONNECT_WITHIN,
                application_name=f"cutover journal {self._purpose}",
            )
            await self._bounded(lambda session: session.execute(_BY_INDEX), self._session)
        return self._session

    async def _bounded(self, work: Any, session: Session) -> Rows:
        """Cancelling would make psycopg wait for the server to agree, which a frozen one never does: hang up first."""
        task: asyncio.Future[Rows] = asyncio.ensure_future(work(session))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._within)
        finally:
            if not task.done():
                await self._hang_up(session, task)
        if not done:
            raise TimeoutError(f"no answer within {self._within:g} s")
        return task.result()

    async def _hang_up(self, session: Session, task: asyncio.Future[Rows]) -> None:
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(session.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
        self._session = None
        await asyncio.wait({task}, timeout=1.0)
        ended = repr(task.exception()) if task.done() and not task.cancelled() else "still running"
        log.warning("journal_hung_up", purpose=self._purpose, ended=ended)
        await session.close()

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
