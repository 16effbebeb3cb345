"""The ledger's connection to PostgreSQL: it comes back by itself, and a server that falls silent cannot hold it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import structlog

from shadow.compare.reports import LedgerRefused, LedgerUnavailable

Session = psycopg.AsyncConnection[tuple[Any, ...]]
T = TypeVar("T")

log = structlog.get_logger("shadow")

CONNECT_WITHIN = 3
_SCHEMA = Path(__file__).with_name("ledger.sql")
_PREPARING = 0x6C6564676572  # "ledger": the advisory lock for making the tables


class LedgerConnection:
    """Work runs one at a time. Whatever PostgreSQL fails at is LedgerUnavailable; the next work connects again."""

    def __init__(self, url: str, within: float) -> None:
        self._url = url
        self._within = within
        self._lock = asyncio.Lock()
        self._session: Session | None = None

    async def run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """The result of `work`, done in one transaction on a database that has the tables."""
        async with self._lock:
            try:
                return await self._bounded(work, await self._connected())
            except (psycopg.Error, OSError, TimeoutError) as error:
                await self._drop()
                told = " ".join(str(error).split()) or type(error).__name__
                raise (LedgerRefused if isinstance(error, psycopg.DataError) else LedgerUnavailable)(told) from error

    async def close(self) -> None:
        """End the connection; another `run` would open it again."""
        async with self._lock:
            await self._drop()

    async def _connected(self) -> Session:
        if self._session is None or self._session.closed:
            session = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_WITHIN, application_name="cutover ledger"
            )
            self._session = session
            await self._bounded(_prepare, session)
        return self._session

    async def _bounded(self, work: Callable[[Session], Awaitable[T]], session: Session) -> T:
        """Cancelling would make psycopg wait for the server to agree, which a frozen one never does: hang up first."""
        task = asyncio.ensure_future(_in_transaction(work, session))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._within)
        finally:
            if not task.done():
                _hang_up(session)
                await asyncio.wait({task}, timeout=1.0)
        if not done:
            ended = task.exception() if task.done() and not task.cancelled() else "still running"
            log.warning("ledger_hung_up", after=self._within, ended=str(ended))
            raise TimeoutError(f"no answer within {self._within:g} s")
        return task.result()

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _in_transaction(work: Callable[[Session], Awaitable[T]], session: Session) -> T:
    async with session.transaction():
        return await work(session)


async def _prepare(session: Session) -> None:
    await session.execute("SELECT pg_advisory_xact_lock(%s)", [_PREPARING])
    await session.execute(_SCHEMA.read_bytes())


def _hang_up(session: Session) -> None:
    # It may be closed already: then there is nothing to hang up.
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(session.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
