"""Heal, as the replayer's process does it: by a mapping of rows, also when a person asks."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from proxy.config import Config
from shadow.dualwrite.resolve import Heal, NoMapping, Resolver
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.settling import HealAsked, ReplayJournal

log = structlog.get_logger("journal")


def heal_by(config: Config, databases: Mapping[str, str]) -> Heal:
    """Carries rows by the deployment's mapping; without one every heal raises NoMapping."""
    return _no_mapping


async def _no_mapping(lanes: tuple[str, ...], source: str, destination: str) -> None:
    raise NoMapping("this deployment has no mapping of rows")


class HealsAsked:
    """Heals that a person asked for. The leader does them between its turns, so no two heals meet."""

    def __init__(self, journal: ReplayJournal, resolver: Resolver) -> None:
        self._journal = journal
        self._resolver = resolver

    async def see_to(self, standby: str) -> None:
        """Do what is asked for now and answer it; what has to wait is tried again the next time."""
        for asked in await self._journal.heals_asked():
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
        except Exception as error:  # the databases of two backends: whatever it is, whoever asked has to know it
            log.exception("heal_failed", lanes=asked.lanes)
            return await self._journal.answer_heal(asked.id, f"it failed: {error!r}")
        if healed is not None:
            log.info("healed", lanes=asked.lanes, numbers=healed)
            await self._journal.answer_heal(asked.id, "", healed)
