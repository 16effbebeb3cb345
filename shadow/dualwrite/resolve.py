"""Settles what nobody knows the outcome of, and heals what may not be sent (design.md section 4, *Unknown*)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from shadow import metrics
from shadow.answer import Answer
from shadow.clock import Clock
from shadow.dualwrite.admission import Noted, Replays
from shadow.dualwrite.copies import Copies
from shadow.dualwrite.entry import Entry, Outcome, State
from shadow.dualwrite.landing import Landing, Quiet
from shadow.dualwrite.lanes import WriteRoute, is_lane_of_its_own, widest
from shadow.dualwrite.ordering import closure, minimal
from shadow.dualwrite.session import JournalUnavailable
from shadow.sender import Target

log = structlog.get_logger("journal")

LOOK_AGAIN = 0.02
TIMES_WIDER = 20


class NoMapping(Exception):
    """There is no way to carry the rows behind these lanes."""


class HangTogether(Exception):
    """The rows of the lanes hang on those of others: they must be carried with them."""

    def __init__(self, lanes: Sequence[str]) -> None:
        self.lanes = tuple(lanes)
        super().__init__(f"to be carried together with {', '.join(self.lanes)}")


class Heal(Protocol):
    """Copies the rows of some lanes from the active to the standby side; nothing in them changes meanwhile.

    It must be over before the hold is: whoever is late writes nothing.
    """

    def check(self, lanes: tuple[str, ...]) -> None:
        """Raises NoMapping where there is no way to carry these; it asks no database."""

    async def __call__(self, lanes: tuple[str, ...], source: str, destination: str, within: float) -> None:
        """Both sides hold the same rows when this returns, in so many seconds from its call. Raises NoMapping, or
        HangTogether (nothing was changed); anything else is tried again."""


_SEEN_ALL_THE_TIME = 1.5  # seconds between two looks that count as one
_JUST_BEGUN = 1.0  # seconds; most writes are over before anybody has to ask who is still there


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take."""

    hold: float = 5.0
    """Seconds for which lanes are held while what is in flight in them ends, and rows travel."""
    max_request_age: float = 300.0
    """Seconds after which a request without an answer is taken to have ended, if the database agrees; from the last
    moment at which it may have begun."""
    grace: float = 120.0
    """Seconds beyond `forward_by` in which the edge itself may still tell an outcome."""
    absence: float = 2.0
    """Seconds without its writer after which an edge is not waited for; it may only have lost its connection."""


