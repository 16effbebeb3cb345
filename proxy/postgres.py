"""One connection to PostgreSQL that comes back by itself, and never waits for ever."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import psycopg
import structlog

from proxy.errors import StoreUnavailable

Session = psycopg.AsyncConnection[tuple[object, ...]]
T = TypeVar("T")

CONNECT_WITHIN = 3
ANSWER_WITHIN = 3.0
_log = structlog.get_logger(__name__)

# A lost server, a standby that cannot write, a database without our tables: nothing that the caller did wrong.
_UNAVAILABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidSchemaName,
)


class _Silent(StoreUnavailable):
    """It took the question and gave no answer in time; asking again at once would only double the wait."""


class Connection:
    """Work runs one at a time. A lost or silent server is StoreUnavailable; the next call connects again."""

    def __init__(self, url: str, purpose: str) -> None:
        self._url = url
        self._purpose = purpose
        self._lock = asyncio.Lock()
        self._session: Session | None = None
        self.connects = 0  # grows with every connection made: what was remembered about an older one is void

    async def run(
        self, work: Callable[[Session], Awaitable[T]], *, repeatable: bool = False, within: float = ANSWER_WITHIN
    ) -> T:
        """The result of `work`. If it is repeatable, it is done again when an idle connection turns out to be dead."""
        async with self._lock:
            fresh = self._session is None
            try:
                return await self._attempt(work, within)
            except _Silent:
                raise
            except StoreUnavailable:
                if fresh or not repeatable:
                    raise
            return await self._attempt(work, within)

    async def close(self) -> None:
        """End the connection; another `run` would open it again."""
        async with self._lock:
            await self._drop()

    async def _attempt(self, work: Callable[[Session], Awaitable[T]], within: float) -> T:
        session = await self._connected()
        task = asyncio.ensure_future(work(session))
        try:
            done, _ = await asyncio.wait({task}, timeout=within)
        finally:
            if not task.done():
                await self._hang_up(session, task)
        if not done:
            raise _Silent(f"PostgreSQL ({self._purpose}) gave no answer within {within:g} s")
        try:
            return task.result()
        except _UNAVAILABLE as error:
            await self._drop()
            raise StoreUnavailable(f"PostgreSQL ({self._purpose}): {_line(error)}") from error

    async def _connected(self) -> Session:
        if self._session is None or self._session.closed:
            try:
                name = f"cutover {self._purpose}"
                self._session = await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=CONNECT_WITHIN, application_name=name
                )
                await self._session.execute("SET idle_in_transaction_session_timeout = '10s'")
            except psycopg.Error as error:
                await self._drop()
                raise StoreUnavailable(f"PostgreSQL ({self._purpose}) cannot be reached: {_line(error)}") from error
            self.connects += 1
        return self._session

    async def _hang_up(self, session: Session, task: asyncio.Future[T]) -> None:
        """End work that a silent server or a cancelled caller left behind.

        Cancelling it would make psycopg wait for the server to agree, which a frozen one never does.
        """
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(session.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
        self._session = None
        _, pending = await asyncio.wait({task}, timeout=1.0)
        ended = "still running" if pending else repr(task.exception())
        _log.warning(
            "postgres.hung_up", purpose=self._purpose, why="no answer in time, or not wanted any more", ended=ended
        )
        await session.close()

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _line(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
