"""Beside the leading replayer: has what was written past the proxy carried over, and tells of a foreign writer.

On the active side a chat, a job, an administrator or psql may write; on the standby nobody but the copies may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from migration.heal import heal
from migration.mapping import RowMapping
from migration.rounds import Round
from migration.watching import Rows, Watcher
from proxy import metrics
from proxy.carrying import ThroughJournal
from proxy.config import Config
from proxy.edge.routing import copies
from proxy.errors import StoreUnavailable
from proxy.store import Store

log = structlog.get_logger("rows")

Sides = tuple[str, str]
"""The active backend and the standby, by name."""


class OutOfBand:
    """Looks every `rows.watch` seconds while this process leads and the release copies."""

    def __init__(self, config: Config, mapping: RowMapping, store: Store, store_url: str) -> None:
        self._every = config.rows.watch
        self._urls = {name: backend.database or "" for name, backend in config.backends.items()}
        self._mapping = mapping
        self._store = store
        self._store_url = store_url
        self._sides: Sides | None = None
        self._watcher: Watcher | None = None

    async def run(self, leads: Callable[[], bool], stop: asyncio.Event) -> None:
        """Until `stop`. No failure of a store or a backend's database ends it."""
        try:
            while not stop.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._every)
                if leads() and not stop.is_set():
                    await self._round()
        finally:
            self._forget()

    async def _round(self) -> None:
        try:
            state = await self._store.load()
            if not copies(state.phase) or await self._store.is_joining():
                return self._forget()
            done = await asyncio.to_thread(self._look, (state.active, state.standby))
            self._publish(done)
            await self._store.note_watch({**done.document(), "every": self._every})
        except StoreUnavailable as error:
            log.warning("watch_waits", error=str(error))

    def _look(self, sides: Sides) -> Round:
        if self._watcher is None or sides != self._sides:
            self._forget()
            self._sides, self._watcher = sides, self._watching(*sides)
        return self._watcher.look()

    def _watching(self, active: str, standby: str) -> Watcher:
        pair = (self._urls[active], self._urls[standby])

        def plain(wanted: Mapping[str, Rows]) -> Sequence[tuple[str, str, str]]:
            return heal(*pair, self._mapping, {name: set(rows) for name, rows in wanted.items()}).rows

        through = ThroughJournal(self._store_url, self._mapping, plain)
        return Watcher(*pair, self._mapping, settled=through.settled, mend=through.mend)

    def _publish(self, done: Round) -> None:
        metrics.FOREIGN_ROWS.set(done.open)
        metrics.WATCHED.labels("failed" if done.failed else "compared").inc()
        for table, _, action in done.healed:
            metrics.OUT_OF_BAND.labels(table, action).inc()

    def _forget(self) -> None:
        watcher, self._watcher, self._sides = self._watcher, None, None
        if watcher is not None:
            watcher.close()


def out_of_band(config: Config, store: Store, store_url: str) -> OutOfBand | None:
    """None where nothing can be compared: without a mapping, without both databases, or with `rows.watch` at 0."""
    mapping = config.rows.declared()
    if mapping is None or not config.rows.watch or not all(one.database for one in config.backends.values()):
        return None
    return OutOfBand(config, mapping, store, store_url)
