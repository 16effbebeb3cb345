"""The edge's side of the journal: intents and outcomes go to a journal writer, over whatever link there is to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import cached_property
from typing import Protocol, TypeVar

import structlog

from shadow.clock import Clock, SystemClock
from shadow.dualwrite.admission import Admission, Noted, Refused, Why
from shadow.dualwrite.entry import Intent, Outcome, State
from shadow.dualwrite.writer import NEVER_FORWARDED

log = structlog.get_logger("journal")

_T = TypeVar("_T")

FIRST_DELAY = 0.02
LONGEST_DELAY = 1.0
PATIENCE = 2.0  # seconds beyond an intent's own `wait_until` that the writer may take


class Link(Protocol):
    """A way to a writer, until it is `lost`. It calls the client's `heard` with every answer and, in the end, its
    `disconnected`."""

    @property
    def lost(self) -> asyncio.Event:
        """Set once nothing can be sent or heard any more."""

    def send(self, turn: int, what: Intent | Outcome) -> None:
        """Ask. What cannot be sent any more is lost: the client tells it again over the next link."""

    def close(self) -> None:
        """End it, after what was sent."""


class JournalClient:
    """One per edge process, used from its event loop only. It connects by itself, and again whenever it is cut off.

    - `intent` asks at once; its answer comes within the intent's `wait_until` and two seconds more. On `Admitted` the
      write may be forwarded (check `forward_by` first), on anything else it must not be.
    - `outcome` returns once the outcome is durable; give it up (`asyncio.timeout`) whenever you like: it is kept and
      told again until it is. Every admitted intent needs one.
    """

    def __init__(self, dial: Dial, clock: Clock | None = None) -> None:
        self._dial = dial
        self._clock = clock or SystemClock()
        self._turn = 0
        self._intents: dict[int, tuple[Intent, asyncio.Future[Admission | None]]] = {}
        self._outcomes: dict[int, tuple[Outcome, asyncio.Future[Noted | None]]] = {}
        self._link: Link | None = None
        self._reached = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, and keep trying. Needs a running event loop."""
        self._keeper = self._loop.create_task(self._keep(), name="journal client")

    async def stop(self) -> None:
        """Disconnect. What becomes of outcomes that are not durable yet is not heard here any more; the writer makes
        those durable that it has, and takes the other writes for unknown."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._outcomes:
            log.warning("outcomes_left", count=len(self._outcomes))
        if self._link is not None:
            self._link.close()

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Asked for once: before Python 3.12 asking is a system call."""
        return asyncio.get_running_loop()

    @property
    def is_connected(self) -> bool:
        """Whether the writer can be reached now."""
        return self._link is not None

    async def connected_within(self, seconds: float) -> bool:
        """Wait for the writer; False if it cannot be reached in this time, and is looked for on."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._reached.wait(), seconds)
        return self.is_connected

    @property
    def untold(self) -> int:
        """Outcomes that are not known to be durable."""
        return len(self._outcomes)

    def intent(self, intent: Intent) -> Coroutine[None, None, Admission]:
        """Ask for admission; await the answer. That never raises but CancelledError, also after `give_up`; then, too,
        the intent is closed as never forwarded."""
        self._turn += 1
        future: asyncio.Future[Admission | None] = self._loop.create_future()
        if self._link is None:
            future.set_result(Refused(Why.UNAVAILABLE))
        else:
            self._intents[self._turn] = intent, future
            self._link.send(self._turn, intent)
        return self._admission(self._turn, intent, future)

    async def _admission(self, turn: int, intent: Intent, future: asyncio.Future[Admission | None]) -> Admission:
        patience = max(0.0, intent.wait_until - self._clock.now()) + PATIENCE
        timer = self._loop.call_later(patience, _set, future, None)
        try:
            admission = await future
        except asyncio.CancelledError:
            self._close(intent)
            raise
        finally:
            timer.cancel()
            self._intents.pop(turn, None)
        if admission is None:
            self._close(intent)
        return admission or Refused(Why.UNAVAILABLE)

    def give_up(self, id: str) -> None:
        """Nobody wants this intent any more: `intent` ends at once, and its place in the queue goes."""
        for intent, future in list(self._intents.values()):
            if intent.id == id:
                future.cancel()

    async def outcome(self, outcome: Outcome, within: float | None = None) -> Noted | None:
        """Tell what became of a write; what is known once this returns is durable. None if that took longer than
        *within* seconds: it is told on."""
        told = self._told(outcome)
        timer = None if within is None else self._loop.call_later(within, _set, told, None)
        try:
            return await told  # whoever is cancelled meanwhile does not cancel the telling
        finally:
            if timer is not None:
                timer.cancel()

    def _told(self, outcome: Outcome) -> asyncio.Future[Noted | None]:
        self._turn += 1
        future: asyncio.Future[Noted | None] = self._loop.create_future()
        self._outcomes[self._turn] = outcome, future
        if self._link is not None:
            self._link.send(self._turn, outcome)
        return future

    def _close(self, intent: Intent) -> None:
        self._told(Outcome(intent.id, State.FAILED, reason=NEVER_FORWARDED))

    async def _keep(self) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                link = await self._dial(self)
            except OSError as error:
                log.debug("journal_writer_unreachable", error=str(error), again_in=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
            else:
                delay = FIRST_DELAY
                await link.lost.wait()

    # ---- called by the link

    def connected(self, link: Link) -> None:
        """Tell again what is not known to be durable."""
        self._link = link
        self._reached.set()
        for turn, (outcome, _) in self._outcomes.items():
            link.send(turn, outcome)

    def disconnected(self) -> None:
        """Nobody can say whether these were admitted; they are not forwarded, so they are closed."""
        self._link = None
        self._reached.clear()
        for _, future in list(self._intents.values()):
            _set(future, None)

    def heard(self, turn: int, answer: Admission | Noted) -> None:
        """An answer of the writer."""
        if isinstance(answer, Noted):
            _, noted = self._outcomes.pop(turn, (None, None))
            if noted is not None:
                _set(noted, answer)
            return
        _, future = self._intents.get(turn, (None, None))
        if future is not None:
            _set(future, answer)


def _set(future: asyncio.Future[_T], result: _T) -> None:
    """Unless whoever waits has it already, or has gone."""
    if not future.done():
        future.set_result(result)


Dial = Callable[[JournalClient], Awaitable[Link]]
"""Makes a link for this client, which hears of it by `connected`. Raises OSError while there is no writer."""
