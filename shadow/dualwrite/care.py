"""What a replayer sees to beside its copies: rows to be carried, copies left behind, outcomes that nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import structlog

from shadow.clock import Clock
from shadow.dualwrite.admission import Replays
from shadow.dualwrite.entry import Entry, State
from shadow.dualwrite.ordering import minimal
from shadow.dualwrite.resolve import NoMapping, Resolver
from shadow.dualwrite.session import JournalUnavailable
from shadow.sender import Target

log = structlog.get_logger("journal")

AT_ONCE = 64


class Care:
    """Belongs to the leader among the replayers. What cannot be done yet is tried again at the next look."""

    def __init__(
        self, journal: Replays, resolver: Resolver, targets: Mapping[str, Target], clock: Clock, *, every: float,
        send_within: float, again: Callable[[Entry, float], None], settled: Callable[[int], None],
        carries_rows: Callable[[Entry], bool], behind: float,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._resolver = resolver
        self._targets = targets
        self._clock = clock
        self._every = every
        self._send_within = send_within
        self._again = again
        self._settled = settled
        self._carries_rows = carries_rows
        self._behind = behind
        self._looked = float("-inf")
        self._rows: dict[int, tuple[str, ...]] = {}  # number → lanes of what heal has to carry
        self._alone: set[int] = set()  # of these: what could not be carried together with others

    @property
    def waits(self) -> bool:
        """Whether rows are to be carried now."""
        return bool(self._rows)

    @property
    def due(self) -> bool:
        """Whether a look would find something to do."""
        return self.waits or self._clock.monotonic() - self._looked >= self._every

    def carry(self, number: int, lanes: tuple[str, ...]) -> None:
        """The rows of these lanes are to be carried for an entry whose copy is not under way (any more)."""
        self._rows[number] = lanes

    async def look(self, term: int) -> None:
        """Carry the rows that wait, and from time to time see to what was left behind. Raises JournalUnavailable."""
        if self._rows:
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
                if await self._journal.adopt(term, entry.number, now + self._send_within):
                    self._again(entry, now)
            elif orphan.deadline <= now:
                await self._heal([entry.number], entry.lanes, alone=True)

    async def _carry_rows(self) -> None:
        """One heal for all that waits; what fails in company is tried alone."""
        together = [number for number in self._rows if number not in self._alone][:AT_ONCE]
        if together:
            company = await self._company(AT_ONCE - len(together))
            lanes = [lane for number in together for lane in self._rows[number]]
            await self._heal(together, minimal([*lanes, *company]), alone=len(together) == 1 and not company)
        self._alone.update(number for number in together if number in self._rows)
        for number in [number for number in self._alone if number not in together]:
            if number in self._rows:
                await self._heal([number], self._rows[number], alone=True)
        if self._rows:
            await self._forget_what_is_settled()

    async def _company(self, most: int) -> list[str]:
        """Lanes of the oldest entries that would only wait for a heal of their own."""
        late = self._clock.now() - self._behind
        waiting = (
            entry for entry in await self._journal.open_entries(most=4 * AT_ONCE)
            if entry.state is State.DONE and entry.at < late and entry.number not in self._rows
            and self._carries_rows(entry)
        )  # fmt: skip
        return [lane for entry in islice(waiting, most) for lane in entry.lanes]

    async def _forget_what_is_settled(self) -> None:
        """A person may have decided meanwhile."""
        lanes = minimal(lane for those in self._rows.values() for lane in those)
        still = {entry.number for entry in await self._journal.open_in(lanes)}
        self._rows = {number: lanes for number, lanes in self._rows.items() if number in still}
        self._alone &= self._rows.keys()

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
            self._settled(number)
            self._rows.pop(number, None)
            self._alone.discard(number)
