"""One journaled write: made durable, forwarded, its outcome made durable, and only then answered (design.md section 4).

Nothing of a write is forwarded before its intent is durable, nor after its `forward_by`; nothing of the answer is given
before the outcome is durable. A client that has got its 504 is not waited for: the edge reads on for a late answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any

import orjson
import structlog

from proxy.config.model import JournalSettings
from proxy.edge.arrived import Arrived, ClientGone
from proxy.edge.body import whole_body
from proxy.edge.clients import claims_of
from proxy.edge.forwarding import Answered, Call, Refused, persistence, relay
from proxy.edge.head import RawFields
from proxy.edge.headers import answer_head, first_value
from proxy.edge.outcomes import BAD_KEY, LATE, is_unreadable, not_admitted, outcome_without_answer
from proxy.edge.routing import Decision, Matched, parameters
from proxy.edge.underway import KEY_FIELD, Sent, Side, UnderWay
from proxy.edge.upstream import Ahead
from shadow.answer import Answer
from shadow.clock import Clock, SystemClock
from shadow.connection import NO_BODY, Connection, UpstreamError
from shadow.dualwrite.admission import Admission, Admitted, Noted, Repeated, Why
from shadow.dualwrite.client import JournalClient
from shadow.dualwrite.entry import Intent, Outcome, Request, State
from shadow.dualwrite.lanes import lanes_of, lanes_of_the_unreadable

log = structlog.get_logger("edge")

_ACCEPTABLE_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
_CREDENTIAL = re.compile(rb"auth|cookie|token|session|secret|key", re.IGNORECASE)
_ANONYMOUS = "anonymous"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Moved(Exception):
    """The roles have changed: route again."""


class Writes:
    """The journaled writes of one edge process."""

    def __init__(self, journal: JournalClient, settings: JournalSettings, clock: Clock | None = None) -> None:
        self._journal = journal
        self._settings = settings
        self._clock = clock or SystemClock()
        self._large = asyncio.Semaphore(4)  # bodies beyond `spool` that are in memory at once
        self._under_way: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Give up what has not ended; these writes stay unknown for the resolver."""
        left = list(self._under_way)
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
        asked = self._journal.intent(intent)  # first: it is at work while we get ready
        sent = Sent(call, side, intent)
        with Ahead(side.pool, side.reuse) as ahead:
            admission = await self._admission(call.arrived, intent, asked)
            if isinstance(admission, Admitted):
                return await self._forwarded(call, side, intent, sent, ahead)
        if isinstance(admission, Repeated):
            return _repeated(call, admission.answer)
        log.info("write_not_admitted", why=admission.why.value, route=decision.route.name)
        if admission.why is Why.STALE_EPOCH:
            raise Moved
        raise Refused(not_admitted(admission.why))

    async def _admission(self, arrived: Arrived, intent: Intent, asked: Awaitable[Admission]) -> Admission:
        """The journal's answer. A client that leaves meanwhile takes its place in the queue along."""

        def give_up() -> None:
            self._journal.give_up(intent.id)

        arrived.when_gone(give_up)
        try:
            return await asked
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
        id = os.urandom(16).hex()
        return Intent(
            id=id,
            epoch=decision.epoch,
            at=now,
            forward_by=now + self._settings.queue + self._settings.forward_within,
            route=route.name,
            lanes=_lanes(call, route, body, claims, id),
            request=Request(head.method, head.target, head.host or b"", tuple(call.fields), body),
            client=decision.client or _ANONYMOUS,
            actor=None if claims is None else orjson.dumps(claims).decode(),
            key=_client_key(head.fields),
            fingerprint=hashlib.sha256(b"%b %b\n%b" % (head.method.encode(), head.target, body)).hexdigest(),
            sequence=route.write.sequence,
            wait_until=now + self._settings.queue,
        )

    # ---- forwarding

    async def _forwarded(self, call: Call, side: Side, intent: Intent, sent: Sent, ahead: Ahead) -> Answered:
        within = self._settings.outcome_within
        try:
            connection = await ahead.take()
        except UpstreamError as error:
            await self._told(outcome_without_answer(intent.id, error), within)
            raise
        except BaseException:
            await asyncio.shield(self._told(Outcome(intent.id, State.FAILED, reason="it was never forwarded"), within))
            raise
        if self._clock.now() > intent.forward_by:
            side.pool.release(connection)
            await self._told(Outcome(intent.id, State.FAILED, reason="too late to be forwarded"), within)
            raise Refused(LATE)
        return await self._relayed(call, side, intent, sent, connection)

    async def _relayed(self, call: Call, side: Side, intent: Intent, sent: Sent, connection: Connection) -> Answered:
        """Whatever becomes of the client or of this task, the write goes on to its outcome."""
        write = UnderWay(
            call, side, intent, sent, connection, tell=self._told, settings=self._settings, clock=self._clock
        )
        running = write.start()
        self._under_way.add(running)
        running.add_done_callback(self._under_way.discard)
        try:
            heard = await write.answer
            return await relay(call, heard.head, write.connection, side.timeouts, begun=heard.body)
        finally:
            write.leave()

    async def _told(self, outcome: Outcome, within: float | None) -> Noted | None:
        """What the journal says to the outcome; None if it is not known to be durable in time (it is told on)."""
        noted = await self._journal.outcome(outcome, within)
        if noted is None:
            log.error("outcome_not_durable", id=outcome.id, state=outcome.state.value)
        return noted


def _lanes(call: Call, route: Matched, body: bytes, claims: dict[str, Any] | None, id: str) -> tuple[str, ...]:
    params = parameters(route, call.head.path)
    if not call.unreadable:
        return lanes_of(route.write.lanes, params, body, claims)
    return lanes_of_the_unreadable(id, route.write.lanes, params, claims)


def _client_key(fields: RawFields) -> str | None:
    """The client's own Idempotency-Key, for these credentials: nobody is told what another one's request was answered.
    What may be a credential counts as one, so that of two clients without a token each has its own keys.

    Raises Refused if it cannot be one.
    """
    given = [value for name, value in fields if name.lower() == KEY_FIELD]
    if not given:
        return None
    if len(given) > 1 or not _ACCEPTABLE_KEY.fullmatch(given[0]):
        raise Refused(BAD_KEY)
    whose = hashlib.blake2b(digest_size=12)
    for name, value in fields:
        if name.lower() == b"authorization":
            whose.update(value)
        elif _CREDENTIAL.search(name) and name.lower() != KEY_FIELD:
            whose.update(b"\n%b: %b" % (name.lower(), value))
    return f"{whose.hexdigest()}:{given[0].decode('ascii')}"


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
