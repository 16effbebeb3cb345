"""One journaled write: made durable, forwarded, its outcome made durable, and only then answered (design.md section 4).

Nothing of a write is forwarded before its intent is durable, nor after its `forward_by`; nothing of the answer is given
before the outcome is durable. A client that has got its 504 is not waited for: the edge reads on for a late answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import uuid
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
import structlog

from proxy.config.model import JournalSettings
from proxy.edge.arrived import Arrived, ClientGone
from proxy.edge.body import whole_body
from proxy.edge.clients import claims_of
from proxy.edge.forwarding import Answered, Call, Refused, Timeouts, interim_relay, persistence, relay
from proxy.edge.head import RawFields
from proxy.edge.headers import Field, answer_head, first_value, request_head
from proxy.edge.outcomes import (
    ANY,
    BAD_KEY,
    LATE,
    is_unreadable,
    not_admitted,
    outcome_of,
    outcome_without_answer,
    unconfirmed,
)
from proxy.edge.routing import Decision, Matched, parameters
from proxy.edge.upstream import Ahead, Pool
from shadow.answer import Answer
from shadow.clock import Clock, SystemClock
from shadow.connection import NO_BODY, AnswerHead, Connection, Fault, UpstreamError
from shadow.dualwrite.admission import Admission, Admitted, Noted, Repeated, Why
from shadow.dualwrite.client import JournalClient
from shadow.dualwrite.entry import Intent, Outcome, Request, State
from shadow.dualwrite.lanes import lane_of_its_own, lanes_of

log = structlog.get_logger("edge")

_KEY = b"idempotency-key"
_ACCEPTABLE_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
_ANONYMOUS = "anonymous"
_WITH_HEAD = 16 << 10  # bytes of a body that go with the head: one system call, and one packet or a few
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Side:
    """Where a write goes: the active backend of its decision."""

    name: str
    pool: Pool
    timeouts: Timeouts
    cooperates: bool
    refusals: tuple[str, ...] = ()


class Moved(Exception):
    """The roles have changed: route again."""


@dataclass(slots=True)
class _Heard:
    """What came back before the outcome was told: the head, and as much of the body as is kept."""

    head: AnswerHead
    body: bytes
    whole: bool


class Writes:
    """The journaled writes of one edge process."""

    def __init__(self, journal: JournalClient, settings: JournalSettings, clock: Clock | None = None) -> None:
        self._journal = journal
        self._settings = settings
        self._clock = clock or SystemClock()
        self._large = asyncio.Semaphore(4)  # bodies beyond `spool` that are in memory at once
        self._under_way: set[asyncio.Task[Answered]] = set()
        self._late: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Give up what has not ended; these writes stay unknown for the resolver."""
        left: list[asyncio.Task[Any]] = [*self._late, *self._under_way]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def serve(self, call: Call, decision: Decision, side: Side) -> Answered:
        """One write, to its answer. Raises UpstreamError, Refused or ClientGone while nothing is written, and Moved if
        the roles have changed since the decision: then nothing was done, and it may be served by another one."""
        async with AsyncExitStack() as held:

            def room() -> Awaitable[object]:
                return held.enter_async_context(self._large)

            if call.whole is None:
                call.whole = await whole_body(call, side.timeouts.body, self._settings.spool, room)
                call.unreadable = is_unreadable(call.head.fields, call.whole)
            elif len(call.whole) > self._settings.spool:
                await room()
            return await self._admitted(call, decision, side, call.whole)

    async def _admitted(self, call: Call, decision: Decision, side: Side, body: bytes) -> Answered:
        intent = self._intent(call, decision, side, body)
        with Ahead(side.pool) as ahead:
            admission = await self._admission(call.arrived, intent)
            if isinstance(admission, Admitted):
                return await self._forwarded(call, decision, side, intent, ahead)
        if isinstance(admission, Repeated):
            return _repeated(call, admission.answer)
        log.info("write_not_admitted", why=admission.why.value, route=decision.route.name)
        if admission.why is Why.STALE_EPOCH:
            raise Moved
        raise Refused(not_admitted(admission.why))

    async def _admission(self, arrived: Arrived, intent: Intent) -> Admission:
        """The journal's answer. A client that leaves meanwhile takes its place in the queue along."""

        def give_up() -> None:
            self._journal.give_up(intent.id)

        arrived.when_gone(give_up)
        try:
            return await self._journal.intent(intent)
        except asyncio.CancelledError:
            if arrived.gone:
                raise ClientGone from None
            raise
        finally:
            arrived.when_gone(None)

    def _intent(self, call: Call, decision: Decision, side: Side, body: bytes) -> Intent:
        now, head, route = self._clock.now(), call.head, decision.route
        authorization = first_value(head.fields, b"authorization")
        claims = None if authorization is None else claims_of(authorization)
        id = uuid.uuid4().hex
        return Intent(
            id=id,
            epoch=decision.epoch,
            at=now,
            forward_by=now + self._settings.queue + self._settings.forward_within,
            route=route.name,
            lanes=(lane_of_its_own(id),) if call.unreadable else _lanes(call, route, body, claims),
            request=Request(head.method, head.target, head.host or b"", tuple(call.fields), body),
            client=decision.client or _ANONYMOUS,
            actor=None if claims is None else orjson.dumps(claims).decode(),
            key=_client_key(head.fields, authorization),
            fingerprint=hashlib.sha256(b"%b %b\n%b" % (head.method.encode(), head.target, body)).hexdigest(),
            sequence=route.write.sequence,
            wait_until=now + self._settings.queue,
        )

    # ---- forwarding

    async def _forwarded(self, call: Call, decision: Decision, side: Side, intent: Intent, ahead: Ahead) -> Answered:
        try:
            connection = await ahead.take()
        except UpstreamError as error:
            await self._told(outcome_without_answer(intent.id, error))
            raise
        except BaseException:
            await asyncio.shield(self._told(Outcome(intent.id, State.FAILED, reason="it was never forwarded")))
            raise
        if self._clock.now() > intent.forward_by:
            side.pool.release(connection)
            await self._told(Outcome(intent.id, State.FAILED, reason="too late to be forwarded"))
            raise Refused(LATE)
        asking = side.pool.loop.create_task(self._asked(call, side, connection, intent))
        asking.add_done_callback(_seen)
        # Whatever becomes of the client or of this task, the outcome is told: the write is under way.
        watched = side.pool.loop.create_task(self._watched(call, decision, side, connection, intent, asking))
        self._under_way.add(watched)
        watched.add_done_callback(self._ended)
        return await asyncio.shield(watched)

    def _ended(self, watched: asyncio.Task[Answered]) -> None:
        self._under_way.discard(watched)
        _seen(watched)

    async def _asked(self, call: Call, side: Side, connection: Connection, intent: Intent) -> _Heard:
        """Send the request and collect the answer, up to the limit of what is kept."""
        head, request = call.head, intent.request
        connection.begin(head.method, interim_relay(call))
        fields, length = _fields(call, side, intent), _length(call, request.body)
        told = request_head(head.method, head.target, side.pool.host_for(head.host), fields, length)
        if len(request.body) <= _WITH_HEAD:
            connection.write(told + request.body)
        else:
            connection.write(told)
            connection.write(request.body)
            await connection.drain()
        answer = await connection.head()
        pieces, size = [], 0
        while True:
            data, done = connection.take()
            pieces.append(data)
            size += len(data)
            if done or size > self._settings.answer_limit:
                connection.deadline = float("inf")
                return _Heard(answer, b"".join(pieces), done)
            connection.deadline = side.pool.loop.time() + side.timeouts.idle
            await connection.more()

    async def _watched(
        self, call: Call, decision: Decision, side: Side, connection: Connection, intent: Intent,
        asking: asyncio.Task[_Heard],
    ) -> Answered:  # fmt: skip
        await asyncio.wait({asking}, timeout=side.timeouts.answer)
        if not asking.done():
            self._read_on(call, decision, side, connection, intent, asking)
            await self._told(Outcome(intent.id, State.UNKNOWN, reason="no answer in time"))
            raise UpstreamError(Fault.ANSWER_TIMEOUT)
        try:
            heard = asking.result()
        except UpstreamError as error:
            side.pool.release(connection)
            await self._told(outcome_without_answer(intent.id, error))
            raise
        except BaseException as error:
            side.pool.release(connection)
            await self._told(Outcome(intent.id, State.UNKNOWN, reason=f"a fault of the edge: {error!r}"))
            raise
        try:
            refusal = unconfirmed(await self._told(self._outcome(call, decision, side, intent, heard)))
            if refusal is not None:
                raise Refused(refusal)
            return await relay(call, heard.head, connection, side.timeouts, begun=heard.body)
        finally:
            side.pool.release(connection)

    def _outcome(self, call: Call, decision: Decision, side: Side, intent: Intent, heard: _Heard) -> Outcome:
        declared = side.refusals if side.name in decision.route.write.refuses_with_500 else ()
        refusals = ANY if call.unreadable else declared
        return outcome_of(intent.id, heard.head, heard.body if heard.whole else None, refusals=refusals)

    async def _told(self, outcome: Outcome) -> Noted | None:
        """What the journal says to the outcome; None if it is not known to be durable in time (it is told on)."""
        noted = await self._journal.outcome(outcome, self._settings.outcome_within)
        if noted is None:
            log.error("outcome_not_durable", id=outcome.id, state=outcome.state.value)
        return noted

    # ---- late answers

    def _read_on(
        self, call: Call, decision: Decision, side: Side, connection: Connection, intent: Intent,
        asking: asyncio.Task[_Heard],
    ) -> None:  # fmt: skip
        late = asyncio.get_running_loop().create_task(
            self._late_answer(call, decision, side, connection, intent, asking)
        )
        self._late.add(late)
        late.add_done_callback(self._late.discard)

    async def _late_answer(
        self, call: Call, decision: Decision, side: Side, connection: Connection, intent: Intent,
        asking: asyncio.Task[_Heard],
    ) -> None:  # fmt: skip
        try:
            heard = await asyncio.wait_for(asking, self._settings.write_grace)
        except (UpstreamError, TimeoutError) as error:
            log.warning("write_stays_unknown", id=intent.id, route=decision.route.name, error=str(error))
            return
        finally:
            connection.close()
            side.pool.release(connection)
        noted = await self._journal.outcome(self._outcome(call, decision, side, intent, heard))
        log.info("late_answer", id=intent.id, route=decision.route.name, status=heard.head.status, noted=str(noted))


