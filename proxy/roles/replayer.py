"""The replayer: brings journaled writes to the standby while the release copies; of several one leads."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path

import structlog

from proxy.config import Config
from proxy.edge.routing import copies, write_routes
from proxy.errors import StoreUnavailable
from proxy.journals import opened_at_last
from proxy.reload import follow
from proxy.roles.healing import HealsAsked, heal_by
from proxy.roles.quiet import QuietDatabases
from proxy.roles.targets import targets
from proxy.roles.tokens import KnownTokens
from proxy.roles.watching import out_of_band
from proxy.store import Store
from proxy.surroundings import Surroundings
from shadow.clock import SystemClock
from shadow.compare.diff import Limits
from shadow.compare.rules import RuleBook
from shadow.dualwrite.copies import CopySender
from shadow.dualwrite.replay import Pace, Replayer
from shadow.dualwrite.resolve import Patience, Resolver
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.settling import ReplayJournal

log = structlog.get_logger("journal")

LOOK_EVERY = 0.2  # seconds between two looks at the release, and at what a person asked for
FORGET_EVERY = 600.0  # seconds between two rounds of forgetting bodies past their retention
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.1  # while there is nothing to do
TROUBLED_PAUSE = 0.5


async def run(config: Config, around: Surroundings, path: Path, number: int, stop: asyncio.Event) -> None:
    """Replay until `stop`, and then until the copies under way have ended."""
    journal = await opened_at_last(ReplayJournal, "replayer", config, around, stop)
    if journal is None:
        return
    store, sender = Store(around.database), _sender(config, around)
    resolver, replayer = _replaying(config, journal, sender)

    def use(new: Config) -> None:
        resolver.use(write_routes(new.routes))
        replayer.use(write_routes(new.routes), RuleBook(new.compare.rules))

    work = Work(
        replayer, HealsAsked(journal, resolver), journal, store, retention=config.journal.retention,
        drain=config.limits.drain,
    )  # fmt: skip
    watch = out_of_band(config, store, around.database)
    try:
        async with journal, sender, asyncio.TaskGroup() as group:
            group.create_task(follow(path, config, use, stop))
            group.create_task(work.run(stop))
            if watch is not None:
                group.create_task(watch.run(lambda: replayer.leads, stop))
    finally:
        await store.close()


class Work:
    """What a replayer's process does, round by round. No failure of a store ends it."""

    def __init__(
        self, replayer: Replayer, heals: HealsAsked, journal: ReplayJournal, store: Store, *, retention: float,
        drain: float,
    ) -> None:  # fmt: skip
        self._replayer = replayer
        self._heals = heals
        self._journal = journal
        self._store = store
        self._retention = retention
        self._drain = drain
        self._looked = self._forgot = float("-inf")
        self._healing: asyncio.Task[None] | None = None
        self._troubled = False
        self._joining = False  # a copy is on its way: the standby is not whole, and gets nothing else

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is under way then gets as long as an edge's requests do."""
        self._replayer.send_to(frozenset())  # nothing before the first look at the release
        pause = SHORTEST_PAUSE
        while not stop.is_set():
            pause = await self._round(pause)
            if pause:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)
        try:
            await asyncio.wait_for(self._finish(), self._drain)
        except TimeoutError:
            log.warning("copies_left", hint="the next leader sees to them")

    async def _finish(self) -> None:
        if self._healing is not None:
            await asyncio.wait([self._healing])
        await self._replayer.finish()

    async def _round(self, pause: float) -> float:
        """One turn; how long to pause after it."""
        try:
            await self._look()
            if self._joining:
                return LONGEST_PAUSE
            busy = await self._replayer.turn()
        except (JournalUnavailable, StoreUnavailable) as error:
            if not self._troubled:
                log.error("replay_waits", error=str(error))
            self._troubled = True
            return TROUBLED_PAUSE
        if self._troubled:
            log.info("replay_goes_on")
        self._troubled = False
        return 0.0 if busy else min(LONGEST_PAUSE, max(SHORTEST_PAUSE, pause * 1.5))

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        state = await self._store.load()
        self._joining = copies(state.phase) and await self._store.is_joining()
        self._replayer.send_to(frozenset({state.standby}) if copies(state.phase) else frozenset())
        if not self._replayer.leads:
            return
        if copies(state.phase) and not self._joining:
            self._heal(state.standby)
        if now - self._forgot >= FORGET_EVERY:
            self._forgot = now
            await self._journal.purge(self._retention)

    def _heal(self, standby: str) -> None:
        """Beside the copies: a heal may take longer than the lease of who leads."""
        if self._healing is not None and not self._healing.done():
            return
        ended, self._healing = self._healing, None
        if ended is not None:
            ended.result()
        self._healing = asyncio.get_running_loop().create_task(self._heals.see_to(standby), name="heals asked for")


def _replaying(config: Config, journal: ReplayJournal, sender: CopySender) -> tuple[Resolver, Replayer]:
    settings, clock = config.journal, SystemClock()
    patience = Patience(hold=settings.hold, max_request_age=settings.max_request_age, grace=settings.write_grace)
    routes = write_routes(config.routes)
    databases, both = _databases(config), targets(config)
    resolver = Resolver(
        journal, sender, heal_by(config, databases), QuietDatabases(databases, patience.max_request_age),
        both, routes, clock, patience,
    )  # fmt: skip
    replayer = Replayer(
        f"{socket.gethostname()}:{os.getpid()}", journal, sender, resolver, KnownTokens(config.backends), both,
        routes, RuleBook(config.compare.rules), Limits.of(config.compare.timeout, settings.answer_limit), clock,
        Pace(at_once=settings.concurrency, land_within=settings.timeout),
    )  # fmt: skip
    return resolver, replayer


def _sender(config: Config, around: Surroundings) -> CopySender:
    return CopySender(
        databases=_databases(config), timeout=config.journal.timeout, connections=config.journal.concurrency,
        body_limit=max(config.limits.body, config.journal.answer_limit), secret=around.secret,
    )  # fmt: skip


def _databases(config: Config) -> dict[str, str]:
    return {name: backend.database for name, backend in config.backends.items() if backend.database}
