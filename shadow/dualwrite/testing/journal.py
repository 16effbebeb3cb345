"""A journal in memory, for tests of what uses one; the contract tests run over it and over PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from shadow.dualwrite.admission import (
    COPIED,
    NEWEST,
    Flip,
    Orphan,
    Room,
    Settlement,
)
from shadow.dualwrite.entry import OPEN, UNDECIDED, Entry, State, moved
from shadow.dualwrite.ordering import conflict, in_the_way, stuck, within
from shadow.dualwrite.testing.writes import InMemoryWrites, _Sent


@dataclass
class InMemoryJournal(InMemoryWrites):
    """Forgets everything with its process. See `admission` for what its methods promise."""

    async def lead(self, holder: str, term: int, lease: float) -> int | None:
        if self.holder not in ("", holder):
            return None
        if (self.holder, self.term) != (holder, term):
            self.holder, self.term = holder, self.term + 1
            for number in self.sending:
                self._change(self.all[number], unanswered=True)
        return self.term

    async def step_down(self, holder: str, term: int) -> None:
        if (self.holder, self.term) == (holder, term):
            self.holder = ""

    async def turn(self, term: int, settlements: Sequence[Settlement], room: Room) -> tuple[list[bool], list[Entry]]:
        return await self.settle(term, settlements), self._claimed(term, room)

    def _claimed(self, term: int, room: Room) -> list[Entry]:
        found: list[Entry] = []
        for ahead in (False, True):
            for entry in sorted(self.all.values(), key=lambda e: e.completion or 0):
                drawn = entry.sequence if entry.target in room.one_by_one else None
                waited_for = self._leading(term, room, [e.number for e in found]) if ahead else frozenset()
                ready = term == self.term and entry.target in room.targets
                if len(found) < room.most and ready and self._ready(entry, drawn, room.now, waited_for):
                    self.sending[entry.number] = _Sent(term, room.deadline, drawn, ahead)
                    found.append(entry)
        return sorted(found, key=lambda e: e.completion or 0)

    def _leading(self, term: int, room: Room, claimed: Sequence[int]) -> frozenset[int]:
        """Copies that are likely to go well: what waits for nothing but these is claimed ahead of its turn."""
        if any(e.state in (State.UNKNOWN, State.PARKED) for e in self.all.values()):
            return frozenset()
        waited_for = [self.all[number] for number in self._waited_for(term, [*room.under_way, *claimed])]
        return frozenset(
            e.number for e in waited_for
            if not (e.attempts or self.retry_at.get(e.number) or e.copied)
            and e.route not in room.apart and e.target not in room.one_by_one
        )  # fmt: skip

    def _waited_for(self, term: int, under_way: Sequence[int]) -> frozenset[int]:
        sent = self.sending
        return frozenset(n for n in under_way if n in sent and sent[n].term == term and not sent[n].lost)

    def _ready(self, entry: Entry, drawn: str | None, now: float, waited_for: frozenset[int]) -> bool:
        if entry.state is not State.DONE or entry.number in self.sending or self.retry_at.get(entry.number, 0) > now:
            return False
        if drawn is not None and any(sent.sequence == drawn for sent in self.sending.values()):
            return False
        entries = self.all.values()
        return (
            not conflict(entry.lanes, self._held()) and in_the_way(entry, entries, stuck(entries), waited_for) is None
        )

    async def settle(self, term: int, settlements: Sequence[Settlement]) -> list[bool]:
        return [self._settle(term, settlement) for settlement in settlements]

    def _settle(self, term: int, told: Settlement) -> bool:
        sent = self.sending.get(told.number)
        if sent is None or sent.term != term or term != self.term:
            return False
        entry = self.all[told.number]
        if told.act == "again":
            sent.term = term - 1
        elif told.act == "lost":
            sent.lost, sent.deadline = True, min(sent.deadline, told.retry_at or sent.deadline)
            self._change(entry, unanswered=entry.unanswered or told.ended is False)
        else:
            del self.sending[told.number]
            if told.act == "back":
                return True
            self.retry_at[told.number] = told.retry_at
            kept = told.act in ("retry", "wait", COPIED)
            state = entry.state if kept else moved(entry.state, State(told.act))
            copied = {"copied": True, "differed": told.reason} if told.act == COPIED else {}
            tries = entry.attempts + (told.act != "wait")
            unanswered = entry.unanswered if told.ended is None else not told.ended
            self._change(entry, state=state, attempts=tries, reason=told.reason, unanswered=unanswered, **copied)
        return True

    async def orphans(self, term: int) -> list[Orphan]:
        lost = [(n, s) for n, s in sorted(self.sending.items()) if s.lost or s.term != term]
        return [Orphan(number, sent.deadline, sent.lost) for number, sent in lost]

    async def adopt(self, term: int, number: int, deadline: float, under_way: Sequence[int]) -> bool:
        sent = self.sending.get(number)
        if sent is None or sent.lost or sent.term >= term or term != self.term:
            return False
        waited_for = self._waited_for(term, under_way)
        entries = self.all.values()
        if conflict(self.all[number].lanes, self._held()):
            return False
        if sent.ahead and in_the_way(self.all[number], entries, stuck(entries), waited_for) is not None:
            return False
        sent.term, sent.deadline = term, deadline
        return True

    async def let_go(self, term: int, number: int, now: float) -> None:
        sent = self.sending.get(number)
        if sent is not None and sent.ahead and not sent.lost and sent.term < term == self.term and sent.deadline <= now:
            del self.sending[number]

    async def only_rows(self, numbers: Sequence[int], now: float, by_id: Sequence[str] = ()) -> list[int]:
        sent = {n for n, sent in self.sending.items() if not sent.lost and self._may_land(n, now, by_id)}
        may = [n for n in numbers if self.all[n].state in OPEN - {State.INTENT} and n not in sent]
        for number in may:
            self._change(self.all[number], copied=True)
        return may

    async def explain(self, number: int, why: str) -> None:
        if self.all[number].state in OPEN:
            self._change(self.all[number], reason=why)

    async def closed(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._change(self.all[number], unanswered=False)

    async def open_entries(self, up_to: int = NEWEST, most: int = NEWEST) -> list[Entry]:
        found = (e for e in self.all.values() if e.state in OPEN and e.number <= up_to)
        return [replace(e, request=None, answer=None, actor=None) for e in islice(found, min(most, len(self.all)))]

    async def open_in(self, lanes: Sequence[str]) -> list[Entry]:
        return [entry for entry in await self.open_entries() if conflict(entry.lanes, lanes)]

    async def unknown_entries(self) -> list[Entry]:
        return [entry for entry in await self.open_entries() if entry.state is State.UNKNOWN]

    async def entries(self, numbers: Sequence[int]) -> list[Entry]:
        return [self.all[number] for number in sorted(numbers) if number in self.all]

    async def park(self, number: int, reason: str) -> None:
        entry = self.all[number]
        if entry.state in (State.UNKNOWN, State.DONE):
            self.sending.pop(number, None)
            self._change(entry, state=moved(entry.state, State.PARKED), uncertain=True, reason=reason)

    async def expire(self, before: float) -> None:
        for number, intent in self.intents.items():
            if self.all[number].state is State.INTENT and intent.forward_by < before:
                self._change(self.all[number], state=State.UNKNOWN, reason="its edge fell silent")

    async def absent(self, before: float) -> set[int]:
        return {
            writer for number, writer in self.admitted_by.items()
            if writer and writer not in self.present and self.all[number].state is State.INTENT
            and self.intents[number].at < before
        }  # fmt: skip

    async def bereave(self, writers: Collection[int], before: float) -> None:
        gone = set(writers) & await self.absent(before)
        for number, writer in self.admitted_by.items():
            if writer in gone and self.all[number].state is State.INTENT and self.intents[number].at < before:
                self._change(self.all[number], state=State.UNKNOWN, reason="its edge is gone")

    # ---- heal

    async def hold(self, id: str, lanes: Sequence[str], seconds: float) -> None:
        self.holds.setdefault(id, set()).update(lanes)

    async def renew(self, id: str, lanes: Sequence[str], seconds: float) -> bool:
        return set(lanes) <= self.holds.get(id, set())

    def _may_land(self, number: int, now: float, by_id: Sequence[str]) -> bool:
        sent = self.sending.get(number)
        known = self.all[number].target in by_id
        return sent is not None and (sent.deadline > now or (known and not sent.lost))

    async def under_way(self, id: str, now: float, by_id: Sequence[str] = ()) -> list[int]:
        held = self.holds.get(id, set())
        found = []
        for entry in self.all.values():
            moving = entry.state is State.INTENT or self._may_land(entry.number, now, by_id)
            lacking = entry.state is State.PARKED and entry.target == self.roles.active
            if entry.state in OPEN and (moving or lacking) and conflict(entry.lanes, held):
                found.append(entry.number)
        return found

    async def position(self) -> tuple[int, int]:
        return len(self.all), self.completion

    async def heal(self, id: str, lanes: Sequence[str], completion: int) -> list[int] | None:
        if not await self.renew(id, lanes, 0.0):
            return None
        carried, found = self.holds.get(id, set()) & set(lanes), []
        for entry in list(self.all.values()):
            may = entry.state in (State.DONE, State.PARKED, State.DIVERGED, State.UNKNOWN)
            mine = entry.target == self.roles.standby and within(entry.lanes, carried)
            if may and mine and (entry.completion or 0) <= completion:
                self.sending.pop(entry.number, None)
                self._change(entry, state=State.HEALED)
                found.append(entry.number)
        return found

    async def release(self, id: str) -> None:
        self.holds.pop(id, None)

    # ---- roles

    async def fence(self, seconds: float) -> object | None:
        if self.roles.fence is not None:
            return None
        self.roles.fence = object()
        return self.roles.fence

    async def lift(self, fence: object) -> bool:
        if fence is not self.roles.fence:
            return False
        self.roles.fence = None
        return True

    async def flip(self, epoch: int, fence: object) -> Flip:
        states = {entry.state for entry in self.all.values()}
        if epoch != self.roles.epoch:
            return Flip.STALE_EPOCH
        if fence is None or fence is not self.roles.fence:
            return Flip.UNFENCED
        if states & UNDECIDED:
            return Flip.UNDECIDED
        if State.DONE in states:
            return Flip.BEHIND
        if states & {State.DIVERGED, State.ABANDONED, State.PARKED}:
            return Flip.UNRESOLVED
        self.roles.fence = None
        self.roles.flip()
        return Flip.FLIPPED

    # ---- a person's verbs

    async def retry(self, number: int) -> bool:
        entry = self.all[number]
        if entry.state is not State.PARKED or entry.uncertain:
            return False
        self.retry_at[number] = 0.0
        self._change(entry, state=State.DONE, attempts=0)
        return True

    async def skip(self, number: int, reason: str) -> bool:
        entry = self.all[number]
        if entry.state not in (State.PARKED, State.DIVERGED, State.ABANDONED):
            return False
        self._change(entry, state=State.SKIPPED, reason=reason)
        return True

    async def abandon(self, reason: str) -> list[int]:
        found = [entry for entry in self.all.values() if entry.state in UNDECIDED]
        for entry in found:
            self._change(entry, state=State.ABANDONED, reason=reason)
        return [entry.number for entry in found]

    async def differed(self, most: int = 100) -> dict[int, str]:
        return {n: entry.differed for n, entry in sorted(self.all.items(), reverse=True) if entry.differed}

    async def counts(self) -> dict[State, tuple[int, float]]:
        listed = [e for e in self.all.values() if e.state in OPEN | {State.DIVERGED, State.ABANDONED}]
        states = {entry.state for entry in listed}
        return {s: (sum(e.state is s for e in listed), min(e.at for e in listed if e.state is s)) for s in states}
