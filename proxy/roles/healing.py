"""Heal, as the replayer's process does it: by a mapping of rows, also when a person asks."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

import structlog

from migration.carry import Carrier
from migration.errors import Unreachable
from migration.kinds import Side
from migration.lanes import Unmapped, Wider, covered
from migration.mapping import RowMapping
from proxy.config import Config
from shadow.dualwrite.resolve import HangTogether, Heal, NoMapping, Resolver
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.settling import HealAsked, ReplayJournal

log = structlog.get_logger("journal")

TRIES = 3


def heal_by(config: Config, databases: Mapping[str, str]) -> Heal:
    """Carries rows by the deployment's mapping; without one, or without both databases, every heal raises NoMapping."""
    mapping = config.rows.declared()
    if mapping is None:
        return _Unable("this deployment has no mapping of rows (rows.mapping)")
    if missing := [name for name in config.names if name not in databases]:
        return _Unable(f"nobody said where the rows of {' and '.join(missing)} are (backends.*.database)")
    # The hold is renewed when rows begin to travel; with what a frozen transaction is given they must fit into it.
    return HealByRows(Carrier(databases, mapping, within=config.journal.hold / 2), mapping)


class _Unable:
    def __init__(self, why: str) -> None:
        self._why = why

    def check(self, lanes: tuple[str, ...]) -> None:
        raise NoMapping(self._why)

    async def __call__(self, lanes: tuple[str, ...], source: str, destination: str, within: float) -> None:
        self.check(lanes)


class HealByRows:
    """Heals between two databases by one mapping (`shadow.dualwrite.resolve.Heal`)."""

    def __init__(self, carrier: Carrier, mapping: RowMapping) -> None:
        self._carrier, self._mapping = carrier, mapping

    def check(self, lanes: tuple[str, ...]) -> None:
        """See `Heal.check`."""
        try:
            covered(self._mapping, lanes, Side.OLD)
        except Unmapped as error:
            raise NoMapping(str(error)) from error

    async def __call__(self, lanes: tuple[str, ...], source: str, destination: str, within: float) -> None:
        """See `Heal.__call__`. The time counts from here, however long the thread has to wait for its turn."""
        until = time.monotonic() + within
        try:
            carried = await asyncio.to_thread(self._carrier.carry, lanes, source, destination, until=until)
        except Unmapped as error:
            raise NoMapping(str(error)) from error
        except Wider as error:
            raise HangTogether(error.lanes) from error
        if carried.total:
            log.info("rows_carried", lanes=lanes, rows=carried.rows)


class HealsAsked:
    """Heals that a person asked for, done by the leader; each has holds of its own beside those of the replayer."""

    def __init__(self, journal: ReplayJournal, resolver: Resolver) -> None:
        self._journal = journal
        self._resolver = resolver
        self._tries: Counter[int] = Counter()  # of heals whose databases had no answer

    async def see_to(self, standby: str) -> None:
        """Do what is asked for now and answer it; what has to wait is tried again the next time."""
        waiting = await self._journal.heals_asked()
        self._tries = Counter({asked.id: self._tries[asked.id] for asked in waiting})
        for asked in waiting:
            if asked.target != standby:
                await self._journal.answer_heal(asked.id, "the roles have changed since it was asked for")
                continue
            await self._heal(asked)

    async def _heal(self, asked: HealAsked) -> None:
        try:
            healed = await self._resolver.carry(asked.lanes, (asked.origin, asked.target))
        except NoMapping as error:
            return await self._journal.answer_heal(asked.id, str(error))
        except JournalUnavailable:
            raise
        except Unreachable as error:
            self._tries[asked.id] += 1
            log.warning("heal_waits", lanes=asked.lanes, why=str(error))
            if self._tries[asked.id] < TRIES:
                return
            return await self._journal.answer_heal(asked.id, f"tried {TRIES} times: {error}")
        except Exception as error:  # the databases of two backends: whatever it is, whoever asked has to know it
            log.exception("heal_failed", lanes=asked.lanes)
            return await self._journal.answer_heal(asked.id, f"it failed: {error!r}")
        if healed is not None:
            log.info("healed", lanes=asked.lanes, numbers=healed)
            await self._journal.answer_heal(asked.id, "", healed)
