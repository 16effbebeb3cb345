"""The journal writer: it takes the intents and outcomes of its edges and commits them in groups.

There is one per machine: of several edges in a process of its own (`listener`), of a single one inside it (`inside`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, cast

import structlog

from shadow import metrics
from shadow.clock import Clock, SystemClock
from shadow.dualwrite.admission import Admission, Admitted, Appends, Noted, Refused, Why
from shadow.dualwrite.entry import Intent, Outcome, State
from shadow.dualwrite.ordering import heads
from shadow.dualwrite.session import JournalUnavailable

log = structlog.get_logger("journal")

MOST_IN_A_BATCH = 256
LOOK_AGAIN = 0.01  # how soon a busy lane is asked for again: another machine may have let it go
LONGEST_PAUSE = 1.0
STAY_EVERY = 0.5  # how often we see to it that we are connected, while a write is under way and there is nothing to say
HELD_AT_MOST = 64 * 1024 * 1024
COMMITTED_AT_MOST = 16 * 1024 * 1024  # bytes of either kind, or one that is larger
NEVER_FORWARDED = "it was never forwarded"


class Edge(Protocol):
    """An edge as its writer sees it."""

    @property
    def gone(self) -> bool:
        """Nobody is there any more to forward anything."""

    def tell(self, turn: int, answer: Admission | Noted) -> None:
        """Answer, with the next `flush` at the latest."""

    def flush(self) -> None:
        """What was told is on its way once this returns."""

    def pause(self) -> None:
        """Ask nothing for now: too much is held."""

    def resume(self) -> None:
        """Ask again."""

    def close(self) -> None:
        """The writer ends: look for another."""


@dataclass(eq=False, slots=True)
class Asked:
    """One question of an edge; `size` in bytes of memory that waiting for its answer takes."""

    edge: Edge | None  # None: our own, nobody waits for the answer
    turn: int
    what: Intent | Outcome
    size: int = 0


class JournalWriter:
    """Works from `run` to `stop`. Whatever it answered is durable; an outcome that it took is never dropped.

    What queues up while a commit runs goes into the next one. While more than 64 MiB are held it asks its edges to
    pause.
    """

    def __init__(self, journal: Appends, clock: Clock | None = None) -> None:
        self._journal = journal
        self._clock = clock or SystemClock()
        self._new: deque[Asked] = deque()
        self._waiting: list[Asked] = []  # intents whose lanes are busy, or that meet a fence; first come first
        self._outcomes: deque[Asked] = deque()
        self._undecided: dict[str, Edge] = {}
        self._edges: set[Edge] = set()
        self._given_up: list[str] = []  # whose places in the queue nobody needs any more
        self._committing: set[str] = set()  # ids of the intents in the commit that runs now
        self._closed: set[str] = set()  # those of them that their edge has given up meanwhile
        self._held = 0
        self._wake = asyncio.Event()
        self._stopped = asyncio.Event()
        self._is_over = False
        self.alone = asyncio.Event()  # while no edge is connected
        self.alone.set()
        self.commits = 0

    def stop(self) -> None:
        """Ask `run` to end, once the outcomes that it holds are durable or PostgreSQL does not answer."""
        self._stopped.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`; then every edge is told to look for another writer."""
        try:
            await self._work()
        finally:
            self._is_over = True
            for edge in list(self._edges):
                edge.close()

    async def _work(self) -> None:
        failures = 0
        while not (self._stopped.is_set() and not self._outcomes):
            if not (self._new or self._outcomes):
                await self._woken(self._patience())
            self._wake.clear()
            try:
                if not await self._commit() and self._undecided:
                    await self._journal.stay()
                self._flush()
                failures = 0
            except JournalUnavailable as error:
                self._flush()
                failures += 1
                log.warning("journal_unavailable", error=str(error), outcomes_kept=len(self._outcomes))
                if self._stopped.is_set():
                    return
                await asyncio.sleep(min(LONGEST_PAUSE, 0.02 * 2.0 ** min(failures, 10)))

    async def _woken(self, within: float | None) -> None:
        """Until somebody asks, or for so long. By a timer: before Python 3.12 `wait_for` makes a task of what it waits
        for, and every write waits here."""
        timer = None if within is None else asyncio.get_running_loop().call_later(within, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()

    def _patience(self) -> float | None:
        """How long nothing needs to be done if nobody asks."""
        if self._waiting:
            return LOOK_AGAIN
        return STAY_EVERY if self._undecided else None

    async def _commit(self) -> bool:
        """What has queued up, in one commit; whether there was anything. Outcomes are kept if it fails: telling them
        twice does no harm."""
        now = self._clock.now()
        self._give_up_late(now)
        self._flush()
        if self._given_up:
            await self._journal.forget_waiting(self._given_up, now)
            self._given_up.clear()
        ended = _first(self._outcomes, MOST_IN_A_BATCH)
        begun = self._next_intents()
        if not (ended or begun):
            return False
        self._committing = {asked.what.id for asked in begun}
        self._closed.clear()
        try:
            noted, admissions = await self._journal.commit(
                [cast(Outcome, asked.what) for asked in ended], [cast(Intent, asked.what) for asked in begun], now
            )
        except JournalUnavailable:
            for asked in begun:  # they may be durable all the same, and nobody is going to forward them
                self._tell(Outcome(asked.what.id, State.FAILED, reason=NEVER_FORWARDED))
                self._answer(asked, Refused(Why.UNAVAILABLE))
            raise
        self.commits += 1
        for asked, what in zip(ended, noted, strict=True):
            self._outcomes.popleft()
            self._undecided.pop(asked.what.id, None)
            self._answer(asked, what)
        for asked, admission in zip(begun, admissions, strict=True):
            self._admitted_or_not(asked, admission, now)
        self._committing.clear()
        self._waiting.sort(key=lambda asked: (cast(Intent, asked.what).at, asked.what.id))
        return True

    def _next_intents(self) -> list[Asked]:
        """Everything new, and of those that wait the ones that nobody here is before."""
        chosen = {place for place in heads([cast(Intent, asked.what).lanes for asked in self._waiting])}
        batch = _first((asked for place, asked in enumerate(self._waiting) if place in chosen), MOST_IN_A_BATCH)
        taken = set(map(id, batch))
        self._waiting = [asked for asked in self._waiting if id(asked) not in taken]
        new = _first(self._new, MOST_IN_A_BATCH)
        for _ in new:
            self._new.popleft()
        return batch + new

    def _admitted_or_not(self, asked: Asked, answer: Admission, now: float) -> None:
        intent = cast(Intent, asked.what)
        waits = isinstance(answer, Refused) and answer.why in (Why.QUEUED, Why.FENCED)
        unwanted = asked.edge is None or asked.edge.gone or intent.id in self._closed
        if unwanted and waits:
            self._given_up.append(intent.id)
        elif isinstance(answer, Admitted) and unwanted:
            self._tell(Outcome(intent.id, State.FAILED, reason=NEVER_FORWARDED))
        elif isinstance(answer, Admitted) and asked.edge is not None:
            self._undecided[intent.id] = asked.edge
        elif waits and intent.wait_until > now:
            self._waiting.append(asked)
            return
        self._answer(asked, answer)

    def _give_up_late(self, now: float) -> None:
        late = [asked for asked in self._waiting if cast(Intent, asked.what).wait_until <= now]
        self._waiting = [asked for asked in self._waiting if asked not in late]
        self._given_up += [asked.what.id for asked in late]
        for asked in late:
            self._answer(asked, Refused(Why.QUEUED))

    def _answer(self, asked: Asked, answer: Admission | Noted) -> None:
        self._held -= asked.size
        if not isinstance(answer, Noted):
            metrics.APPENDED.labels(_named(answer)).inc()
        if asked.edge is not None:
            asked.edge.tell(asked.turn, answer)
        if self._held <= HELD_AT_MOST // 2:
            for edge in self._edges:
                edge.resume()

    def _flush(self) -> None:
        """Send what was answered: all that was in a commit with one system call."""
        for edge in self._edges:
            edge.flush()

    def _tell(self, outcome: Outcome) -> None:
        self._outcomes.append(Asked(None, 0, outcome))
        self._wake.set()

    # ---- called by the edges

    def take(self, questions: Iterable[Asked]) -> None:
        """What an edge asked."""
        for asked in questions:
            self._held += asked.size
            if isinstance(asked.what, Intent):
                self._new.append(asked)
            else:
                if asked.what.state is State.FAILED and asked.what.answer is None:
                    self._forget(asked.what.id)
                self._outcomes.append(asked)
        self._wake.set()
        if self._held > HELD_AT_MOST:
            self._shed()
        if self._held > HELD_AT_MOST:
            for reading in self._edges:
                reading.pause()

    def _shed(self) -> None:
        """Refuse those that came last and wait for busy lanes. To ask the edges to pause would not do: the outcome that
        frees a lane would not be heard either."""
        while self._waiting and self._held > HELD_AT_MOST // 2:
            asked = self._waiting.pop()
            self._given_up.append(asked.what.id)
            self._answer(asked, Refused(Why.QUEUED))

    def _forget(self, id: str) -> None:
        """An outcome of what was never forwarded: it may not be admitted yet, and its edge has given it up."""
        if id in self._committing:
            self._closed.add(id)
        self._given_up += [asked.what.id for asked in self._waiting if asked.what.id == id]
        self._waiting = [asked for asked in self._waiting if asked.what.id != id]
        self._new = deque(asked for asked in self._new if asked.what.id != id)

    def connected(self, edge: Edge) -> None:
        """A new edge. Raises ConnectionRefusedError if nobody works here any more."""
        if self._is_over:
            raise ConnectionRefusedError("the journal writer has ended")
        self._edges.add(edge)
        self.alone.clear()

    def lost(self, edge: Edge) -> None:
        """An edge is gone: what it had under way is unknown, unless it comes back and tells."""
        self._edges.discard(edge)
        if not self._edges:
            self.alone.set()
        self._given_up += [asked.what.id for asked in self._waiting if asked.edge is edge]
        self._waiting = [asked for asked in self._waiting if asked.edge is not edge]
        for id in [id for id, owner in self._undecided.items() if owner is edge]:
            del self._undecided[id]
            self._tell(Outcome(id, State.UNKNOWN, reason="its edge is gone"))


def _first(queue: Iterable[Asked], most: int) -> list[Asked]:
    """So many at most, and no more bytes than a commit should have."""
    found: list[Asked] = []
    size = 0
    for asked in islice(queue, most):
        size += asked.size
        if found and size > COMMITTED_AT_MOST:
            break
        found.append(asked)
    return found


def _named(answer: Admission) -> str:
    """For the count; a refusal by its reason."""
    return answer.why.value if isinstance(answer, Refused) else type(answer).__name__.lower()
