"""The edge's side of the journal: intents and outcomes go to the machine's writer over a unix socket."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

import structlog

from shadow.channel import Frames
from shadow.clock import Clock, SystemClock
from shadow.dualwrite import messages
from shadow.dualwrite.admission import Admission, Noted, Refused, Why
from shadow.dualwrite.entry import Intent, Outcome, State
from shadow.dualwrite.writer import FRAME_LIMIT, NEVER_FORWARDED

log = structlog.get_logger("journal")

_T = TypeVar("_T")

FIRST_DELAY = 0.02
LONGEST_DELAY = 1.0
PATIENCE = 2.0  # seconds beyond an intent's own `wait_until` that the writer may take


class JournalClient:
    """One per edge process, used from its event loop only. It connects by itself, and again whenever it is cut off.

    - `intent` always answers within the intent's `wait_until` and two seconds more; on `Admitted` the write may be
      forwarded (check `forward_by` first), on anything else it must not be.
    - `outcome` returns once the outcome is durable; give it up (`asyncio.timeout`) whenever you like: it is kept and
      told again until it is. Every admitted intent needs one.
    """

    def __init__(self, path: str | Path, clock: Clock | None = None) -> None:
        self._path = str(path)
        self._clock = clock or SystemClock()
        self._turn = 0
        self._intents: dict[int, tuple[Intent, asyncio.Future[Admission | None]]] = {}
        self._outcomes: dict[int, tuple[Outcome, asyncio.Future[Noted | None]]] = {}
        self._line: _Line | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, and keep trying. Needs a running event loop."""
        self._keeper = self._loop.create_task(self._keep(), name="journal client")

    async def stop(self) -> None:
        """Disconnect. Outcomes that are not durable yet are lost to us; the writer takes their writes for unknown."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._outcomes:
            log.warning("outcomes_left", count=len(self._outcomes))
        if self._line is not None:
            self._line.close()

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Asked for once: before Python 3.12 asking is a system call."""
        return asyncio.get_running_loop()

    @property
    def is_connected(self) -> bool:
        """Whether the writer can be reached now."""
        return self._line is not None

    @property
    def untold(self) -> int:
        """Outcomes that are not known to be durable."""
        return len(self._outcomes)

    async def intent(self, intent: Intent) -> Admission:
        """Ask for admission. Never raises but CancelledError, also after `give_up`; then, too, the intent is closed as
        never forwarded."""
        if self._line is None:
            return Refused(Why.UNAVAILABLE)
        self._turn += 1
        turn = self._turn
        future: asyncio.Future[Admission | None] = self._loop.create_future()
        self._intents[turn] = intent, future
        self._line.send(messages.intent(turn, intent))
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
        if self._line is not None:
            self._line.send(messages.outcome(self._turn, outcome))
        return future

    def _close(self, intent: Intent) -> None:
        self._told(Outcome(intent.id, State.FAILED, reason=NEVER_FORWARDED))

    async def _keep(self) -> None:
        delay = FIRST_DELAY
        while True:
            line = _Line(self)
            try:
                await asyncio.get_running_loop().create_unix_connection(lambda line=line: line, self._path)  # type: ignore[misc]
            except OSError as error:
                log.debug("journal_writer_unreachable", error=str(error), again_in=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
            else:
                delay = FIRST_DELAY
                await line.lost.wait()

    # ---- called by the connection

    def connected(self, line: _Line) -> None:
        """Tell again what is not known to be durable."""
        self._line = line
        for turn, (outcome, _) in self._outcomes.items():
            line.send(messages.outcome(turn, outcome))

    def disconnected(self) -> None:
        """Nobody can say whether these were admitted; they are not forwarded, so they are closed."""
        self._line = None
        for _, future in list(self._intents.values()):
            _set(future, None)

    def heard(self, frame: bytes) -> None:
        """An answer of the writer."""
        turn, answer = messages.answered(frame)
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


class _Line(asyncio.Protocol):
    """One connection to the writer."""

    def __init__(self, client: JournalClient) -> None:
        self._client = client
        self._frames = Frames(FRAME_LIMIT)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []  # of one round of the event loop: one system call, and one batch for the writer
        self._loop = asyncio.get_running_loop()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._client.connected(self)

    def data_received(self, data: bytes) -> None:
        frames, _ = self._frames.feed(data)
        try:
            for frame in frames:
                self._client.heard(frame)
        except ValueError as error:
            log.error("journal_answer_unreadable", error=str(error))
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._client.disconnected()
        self.lost.set()

    def send(self, frame: bytes) -> None:
        """Write; what cannot be sent any more is told again on the next connection."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(frame)

    def _flush(self) -> None:
        frames, self._unsent = self._unsent, []
        if frames and self._transport is not None:
            with suppress(RuntimeError):
                self._transport.write(b"".join(frames))

    def close(self) -> None:
        """End the connection, after what was sent."""
        if self._transport is not None:
            if self._unsent:
                self._flush()
            self._transport.close()
