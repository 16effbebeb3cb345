"""Sets the sequences of backends that cannot be told which ids to give (design.md section 4, *The same ids*)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg

from shadow.answer import AskFailed, Reason

_CONNECT_WITHIN = 3
_SET_WITHIN = 5.0
_SET = b"SELECT setval(%s::regclass, %s, false)"


@dataclass
class _Database:
    """One connection, made when first needed, and used by one caller at a time."""

    url: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: psycopg.AsyncConnection[object] | None = None


class Sequences:
    """Keeps a connection to each database. Every create on an unmodified backend waits for a `set` before it."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._databases = {name: _Database(url) for name, url in urls.items()}

    async def set(self, backend: str, sequence: str, value: int) -> None:
        """The next value that the backend draws from the sequence is `value`; committed. Raises AskFailed (REFUSED:
        nothing was sent to the backend), after some ten seconds at the latest."""
        try:
            async with asyncio.timeout(2 * _SET_WITHIN):
                await self._set(self._databases[backend], sequence, value)
        except KeyError:
            raise AskFailed(Reason.REFUSED, f"{backend}: it has no database whose {sequence} could be set") from None
        except (psycopg.Error, OSError) as error:  # a TimeoutError is an OSError
            told = str(error) or type(error).__name__
            raise AskFailed(Reason.REFUSED, f"{backend}: {sequence} cannot be set: {told}") from error

    async def close(self) -> None:
        """End the connections; another `set` would open them again."""
        for database in self._databases.values():
            await _drop(database)

    async def _set(self, database: _Database, sequence: str, value: int) -> None:
        async with database.lock:
            kept = database.session is not None
            try:
                await _run(database, sequence, value)
            except psycopg.OperationalError:
                if not kept:
                    raise
                await _run(database, sequence, value)  # its server was started again: to set it twice does no harm


async def _run(database: _Database, sequence: str, value: int) -> None:
    try:
        async with asyncio.timeout(_SET_WITHIN):
            if database.session is None:
                database.session = await psycopg.AsyncConnection.connect(
                    database.url, autocommit=True, connect_timeout=_CONNECT_WITHIN, prepare_threshold=None,
                    application_name="cutover sequences",
                )  # fmt: skip
            await database.session.execute(_SET, [sequence, value])
    except BaseException as error:
        if not isinstance(error, (psycopg.DataError, psycopg.ProgrammingError)):  # which are an answer to the question
            await _drop(database)
        raise


async def _drop(database: _Database) -> None:
    session, database.session = database.session, None
    if session is not None:
        await session.close()
