"""The ledger in PostgreSQL: judgements are added up in memory and written twice a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self, TypeVar

import structlog

from shadow.clock import Clock, SystemClock
from shadow.compare import statements
from shadow.compare.pending import Pending
from shadow.compare.reports import Group, GroupDetail, LedgerRefused, LedgerUnavailable, NoiseReport, RouteTotals
from shadow.compare.session import LedgerConnection, Session
from shadow.compare.summary import Judged
from shadow.metrics import LEDGER_DROPPED, LEDGER_FAILURES
from shadow.settings import CompareSettings

log = structlog.get_logger("shadow")
T = TypeVar("T")

FLUSH_EVERY = 0.5
LONGEST_PAUSE = 15.0
WITHIN = 5.0
_TIDY_EVERY = 60.0


class PostgresLedger:
    """Judgements of one worker, and everybody's reports; see `reports.Ledger` for what its methods promise.

    While PostgreSQL is away, sums are kept in bounded memory and written later. If it goes away in the very moment of
    a commit, that half second may be counted twice.
    """

    def __init__(
        self, url: str, settings: CompareSettings | None = None, clock: Clock | None = None, within: float = WITHIN
    ) -> None:
        self._settings = settings or CompareSettings()
        self._clock = clock or SystemClock()
        self._writing = LedgerConnection(url, within)
        self._reading = LedgerConnection(url, within)
        self._pending = Pending(self._settings.examples)
        self._full: set[str] = set()  # groups that have all their examples; forgotten now and then
        self._tidied = float("-inf")
        self._failures = 0
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin to write twice a second."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="ledger")

    async def stop(self) -> None:
        """Write what is left, as far as PostgreSQL answers, and close; what is lost is logged and counted."""
        self._stop.set()
        if self._task is not None:
            await self._task
        if not await self.flush():
            self._drop("ledger_unavailable", self._pending)
        await self._writing.close()
        await self._reading.close()

    def use(self, settings: CompareSettings) -> None:
        """Go by these settings from now on."""
        self._settings = settings
        self._pending.most_examples = settings.examples

    def record(self, judged: Judged) -> None:
        self._pending.add(judged)

    def wants_example(self, group: str) -> bool:
        waiting = self._pending.groups.get(group)
        return group not in self._full and (waiting is None or len(waiting.examples) < self._settings.examples)

    async def flush(self) -> bool:
        """Write now. False if that failed: everything is kept for the next time."""
        batch, self._pending = self._pending, Pending(self._settings.examples)
        if batch.dropped:
            LEDGER_DROPPED.inc(batch.dropped)
            log.warning("judgements_dropped", count=batch.dropped, why="too many different ones")
            batch.dropped = 0
        if batch.is_empty:
            return True
        try:
            self._full |= await self._writing.run(lambda session: statements.add(session, batch))
        except LedgerRefused as error:
            self._drop(str(error), batch)
        except LedgerUnavailable as error:
            self._pending.put_back(batch)
            self._failed(error)
            return False
        self._failures = 0
        return True

    async def groups(self, route: str | None = None, limit: int = 50, offset: int = 0) -> list[Group]:
        return await self._read(lambda session: statements.groups(session, route, limit, offset))

    async def group(self, id: str) -> GroupDetail | None:
        return await self._read(lambda session: statements.group(session, id))

    async def totals(self) -> list[RouteTotals]:
        return await self._read(statements.totals)

    async def noise(self) -> list[NoiseReport]:
        return await self._read(statements.noise)

    async def clear(self) -> None:
        await self._read(statements.clear)
        self._pending = Pending(self._settings.examples)
        self._full.clear()

    async def _read(self, work: Callable[[Session], Awaitable[T]]) -> T:
        try:
            return await self._reading.run(work)
        except LedgerUnavailable:
            # The connection may just have been idle for too long: a second try opens a new one.
            return await self._reading.run(work)

    async def _run(self) -> None:
        while not self._stop.is_set():
            pause = min(FLUSH_EVERY * 2**self._failures, LONGEST_PAUSE) if self._failures < 8 else LONGEST_PAUSE
            with suppress(TimeoutError):  # it is the stop that would be early, not the pause that is late
                await asyncio.wait_for(self._stop.wait(), pause)
            if not self._stop.is_set():
                await self._tidy()
                await self.flush()

    async def _tidy(self) -> None:
        now = self._clock.monotonic()
        if now - self._tidied < _TIDY_EVERY:
            return
        at, retention = self._clock.now(), self._settings.retention
        try:
            await self._writing.run(lambda session: statements.remove_old(session, at, retention))
        except LedgerUnavailable as error:
            return self._failed(error)
        self._failures, self._tidied = 0, now
        self._full.clear()  # somebody may have cleared the tables, or examples have become too old

    def _failed(self, error: LedgerUnavailable) -> None:
        self._failures += 1
        LEDGER_FAILURES.inc()
        log.warning("ledger_unavailable", error=str(error), failures=self._failures)

    def _drop(self, why: str, lost: Pending) -> None:
        count = sum(lost.counts.values())
        LEDGER_DROPPED.inc(count)
        log.error("judgements_lost", count=count, why=why)