class Resolver:
    """Works for the leader among the replayers. Every method may be repeated."""

    def __init__(
        self, journal: Replays, copies: Copies, heal: Heal, quiet: Quiet, targets: Mapping[str, Target],
        routes: Mapping[str, WriteRoute], clock: Clock, patience: Patience | None = None,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._heal = heal
        self._targets = targets
        self._by_id = [name for name, target in targets.items() if target.cooperates]
        self._routes = routes
        self._clock = clock
        self._patience = patience or Patience()
        self._landing = Landing(journal, copies, quiet, targets, clock, self._patience.max_request_age)
        self._name = secrets.token_hex(6)
        self._absent: dict[int, float] = {}  # writer → since when, by the monotonic clock
        self._looked = float("-inf")
        self._tell: Callable[[int], None] = lambda number: None
        self._healed: set[int] = set()  # by this round of resolve_unknown: several unknowns in one heal

    def use(self, routes: Mapping[str, WriteRoute]) -> None:
        """Go by another route table from now on."""
        self._routes = routes

    def tell(self, settled: Callable[[int], None]) -> None:
        """Call this with the number of everything that a heal settles, before anybody else can see that it is."""
        self._tell = settled

    async def resolve_unknown(self) -> None:
        """See to every entry whose outcome is unknown; what cannot be settled yet stays for the next time."""
        await self._journal.expire(self._clock.now() - self._patience.grace)
        await self._bereave()
        for entry in await self._journal.unknown_entries():
            if entry.number not in self._healed:
                await self._resolve(entry)
        self._healed.clear()

    async def _bereave(self) -> None:
        """What was under way at edges that died with their writer is unknown from now on, and in nobody's way."""
        now, before = self._clock.monotonic(), self._clock.now() - _JUST_BEGUN
        if now - self._looked > _SEEN_ALL_THE_TIME:
            self._absent.clear()  # who was away then may have been here since
        absent = await self._journal.absent(before)
        self._looked = now
        self._absent = {writer: self._absent.get(writer, now) for writer in absent}
        gone = [writer for writer, since in self._absent.items() if now - since >= self._patience.absence]
        if gone:
            log.warning("writers_gone", writers=gone)
            await self._journal.bereave(gone, before)

    async def _resolve(self, entry: Entry) -> None:
        asked = self._targets[entry.origin].cooperates
        noted = await self._ask(entry) if asked else None
        if asked:
            if noted is Noted.NOTED or (noted is None and not entry.ended):
                return
        elif not await self._landing.is_over(entry):
            return
        try:
            self._healed.update(await self.heal(entry.lanes))
        except NoMapping as error:
            if not (asked and noted is None):  # else it is asked again, until it says
                await self._without_rows(entry, error)
        except JournalUnavailable:
            raise
        except Exception as error:
            log.warning("heal_failed", numbers=[entry.number], why=repr(error))

    async def _ask(self, entry: Entry) -> Noted | None:
        """Claim the id: either the backend has recorded an answer under it, or it never will."""
        answer = await self._landing.by_id(entry, entry.origin)
        return None if answer is None else (await self._journal.outcomes([_recorded(entry, answer)]))[0]

    async def _without_rows(self, entry: Entry, why: NoMapping) -> None:
        route = self._routes.get(entry.route, WriteRoute())
        if route.on_5xx == "no_effect" and await self._answered_5xx(entry):
            await self._journal.outcomes([Outcome(entry.id, State.FAILED, reason="declared: a 5xx has no effect")])
        else:
            await self._journal.park(entry.number, f"unknown outcome, and {why}")

    async def _answered_5xx(self, entry: Entry) -> bool:
        """Whether its backend itself has answered, and not with a success: a late one may have been overtaken."""
        (whole,) = await self._journal.entries([entry.number])
        return whole.ended and (whole.answer is None or whole.answer.status >= 500)

    async def heal(self, lanes: Sequence[str]) -> list[int]:
        """Carry the rows of the lanes and all that hangs together with them. The numbers that this settles.

        Empty if something in them did not end in time: then the lanes go on, and it is for the caller to come again.
        """
        return await self.carry(lanes, None) or []

    async def carry(self, lanes: Sequence[str], sides: tuple[str, str] | None) -> list[int] | None:
        """The same; None if it has to be tried again. With `sides` (from, to) also where nothing is open."""
        place = hashlib.sha256("|".join(sorted(lanes)).encode()).hexdigest()
        # Nobody else's hold may end with ours: not that of an earlier leader, nor that of what a person asked for.
        id = f"heal {self._name} {'asked' if sides else 'found'} {place}"
        result = "waits"
        try:
            healed = await self._carried_together(id, lanes, sides)
            result = "waits" if healed is None else "done"
            return healed
        except NoMapping:
            result = "no_mapping"
            raise
        except asyncio.CancelledError:
            result = "cut_off"
            raise
        except Exception:
            result = "failed"
            raise
        finally:
            metrics.HEALS.labels(result).inc()
            if result != "cut_off":  # else rows may still be written, until the hold has lapsed
                await self._journal.release(id)

    async def _carried_together(self, id: str, lanes: Sequence[str], sides: tuple[str, str] | None) -> list[int] | None:
        for _ in range(TIMES_WIDER):
            try:
                return await self._carried(id, lanes, sides)
            except HangTogether as more:
                log.info("heal_gets_wider", lanes=list(lanes), by=more.lanes)
                lanes = minimal([*lanes, *more.lanes])
        return None

    async def _carried(self, id: str, lanes: Sequence[str], sides: tuple[str, str] | None) -> list[int] | None:
        if not await self._closed(lanes):
            return None
        held = await self._held(id, lanes)
        if held is None or not await self._calm(id):
            return None
        touched = await self._journal.open_in(held)
        if touched and not await self._all_over(touched):
            return None
        sides = (touched[0].origin, touched[0].target) if touched else sides
        if sides is None:
            return None
        rows, began = self._with_rows(held), self._clock.monotonic()
        if not await self._journal.renew(id, held, self._patience.hold):  # all of it for the rows, or begin again
            return None
        # What the rows stand for is carried again, and never sent, if nobody hears that they were: or if an outcome is
        # told meanwhile of what was taken to be over.
        if not await self._marked(touched):
            return None
        _, completion = await self._journal.position()
        await self._heal(rows, *sides, self._patience.hold / 2 - (self._clock.monotonic() - began))
        healed = await self._journal.heal(id, held, completion)
        for number in healed or ():
            self._tell(number)
        return healed

    async def _closed(self, lanes: Sequence[str]) -> bool:
        """Whether no copy can land on top of the rows that nobody waits for: the standby is asked to close their ids,
        before anybody is held up. From then on these are only carried, for it takes no copy of them."""
        found, entries = await self._together(lanes)
        numbers = [entry.number for entry in entries if self._landing.copy_may_land(entry)]
        if not numbers:
            return True
        self._with_rows(found)
        ours = set(await self._only_rows(numbers))  # others are being sent just now
        closed = await self._landing.close([entry for entry in entries if entry.number in ours])
        await self._journal.closed(closed)
        return len(closed) == len(numbers)

    async def _marked(self, entries: Sequence[Entry]) -> bool:
        """Whether all of these are never sent again."""
        numbers = [entry.number for entry in entries]
        return set(await self._only_rows(numbers)) == set(numbers)

    async def _only_rows(self, numbers: Sequence[int]) -> list[int]:
        return await self._journal.only_rows(numbers, self._clock.now(), self._by_id)

    def _with_rows(self, lanes: Sequence[str]) -> tuple[str, ...]:
        """Those of the lanes in which there are rows. Raises NoMapping if there is no way to carry them."""
        found = tuple(lane for lane in lanes if not is_lane_of_its_own(lane))
        if not found:
            raise NoMapping("nothing told which rows it touched: heal the lanes that it may have touched")
        self._heal.check(found)
        return found

    async def _held(self, id: str, lanes: Sequence[str]) -> tuple[str, ...] | None:
        """Hold the lanes with all that they hang together with; None if that grows without end."""
        found, _ = await self._together(lanes)
        for _ in range(20):
            await self._journal.hold(id, found, self._patience.hold)
            wider, _ = await self._together(found)
            if wider == found:
                return found
            found = wider
        return None

    async def _together(self, lanes: Sequence[str]) -> tuple[tuple[str, ...], list[Entry]]:
        """The lanes with those of all that touches them, directly or not, as far as it was written by now; and that."""
        found = minimal(lanes)
        while True:
            entries = await self._journal.open_in(found)
            wider = closure([*found, *self._behind_own_lanes(found, entries)], entries)
            if wider == found:
                return found, entries
            found = wider

    def _behind_own_lanes(self, lanes: Sequence[str], entries: Sequence[Entry]) -> set[str]:
        """What writes with lanes of their own may have touched after all: nothing told whose rows they meant."""
        own = [entry for entry in entries if any(is_lane_of_its_own(lane) and lane in lanes for lane in entry.lanes)]
        return {lane for entry in own for lane in widest(self._routes.get(entry.route, WriteRoute()))}

    async def _calm(self, id: str) -> bool:
        """Wait for what is in flight in held lanes, for no longer than half of the hold."""
        until = self._clock.monotonic() + self._patience.hold / 2
        while await self._journal.under_way(id, self._clock.now(), self._by_id):
            if self._clock.monotonic() > until:
                return False
            await asyncio.sleep(LOOK_AGAIN)
        return True

    async def _all_over(self, entries: list[Entry]) -> bool:
        """Rows are no answer while an unknown among them, or a copy, may still land, or be told to have landed."""
        if any(self._landing.copy_may_land(entry) for entry in entries):
            return False
        for entry in entries:
            if entry.state is State.UNKNOWN and not await self._landing.is_over(entry):
                return False
        return len({(entry.origin, entry.target) for entry in entries}) == 1


def _recorded(entry: Entry, answer: Answer) -> Outcome:
    """What the backend has recorded under the id, as an outcome."""
    if answer.status < 400:
        return Outcome(entry.id, State.DONE, answer, "recorded by the backend")
    if answer.status == 410:  # nothing was done, and there is no answer to repeat: its client may try again by its key
        return Outcome(entry.id, State.FAILED, reason="the backend says 410 under this id, for ever")
    return Outcome(entry.id, State.FAILED, answer, f"the backend says {answer.status} under this id, for ever")