def _lanes(call: Call, route: Matched, body: bytes, claims: dict[str, Any] | None) -> tuple[str, ...]:
    return lanes_of(route.write.lanes, parameters(route, call.head.path), body, claims)


def _seen(ended: asyncio.Task[Any]) -> None:
    """Whoever waited for it may be gone."""
    if not ended.cancelled():
        ended.exception()


def _fields(call: Call, side: Side, intent: Intent) -> list[Field]:
    """The client's fields; a backend that cooperates gets the entry's id as its key, with originals as with copies."""
    if not side.cooperates:
        return list(call.fields)
    return [field for field in call.fields if field[0].lower() != _KEY] + [(b"Idempotency-Key", intent.id.encode())]


def _length(call: Call, body: bytes) -> list[Field]:
    """A body that came in chunks goes on with its length: it is all here."""
    return [(b"Content-Length", b"%d" % len(body))] if call.head.chunked or call.head.length is not None else []


def _client_key(fields: RawFields, authorization: bytes | None) -> str | None:
    """The client's own Idempotency-Key, for these credentials: nobody is told what another one's request was answered.

    Raises Refused if it cannot be one.
    """
    given = [value for name, value in fields if name.lower() == _KEY]
    if not given:
        return None
    if len(given) > 1 or not _ACCEPTABLE_KEY.fullmatch(given[0]):
        raise Refused(BAD_KEY)
    whose = hashlib.blake2b(authorization or b"", digest_size=12).hexdigest()
    return f"{whose}:{given[0].decode('ascii')}"


def _repeated(call: Call, answer: Answer) -> Answered:
    """The recorded answer once more."""
    answered = Answered(answer.status, own=True, keep_alive=call.keep_alive)
    fields = [*answer.headers, (b"Idempotency-Replayed", b"true"), *call.extra]
    if answer.status not in NO_BODY:
        fields.append((b"Content-Length", b"%d" % len(answer.body)))
    fields += persistence(call.head, answered.keep_alive)
    phrase = _PHRASES.get(answer.status, "")
    try:
        call.arrived.client.write(answer_head(answer.status, phrase.encode(), fields) + answer.body)
    except ConnectionError:
        answered.client_gone = True
    return answered
