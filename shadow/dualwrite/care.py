"""What a replayer sees to beside its copies: rows to be carried, copies left behind, outcomes that nobody knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice

import structlog

from shadow.clock import Clock
from shadow.dualwrite.admission import Replays
from shadow.dualwrite.entry import Entry, State
from shadow.dualwrite.ordering import Taken, minimal
from shadow.dualwrite.resolve import NoMapping, Resolver
from shadow.dualwrite.session import JournalUnavailable
from shadow.sender import Target

log = structlog.get_logger("journal")

AT_ONCE = 64
LONGEST_PAUSE = 0.5


class Care:
    """Belongs to the leader among the replayers. What cannot be done yet is tried again at the next look."""

    def __init__(
        self, journal: Replays, resolver: Resolver, targets: Mapping[str, Target], clock: Clock, *, every: float,
        adopt: Callable[[int, Entry], Awaitable[bool]], carries_rows: Callable[[Entry], bool], behind: float,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._resolver = resolver
        self._targets = targets
        self._clock = clock
        self._every = every
        self._adopt = adopt
        self._carries_rows = carries_rows
        self._behind = behind
        self._looked = float("-inf")
        self._rows: dict[int, tuple[str, ...]] = {}  # number → lanes of what heal has to carry
        self._at_once = AT_ONCE
        self._failures = 0  # looks in a row after which something was left
        self._not_before = float("-inf")  # clock.monotonic

    @property
    def waits(self) -> bool:
        """Whether rows are to be carried now."""
        return bool(self._rows) and self._clock.monotonic() >= self._not_before

    @property
    def due(self) -> bool:
        """Whether a look would find something to do."""
        return self.waits or self._clock.monotonic() - self._looked >= self._every

    def carry(self, number: int, lanes: tuple[str, ...]) -> None:
        """The rows of these lanes are to be carried for an entry whose copy is not under way (any more)."""
        self._rows[number] = lanes

    async def look(self, term: int) -> None:
        """Carry the rows that wait, and from time to time see to what was left behind. Raises JournalUnavailable."""
        if self.waits:
            await self._carry_rows()
        if self._clock.monotonic() - self._looked >= self._every:
            self._looked = self._clock.monotonic()
            await self._see_to_orphans(term)
            await self._resolver.resolve_unknown()

    async def _see_to_orphans(self, term: int) -> None:
        """With ids a copy of an earlier term is asked again; any other may have landed, and is healed."""
        now = self._clock.now()
        for orphan in await self._journal.orphans(term):
            (entry,) = await self._journal.entries([orphan.number])
            if self._targets[entry.target].cooperates and not orphan.lost:
                if not await self._adopt(term, entry) and orphan.deadline <= now:
                    await self._journal.let_go(term, entry.number, now)
            elif orphan.deadline <= now:
                await self._heal([entry.number], entry.lanes, alone=True)

    async def _carry_rows(self) -> None:
        """One heal for all that waits; what fails in company is tried alone, and then in larger company: a row that
        one copy made up may be in the way of another's."""
        together = list(self._rows)[: self._at_once]
        company = await self._company(self._at_once - len(together))
        lanes = [lane for number in together for lane in self._rows[number]]
        alone = len(together) == 1 and not company
        await self._heal(together, minimal([*lanes, *company]), alone=alone)
        failed = [number for number in together if number in self._rows]
        for number in failed if not alone else ():
            if number in self._rows:
                await self._heal([number], self._rows[number], alone=True)
        self._pause(bool(failed))
        if self._rows:
            await self._forget_what_is_settled()

    def _pause(self, failed: bool) -> None:
        """What fails holds lanes meanwhile, so it is not tried all the time."""
        self._failures = self._failures + 1 if failed else 0
        self._at_once = AT_ONCE * 2 ** min(self._failures, 4)
        if failed:
            self._not_before = self._clock.monotonic() + min(LONGEST_PAUSE, 0.02 * 2.0 ** min(self._failures, 10))

    async def _company(self, most: int) -> list[str]:
        """Lanes of the oldest entries that would only wait for a heal of their own. Not where a copy may land: for
        that one the standby would have to be asked first."""
        late = self._clock.now() - self._behind
        entries = await self._journal.open_entries(most=4 * self._at_once)
        landing = Taken(lane for entry in entries if entry.unanswered for lane in entry.lanes)
        waiting = (
            entry for entry in entries
            if entry.state is State.DONE and entry.at < late and entry.number not in self._rows
            and self._carries_rows(entry) and not landing.meets(entry.lanes)
        )  # fmt: skip
        return [lane for entry in islice(waiting, most) for lane in entry.lanes]

    async def _forget_what_is_settled(self) -> None:
        """A person may have decided meanwhile."""
        lanes = minimal(lane for those in self._rows.values() for lane in those)
        still = {entry.number for entry in await self._journal.open_in(lanes)}
        self._rows = {number: lanes for number, lanes in self._rows.items() if number in still}

    async def _heal(self, numbers: Sequence[int], lanes: tuple[str, ...], *, alone: bool) -> None:
        try:
            healed = await self._resolver.heal(lanes)
        except NoMapping as error:
            if not alone:
                return
            await self._journal.park(numbers[0], f"it cannot be sent, and {error}")
            healed = list(numbers)
        except JournalUnavailable:
            raise
        except Exception as error:
            log.warning("heal_failed", numbers=list(numbers), why=repr(error))
            return
        for number in healed:
            self._rows.pop(number, None)
