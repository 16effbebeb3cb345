"""The journal's connection to PostgreSQL: one statement at a time, each with its own commit, never waiting for ever."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import psycopg

from shadow.dualwrite import statements
from shadow.dualwrite.line import Line, Rows, Statement

CONNECT_WITHIN = 3
ANSWER_WITHIN = 5.0
PREPARED_WITHIN = 60.0  # an index of all that was ever written is made in seconds, not in milliseconds
_PREPARING = 0x6A6F75726E616C  # "journal": the advisory lock for making the tables
# The server gives up no later than we do, and lets go of what others wait for.
_ONE_AT_A_TIME = (
    b"""SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '50s';
SELECT pg_advisory_xact_lock(%d);
"""
    % _PREPARING
)
PRESENCE = 0x6A6F7572
"""The class of the advisory locks by which writers show that they are connected."""
# How rows are looked for is not left to statistics, which mislead about tables that are empty most of the time, or full
# of what is over. And only a plain scan of an index remembers which of its entries are dead: in a queue most are. So
# there is nothing to plan anew for other values; nor to compile, which the price set on a forbidden scan would cause.
_BY_INDEX = (
    "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off"
)
# A machine that died is to be noticed: its writer counts as connected as long as PostgreSQL thinks so.
_PRESENT = (
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = 20000; SELECT pg_advisory_lock_shared({}, {})"  # shared: it is never waited for
)

T = TypeVar("T")


class JournalUnavailable(Exception):
    """PostgreSQL does not answer; what was asked may have been done or not."""


_statement = functools.cache(Statement.of)


class JournalSession:
    """One connection, made when first needed and again whenever it is lost. Raises JournalUnavailable.

    Others see by its `presence`, a number of its own that is not 0, whether it is connected (statement `absent`).
    """

    def __init__(self, url: str, purpose: str, within: float = ANSWER_WITHIN, presence: int = 0) -> None:
        self._url = url
        self._purpose = purpose
        self._within = within
        self._presence = presence
        self._lock = asyncio.Lock()
        self._line: Line | None = None

    async def prepare(self) -> None:
        """Make the tables that are missing. cutover.control has to be there."""
        script = _ONE_AT_A_TIME + statements.SCHEMA.encode()
        async with self._lock:
            await self._attempt(lambda line: line.script(script, PREPARED_WITHIN))

    async def connect(self) -> None:
        """Be connected, without asking anything."""
        async with self._lock:
            await self._attempt(_nothing)

    async def run(self, name: str, **values: Any) -> Rows:
        """The rows of the named statement. It is not repeated: whoever calls knows whether it may be."""
        (rows,) = await self.run_all((name, values))
        return rows

    async def run_all(self, *asked: tuple[str, Mapping[str, Any]]) -> list[Rows]:
        """The rows of several statements, in one round trip and with one commit."""
        prepared = [(_statement(name, statements.QUERIES[name]), values) for name, values in asked]
        async with self._lock:
            return await self._attempt(lambda line: line.run(self._within, *prepared))

    async def close(self) -> None:
        """End the connection; another `run` would open it again."""
        async with self._lock:
            self._drop()

    async def _attempt(self, work: Callable[[Line], Awaitable[T]]) -> T:
        try:
            return await work(await self._connected())
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError, TimeoutError) as error:
            self._drop()
            told = " ".join(str(error).split()) or type(error).__name__
            raise JournalUnavailable(f"PostgreSQL ({self._purpose}): {told}") from error

    async def _connected(self) -> Line:
        if self._line is None or self._line.is_lost:
            self._line = await Line.connect(self._url, f"cutover journal {self._purpose}", CONNECT_WITHIN)
            present = [_PRESENT.format(PRESENCE, self._presence)] if self._presence else []
            await self._line.script("; ".join((_BY_INDEX, *present)).encode(), self._within)
        return self._line

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.hang_up()


async def _nothing(line: Line) -> None:
    """It is connected already."""
