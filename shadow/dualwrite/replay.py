"""Brings journaled writes to the standby, as parallel as they were, and says what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from shadow import metrics
from shadow.clock import Clock
from shadow.compare.diff import Limits
from shadow.compare.rules import RuleBook
from shadow.dualwrite.admission import Replays, Room, Settlement
from shadow.dualwrite.care import Care
from shadow.dualwrite.copies import Copies, TokenMinter
from shadow.dualwrite.copying import Copying
from shadow.dualwrite.entry import SETTLED, Entry, State
from shadow.dualwrite.lanes import WriteRoute
from shadow.dualwrite.resolve import Resolver
from shadow.dualwrite.session import JournalUnavailable
from shadow.sender import Target

log = structlog.get_logger("journal")

_BEHIND = 5
_TOGETHER = 12  # entries for which one statement is worth waiting


@dataclass(frozen=True, slots=True)
class Pace:
    """How the replayer goes about it."""

    at_once: int = 32
    """Copies under way at the most."""
    lease: float = 5.0
    """Seconds after which another replayer takes over from one that fell silent."""
    begin_within: float = 5.0
    """Seconds from its claim within which a copy is sent, or given back."""
    land_within: float = 30.0
    """Seconds from its sending after which a copy cannot land any more: the sender's own timeout."""
    idle: float = 0.02
    gather: float = 0.01
    gather_at_most: float = 0.03
    """Seconds for which entries that may be sent, and copies that have ended, are gathered: a statement for several
    costs hardly more than for one. As long as a dozen takes to come together, between these two. Not while the standby
    is behind: then there is enough to do without waiting."""
    resolve_every: float = 0.5
    in_turn_within: float = 0.5
    """Seconds for which what was claimed ahead of its turn waits for it; meanwhile no heal gets its lanes."""
    held_within: float = 2.0
    """Seconds for which an entry whose rows are to be carried is not claimed again: by then a heal holds its lanes."""
    behind: float = 1.0
    """Seconds after which what waits for its turn and whose rows are to be carried anyway goes with the next heal: sent
    and healed one by one, a standby that was away would catch up hardly faster than clients write."""
    care_beside: bool = True
    """Heals and unknown outcomes are seen to beside the copies, which go on meanwhile; off: between them."""

    @property
    def over_within(self) -> float:
        """Seconds from its claim after which a copy cannot land any more."""
        return self.begin_within + self.land_within


