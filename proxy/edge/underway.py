"""A journaled write at its backend, from its first byte to its durable outcome, whatever becomes of its client
(design.md section 4).

Its client waits for `answer`, until the time for an answer is over; the edge then reads on for a late one. Towards a
backend that knows the write by its id a reused connection will do: if it dies without a byte of an answer, the write is
sent once more on a fresh one, and happens once all the same. Towards any other nothing is ever sent twice; on a
connection that it promised to keep open a write may go all the same, and should that die, its outcome is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property

import structlog

from proxy.config.model import JournalSettings
from proxy.edge.forwarding import Call, Refused, Timeouts, interim_relay
from proxy.edge.headers import Field, request_head
from proxy.edge.outcomes import ANY, NOT_REACHED, certain, outcome_of, outcome_without_answer, unconfirmed
from proxy.edge.upstream import Pool, Reuse
from shadow.clock import Clock
from shadow.connection import AnswerHead, Connection, Fault, UpstreamError
from shadow.dualwrite.admission import Noted
from shadow.dualwrite.entry import Intent, Outcome, State

log = structlog.get_logger("edge")

Tell = Callable[[Outcome, float | None], Awaitable[Noted | None]]
"""Tells the journal an outcome; None if it is not known to be durable within these seconds (None: however long)."""

KEY_FIELD = b"idempotency-key"
_WITH_HEAD = 16 << 10  # bytes of a body that go with the head: one system call, and one packet or a few


@dataclass(frozen=True, slots=True)
class Side:
    """Where a write goes: the active backend of its decision."""

    pool: Pool
    timeouts: Timeouts
    cooperates: bool
    refusals: tuple[str, ...] = ()
    """Words by which a 500 of this route is a refusal."""

    @property
    def reuse(self) -> Reuse:
        """Which used connections will do: where nothing is sent twice, one that is all but certain to be open."""
        return Reuse.ANY if self.cooperates else Reuse.PROMISED


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back before the outcome was told: the head, and as much of the body as is kept."""

    head: AnswerHead
    body: bytes
    whole: bool


class Sent:
    """What goes to the backend. Its head is made while the journal is at work, if the loop gets round to that."""

    def __init__(self, call: Call, side: Side, intent: Intent) -> None:
        self._call, self._side, self._intent = call, side, intent
        side.pool.loop.call_soon(lambda: self._head)

    @cached_property
    def _head(self) -> bytes:
        head, host = self._call.head, self._side.pool.host_for(self._call.head.host)
        fields = _fields(self._call, self._side, self._intent)
        return request_head(head.method, head.target, host, fields, _length(self._call, self._intent.request.body))

    async def to(self, connection: Connection) -> None:
        """Write all of it, as fast as the backend takes it."""
        body = self._intent.request.body
        if len(body) <= _WITH_HEAD:
            return connection.write(self._head + body)
        connection.write(self._head)
        connection.write(body)
        await connection.taken()