class Replayer:
    """One per machine that may lead; whoever leads has the newest term. `run` never ends by a failure."""

    def __init__(
        self, holder: str, journal: Replays, copies: Copies, resolver: Resolver, minter: TokenMinter,
        targets: Mapping[str, Target], routes: Mapping[str, WriteRoute], rules: RuleBook, limits: Limits, clock: Clock,
        pace: Pace | None = None,
    ) -> None:  # fmt: skip
        self._holder = holder
        self._journal = journal
        self._resolver = resolver
        self._targets = targets
        self._clock = clock
        self._pace = pace or Pace()
        self._copying = Copying(
            journal, copies, minter, targets, routes, rules, limits, clock,
            held_within=self._pace.held_within,
        )  # fmt: skip
        resolver.tell(self._copying.settled)
        self.use(routes, rules)
        self._to = frozenset(targets)
        self._running: dict[asyncio.Task[Settlement], Entry] = {}  # the copies of this term
        self._aside: set[asyncio.Task[Settlement]] = set()  # those of earlier terms, whose results nobody hears
        self._care = Care(
            journal, resolver, targets, clock, every=self._pace.resolve_every, adopt=self._adopt,
            carries_rows=self._carries_rows, behind=self._pace.behind,
        )  # fmt: skip
        self._caring: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._led_at = 0.0
        self._leads_until = float("-inf")  # loop time: nobody else leads before
        self._afresh = False  # the next turn begins a new term
        self._claimed_at = float("-inf")  # loop time
        self._gather = self._pace.gather
        self._behind = False  # there was more than could be claimed last, or it had waited for long
        self.term = 0
        self.leads = False

    def send_to(self, names: frozenset[str]) -> None:
        """Replay only to these backends; a side that was left behind gets nothing until it is healed.

        With none nothing is resolved or healed either.
        """
        self._to = names

    def use(self, routes: Mapping[str, WriteRoute], rules: RuleBook) -> None:
        """Take copies that begin from now on by another route table and other rules."""
        self._routes = routes
        self._copying.use(routes, rules)
        self._apart = sorted(name for name, route in routes.items() if route.carry != "request")

    def stop(self) -> None:
        """Ask `run` to end once the copies under way have ended."""
        self._stopped.set()

    async def run(self) -> None:
        """Lead whenever nobody else does, and replay, until `stop`."""
        while not self._stopped.is_set():
            try:
                busy = await self.turn()
            except JournalUnavailable as error:
                log.warning("replay_waits", error=str(error))
                busy = False
            if not busy:
                with suppress(TimeoutError):  # the stop would be early, not the pause late
                    await asyncio.wait_for(self._stopped.wait(), self._pace.idle)
        await self.finish()

    async def finish(self) -> None:
        """Wait for the copies under way, say what became of them, and let another one lead."""
        if self._caring is not None:
            with suppress(JournalUnavailable):
                await self._caring
        if copies := {*self._running, *self._aside}:
            await asyncio.wait(copies)
        with suppress(JournalUnavailable):  # then the next leader finds them under way and sees to them
            await self._settle_finished()
            await self._journal.step_down(self._holder, self.term)

    async def turn(self) -> bool:
        """One round: lead, look after what was left behind, say what became of copies and send what may be sent.
        Whether anything was done."""
        if not await self._lead():
            return False
        if self._to:
            await self._look_after()
        await self._gather_new()
        busy = await self._settle_and_claim()
        await self._gather_ended()
        return busy or bool(self._running) or self._care.waits

    async def _gather_new(self) -> None:
        pause = self._claimed_at + self._gather - asyncio.get_running_loop().time()
        if pause > 0 and not self._behind:
            await asyncio.sleep(pause)

    async def _gather_ended(self) -> None:
        if self._running and not self._behind:
            await asyncio.wait(self._running, timeout=self._gather)
        if not any(task.done() for task in self._running) and (under_way := self._under_way()):
            await asyncio.wait(under_way, timeout=self._pace.idle, return_when=asyncio.FIRST_COMPLETED)

    def _under_way(self) -> list[asyncio.Task[Any]]:
        return [*self._running, *([self._caring] if self._caring else [])]

    async def _lead(self) -> bool:
        """Whether we lead. Who just said so need not say it again: a lease outlives many turns, and nothing is claimed
        or settled under a term that is over."""
        now = self._clock.now()
        if self._afresh:
            await self._settle_finished()  # while the term lasts we are heard
            await self._journal.step_down(self._holder, self.term)
            self._afresh = self.leads = False
            self.term = -1  # no term of ours goes on
        if self.leads and 0 <= now - self._led_at < self._pace.lease / 5:
            return True
        until = asyncio.get_running_loop().time() + self._pace.lease
        term = await self._journal.lead(self._holder, self.term, self._pace.lease)
        self.leads, self._led_at, self._leads_until = term is not None, now, until
        if term is not None and term != self.term:
            log.info("replayer_leads", term=term, holder=self._holder)
            self.term = term
            self._copying.begin_term()
            self._put_aside()
        return self.leads

    def _put_aside(self) -> None:
        """Copies of an earlier term are for this one to see to as for any other: as orphans."""
        for task, entry in self._running.items():
            metrics.REPLAYED.labels("stale", entry.route).inc()
            self._aside.add(task)
            task.add_done_callback(partial(self._passed_over, entry.number))
        self._running.clear()

    def _passed_over(self, number: int, task: asyncio.Task[Settlement]) -> None:
        self._aside.discard(task)
        if all(entry.number != number for entry in self._running.values()):
            self._copying.to_carry.pop(number, None)

    async def _settle_and_claim(self) -> bool:
        finished = [task for task in self._running if task.done()]
        most = self._pace.at_once - len(self._running) + len(finished)
        if most <= 0:
            return False
        now, began = self._clock.now(), asyncio.get_running_loop().time()
        under_way = [entry.number for task, entry in self._running.items() if task not in finished]
        room = Room(
            most, sorted(self._to), self._unmodified(), self._apart, under_way, now, now + self._pace.over_within
        )
        try:
            heard, entries = await self._journal.turn(self.term, [task.result() for task in finished], room)
        except JournalUnavailable:
            self._afresh = True  # what was claimed, if anything was, nobody will send: it is for another term to see to
            raise
        self._noted(finished, heard)
        for entry in entries:
            self._begin(entry, now)
        self._keep_pace(entries, most, now, began)
        return bool(finished or entries)

    def _keep_pace(self, claimed: Sequence[Entry], most: int, now: float, began: float) -> None:
        """How long to gather before the next claim, by how many this one has found of so many at the most."""
        each = (began - self._claimed_at) / max(1, len(claimed))
        self._claimed_at = began
        self._gather = min(max(_TOGETHER * each, self._pace.gather), self._pace.gather_at_most)
        late = now - _BEHIND * self._pace.gather
        self._behind = len(claimed) >= most or any(entry.at < late for entry in claimed)

    def _unmodified(self) -> list[str]:
        return sorted(name for name, target in self._targets.items() if not target.cooperates)

    def _begin(self, entry: Entry, claimed: float, *, adopted: bool = False) -> None:
        copy = self._copy(entry, claimed, self._before(entry), adopted)
        self._running[asyncio.get_running_loop().create_task(copy, name=f"copy {entry.number}")] = entry

    def _before(self, entry: Entry) -> list[asyncio.Task[Settlement]]:
        """Copies under way of what had completed before it began."""
        return [task for task, other in self._running.items() if (other.completion or 0) <= entry.after]

    async def _adopt(self, term: int, entry: Entry) -> bool:
        """Ask again, under this term, what became of an earlier one's copy."""
        now = self._clock.now()
        under_way = [other.number for other in self._running.values()]
        try:
            adopted = await self._journal.adopt(term, entry.number, now + self._pace.over_within, under_way)
        except JournalUnavailable:
            self._afresh = True  # it may have been taken over without our hearing of it
            raise
        if adopted and term == self.term and not self._afresh:
            self._begin(entry, now, adopted=True)
        return adopted

    async def _settle_finished(self) -> None:
        if finished := [task for task in self._running if task.done()]:
            self._noted(finished, await self._journal.settle(self.term, [task.result() for task in finished]))

    def _noted(self, finished: list[asyncio.Task[Settlement]], heard: list[bool]) -> None:
        for task, was_heard in zip(finished, heard, strict=True):
            settlement, entry = task.result(), self._running.pop(task)
            metrics.REPLAYED.labels(str(settlement.act) if was_heard else "stale", entry.route).inc()
            lanes = self._copying.to_carry.pop(settlement.number, None)
            if was_heard and lanes is not None:
                self._care.carry(settlement.number, lanes)
            if was_heard and settlement.act in SETTLED | {State.PARKED}:
                self._copying.settled(settlement.number)

    async def _look_after(self) -> None:
        if not self._pace.care_beside:
            return await self._care.look(self.term)
        if self._caring is not None and self._caring.done():
            caring, self._caring = self._caring, None
            caring.result()
        if self._caring is None and self._care.due:
            self._caring = asyncio.get_running_loop().create_task(self._care.look(self.term), name="care")

    def _carries_rows(self, entry: Entry) -> bool:
        return self._routes.get(entry.route, WriteRoute()).carry != "request"

    # ---- one copy

    async def _copy(
        self, entry: Entry, claimed: float, before: Collection[asyncio.Task[Settlement]], adopted: bool
    ) -> Settlement:
        """What became of the copy of one entry, which is sent after these. Never raises."""
        # An earlier leader may have sent what was adopted: it is not given back as if nobody had.
        back = "again" if adopted else "back"
        if before and not await self._has_its_turn(before, None if adopted else self._pace.in_turn_within):
            return Settlement(entry.number, back, "what is before it did not go well")
        sent = await self._copying.copy(entry, begin_by=claimed + self._pace.begin_within)
        return sent or Settlement(entry.number, back, "too late to be sent under this claim")

    async def _has_its_turn(self, before: Collection[asyncio.Task[Settlement]], within: float | None) -> bool:
        """Whether these copies went well in this time, and nobody else can lead by now: we may have been frozen."""
        term = self.term
        return await _went_well(before, within) and term == self.term and self._surely_leads()

    def _surely_leads(self) -> bool:
        return self.leads and asyncio.get_running_loop().time() < self._leads_until


async def _went_well(copies: Collection[asyncio.Task[Settlement]], within: float | None) -> bool:
    """Whether all of these were settled by their answers in time."""
    ended, left = await asyncio.wait(copies, timeout=within)
    return not left and all(task.result().act in SETTLED for task in ended)