class UnderWay:
    """One admitted write, of which `sent` goes to the backend. `start` it, await `answer`, read on from `connection`,
    then `leave`.

    `answer` is there once the outcome is durable. It raises UpstreamError, or Refused if there is an answer that the
    client must not have.
    """

    def __init__(
        self, call: Call, side: Side, intent: Intent, sent: Sent, connection: Connection, *,
        tell: Tell, settings: JournalSettings, clock: Clock,
    ) -> None:  # fmt: skip
        self.connection = connection
        self.answer: asyncio.Future[Heard] = side.pool.loop.create_future()
        self._call, self._side, self._intent, self._sent = call, side, intent, sent
        self._tell, self._settings, self._clock = tell, settings, clock
        self._readers = 2  # of the connection: the task, and whoever reads on
        self._is_late = False
        self._is_sent_again = False
        self._timer = side.pool.loop.call_later(side.timeouts.answer, self._late)
        self._telling: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """To its end: the outcome, or nothing more to hear. What goes wrong is told to the journal and to `answer`; if
        the task is cancelled, the write stays unknown."""
        running = self._side.pool.loop.create_task(self._lived())
        running.add_done_callback(self._ended)
        return running

    def leave(self) -> None:
        """The connection is not needed any more by one of those who read from it."""
        self._readers -= 1
        if self._readers == 0:
            self._side.pool.release(self.connection)

    def _give_back(self) -> None:
        """Nobody will read from the connection, whatever is waited for still: it is not kept from others meanwhile."""
        if self._readers > 0:
            self._readers = 0
            self._side.pool.release(self.connection)

    def _ended(self, running: asyncio.Task[None]) -> None:
        self._timer.cancel()
        self.leave()
        if running.cancelled():
            self.answer.cancel()
        elif (fault := running.exception()) is not None:
            log.error("edge_fault", id=self._intent.id, exc_info=fault)
            self._fail(RuntimeError(f"a fault of the edge: {fault!r}"))

    async def _lived(self) -> None:
        try:
            heard = await self._heard()
        except Exception as error:
            self._timer.cancel()
            await self._broke_off(error)
        else:
            self._timer.cancel()
            await self._answered(heard)

    # ---- at the backend

    async def _heard(self) -> Heard:
        if self.connection.reused and not (self.connection.usable and self.connection.silent):
            await self._connect_anew()
        try:
            return await self._exchanged()
        except UpstreamError as error:
            if not (error.fault is Fault.RESET and self.connection.reused and self._may_be_sent_again()):
                raise
            await self._connect_again(error)
        self._is_sent_again = True
        return await self._exchanged()

    async def _connect_anew(self) -> None:
        """In place of a used connection that ended before anything was sent on it."""
        self.connection.close()
        self._side.pool.release(self.connection)
        self.connection = await self._side.pool.acquire(Reuse.NONE)
        if self._is_late or self._clock.now() > self._intent.forward_by:
            raise UpstreamError(Fault.CONNECT_TIMEOUT, "too late to be forwarded")

    def _may_be_sent_again(self) -> bool:
        return self._side.cooperates and not self._is_late and self._clock.now() <= self._intent.forward_by

    async def _connect_again(self, died: UpstreamError) -> None:
        """A fresh connection in place of the one that died. Whatever prevents that, nobody knows the fate of the write:
        it was sent."""
        pool = self._side.pool
        pool.discard_idle()
        pool.release(self.connection)
        try:
            self.connection = await pool.acquire(Reuse.NONE)
        except UpstreamError:
            raise died from None
        if not self._may_be_sent_again():
            raise died

    async def _exchanged(self) -> Heard:
        """Send the request and collect the answer, up to the limit of what is kept."""
        connection, loop = self.connection, self._side.pool.loop
        connection.begin(self._call.head.method, interim_relay(self._call))
        await self._sent.to(connection)
        answer = await connection.head()
        if not self._is_late:
            self._timer.cancel()  # it is for the first byte; the rest may take its time, but for a pause in between
        pieces, size = [], 0
        while True:
            data, done = connection.take()
            pieces.append(data)
            size += len(data)
            if done or size > self._settings.answer_limit:
                connection.deadline = float("inf")
                return Heard(answer, b"".join(pieces), done)
            connection.deadline = loop.time() + self._side.timeouts.idle
            await connection.more()

    # ---- what became of it

    async def _answered(self, heard: Heard) -> None:
        outcome = self._outcome(heard)
        if self._is_late:
            self.connection.close()
            self._give_back()
            noted = await self._tell(outcome, None)
            log.info("late_answer", id=outcome.id, route=self._intent.route, status=heard.head.status, noted=str(noted))
            return
        refusal = unconfirmed(outcome, await self._told(outcome))
        if refusal is not None:
            self._fail(Refused(refusal))
        elif not self.answer.done():
            self.answer.set_result(heard)

    def _outcome(self, heard: Heard) -> Outcome:
        refusals = ANY if self._call.unreadable else self._side.refusals
        body = heard.body if heard.whole else None
        outcome = outcome_of(self._intent.id, heard.head, body, refusals=refusals)
        return certain(outcome, heard.head) if self._is_sent_again else outcome

    async def _broke_off(self, error: Exception) -> None:
        self._give_back()
        if self._is_late and isinstance(error, UpstreamError) and error.fault in NOT_REACHED:
            await self._tell(outcome_without_answer(self._intent.id, error), None)  # nothing was sent
            return
        if self._is_late:
            log.warning("write_stays_unknown", id=self._intent.id, route=self._intent.route, error=str(error))
            return
        if isinstance(error, UpstreamError):
            outcome = outcome_without_answer(self._intent.id, error)
        else:
            outcome = Outcome(self._intent.id, State.UNKNOWN, reason=f"a fault of the edge: {error!r}")
        await self._told(outcome)
        self._fail(error)

    async def _told(self, outcome: Outcome) -> Noted | None:
        return await self._tell(outcome, self._settings.outcome_within)

    def _fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # seen: whoever waits may be cancelled before it hears of it

    # ---- the time for an answer is over

    def _late(self) -> None:
        self._is_late = True
        loop = self._side.pool.loop
        self._timer = loop.call_later(self._settings.write_grace, self._over)
        self._telling = loop.create_task(self._tell_unknown())

    async def _tell_unknown(self) -> None:
        try:
            await self._told(Outcome(self._intent.id, State.UNKNOWN, reason="no answer in time"))
        finally:
            self._fail(UpstreamError(Fault.ANSWER_TIMEOUT))

    def _over(self) -> None:
        self.connection.fail(UpstreamError(Fault.ANSWER_TIMEOUT))


def _fields(call: Call, side: Side, intent: Intent) -> list[Field]:
    """The client's fields; a backend that cooperates gets the entry's id as its key, with originals as with copies."""
    if not side.cooperates:
        return list(call.fields)
    # Some servers take a field with underscores for the one with hyphens.
    return [field for field in call.fields if field[0].lower().replace(b"_", b"-") != KEY_FIELD] + [
        (b"Idempotency-Key", intent.id.encode())
    ]


def _length(call: Call, body: bytes) -> list[Field]:
    """A body that came in chunks goes on with its length: it is all here."""
    return [(b"Content-Length", b"%d" % len(body))] if call.head.chunked or call.head.length is not None else []
