"""One request to one backend and its answer to the client, streaming both ways with back-pressure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.config.model import Limits
from proxy.edge.arrived import Arrived, ClientGone
from proxy.edge.capture import Tap
from proxy.edge.head import Head, Refusal, too_large
from proxy.edge.headers import Field, answer_fields, answer_head, request_framing, request_head
from proxy.edge.routing import SAFE_METHODS
from proxy.edge.upstream import Pool, Reuse
from shadow.connection import NO_BODY, AnswerHead, Connection, Fault, OnInterim, UpstreamError

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
STOPPED = Refusal(408, "REQUEST_TIMEOUT", "The request's body stopped coming.")
_LAST_CHUNK = b"0\r\n\r\n"


class Refused(Exception):
    """The request's body broke a rule while it was being forwarded."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


@dataclass(slots=True)
class Answered:
    """How a forwarded request ended. `whole` is false when the answer broke off or the client left."""

    status: int
    whole: bool = True
    client_gone: bool = False
    error: UpstreamError | None = None
    keep_alive: bool = True
    upgraded: bool = False
    own: bool = False  # the edge's page, not a backend's answer


def is_repeatable(head: Head) -> bool:
    """Whether sending the request twice does no harm: safe by RFC 9110 section 9.2.1, and without a body to lose."""
    return head.method in SAFE_METHODS and not head.has_body


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that each part of an exchange may take."""

    answer: float  # to the first byte of the answer, once the request is with the backend
    idle: float  # between two bytes of the answer
    patience: float = float("inf")  # to the first byte of the answer in all, waiting for a connection included
    body: float = 30.0  # that a client may stop in the middle of its body (408)
    client: float = 60.0  # that a client may take nothing of its answer


@dataclass(slots=True)
class Call:
    """One request on its way to a backend. `extra` are fields of ours for the answer; `tap` copies the bodies."""

    arrived: Arrived
    head: Head
    fields: Sequence[Field]
    limits: Limits
    tap: Tap | None = None
    extra: Sequence[Field] = ()
    whole: bytes | None = None  # the body of a journaled write, once it is here
    unreadable: bool = False  # it says that it is JSON, and is none

    @property
    def keep_alive(self) -> bool:
        """Whether the client's connection may carry another request after this one."""
        client = self.arrived.client
        return self.head.keep_alive and not client.closing and (not self.head.chunked or client.ended_plainly)


async def forward(call: Call, pool: Pool, timeouts: Timeouts) -> Answered:
    """Send the request to `pool`'s backend and its answer to the client.

    Raises UpstreamError, Refused or ClientGone while nothing has been written to the client; afterwards failures are in
    the result. A repeatable request whose reused connection had been closed by the backend is sent once more on a new
    one; nothing else is ever repeated here.
    """
    repeatable = is_repeatable(call.head)
    until = asyncio.get_running_loop().time() + timeouts.patience
    connection = await pool.acquire(Reuse.ANY if repeatable else Reuse.NONE, until)
    try:
        return await _attempt(call, pool, connection, timeouts, until)
    except UpstreamError as error:
        if not (connection.reused and repeatable and error.fault is Fault.RESET):
            raise
    pool.discard_idle()
    return await _attempt(call, pool, await pool.acquire(Reuse.NONE, until), timeouts, until)


async def _attempt(call: Call, pool: Pool, connection: Connection, timeouts: Timeouts, until: float) -> Answered:
    arrived, head = call.arrived, call.head
    upload: asyncio.Task[None] | None = None
    try:
        connection.begin(head.method, interim_relay(call))
        if head.method in SAFE_METHODS:
            arrived.when_gone(lambda: connection.fail(ClientGone()))
        sent = request_head(head.method, head.target, pool.host_for(head.host), call.fields, request_framing(head))
        upload = _send(call, sent, connection, timeouts, until)
        answer = await connection.head()
        return await relay(call, answer, connection, timeouts, upload)
    finally:
        arrived.when_gone(None)
        if upload is not None and not upload.done():
            upload.cancel()
            connection.close()
        pool.release(connection)


def interim_relay(call: Call) -> OnInterim:
    """Passes 1xx answers on (RFC 9110 section 15.2), except 100, which the edge gives itself."""

    def passed_on(status: int, reason: bytes, fields: list[Field]) -> None:
        if call.head.http11 and status != 100:
            call.arrived.client.write_interim(answer_head(status, reason, answer_fields(fields)))

    return passed_on


def _send(
    call: Call, sent: bytes, connection: Connection, timeouts: Timeouts, until: float
) -> asyncio.Task[None] | None:
    """Write the request; a body that is already here goes along at once, any other is uploaded by the task returned."""
    loop = asyncio.get_running_loop()
    connection.deadline = min(loop.time() + timeouts.answer, until)
    head, body = call.head, call.arrived.body
    if not head.has_body:
        connection.write(sent)
        return None
    if call.whole is not None:
        connection.write(sent + _framed(call.whole, True, head.chunked))
        return None
    if head.length is not None and body.is_eof():
        whole = body.read_nowait(-1)
        if call.tap is not None:
            call.tap.request(whole)
        connection.write(sent + whole)
        return None
    connection.write(sent)
    return loop.create_task(_upload(call, connection, timeouts))


async def _upload(call: Call, connection: Connection, timeouts: Timeouts) -> None:
    """The body as it comes. What goes wrong on the client's side is told to whoever awaits the answer."""
    arrived = call.arrived
    try:
        if call.head.expects_continue and not arrived.body.is_eof():
            arrived.client.write_interim(CONTINUE)
        await _pass_body(call, connection, timeouts)
        connection.deadline = asyncio.get_running_loop().time() + timeouts.answer
    except UpstreamError as error:
        connection.fail(error)  # known already, and an early answer may have come before: then that one counts
    except TimeoutError:
        connection.fail(Refused(STOPPED))
    except Refused as refused:
        connection.fail(refused)
    except Exception:  # the body's stream ends with an error of aiohttp's choosing when the client leaves or garbles it
        gone = arrived.gone or arrived.client.transport is None
        bad = Refusal(400, "BAD_REQUEST", "The request's body is not well-formed.")
        connection.fail(ClientGone() if gone else Refused(bad))


async def _pass_body(call: Call, connection: Connection, timeouts: Timeouts) -> None:
    loop, body, chunked = asyncio.get_running_loop(), call.arrived.body, call.head.chunked
    total = 0
    while not body.at_eof():
        connection.deadline = float("inf")
        async with asyncio.timeout(timeouts.body):
            data = await body.readany()
        if not data:
            continue
        total += len(data)
        if total > call.limits.body:
            raise Refused(too_large(call.limits.body))
        if call.tap is not None:
            call.tap.request(data)
        connection.deadline = loop.time() + timeouts.idle
        connection.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
        await connection.drain()
    if error := body.exception():
        raise error
    if chunked:
        connection.write(_LAST_CHUNK)


async def relay(
    call: Call,
    answer: AnswerHead,
    connection: Connection,
    timeouts: Timeouts,
    upload: asyncio.Task[None] | None = None,
    begun: bytes = b"",
) -> Answered:
    """The answer to the client, as it comes; `begun` is what was taken of its body already."""
    head = call.head
    fields = answer_fields(answer.fields)
    if call.tap is not None:
        call.tap.answer_head(answer.status, fields)
    result = Answered(answer.status, keep_alive=call.keep_alive)
    framing, chunked = _framing(head, answer, result)
    if upload is not None and not upload.done():
        result.keep_alive = False  # the answer came before the end of the body: nobody will read the rest
    fields += [*call.extra, *framing, *persistence(head, result.keep_alive)]
    try:
        result.client_gone = await _relay_body(
            call, answer_head(answer.status, answer.reason, fields), connection, timeouts, chunked, begun
        )
    except (UpstreamError, Refused) as error:
        call.arrived.client.abort()
        failed = error if isinstance(error, UpstreamError) else None
        return Answered(answer.status, whole=False, error=failed, keep_alive=False, client_gone=failed is None)
    except ClientGone:
        connection.close()
        return Answered(answer.status, whole=False, client_gone=True, keep_alive=False)
    return result


async def _relay_body(
    call: Call, pending: bytes, connection: Connection, timeouts: Timeouts, chunked: bool, begun: bytes
) -> bool:
    """Head and body to the client; whether the client left before the end (a read's backend is then not asked on)."""
    client = _Client(call.arrived, timeouts.client)
    loop = asyncio.get_running_loop()
    taken, done = connection.take()
    body = begun + taken
    while True:
        if call.tap is not None and body:
            call.tap.answer(body)
        connection.deadline = float("inf")
        await client.write(pending + _framed(body, done, chunked))
        if done:
            return client.gone
        if client.gone and call.head.method in SAFE_METHODS:
            raise ClientGone
        pending = b""
        connection.deadline = loop.time() + timeouts.idle
        await connection.more()
        body, done = connection.take()


class _Client:
    """The client's end of a relay. A client that left in the middle of a write does not stop the backend's answer from
    being read to its end (RFC 9112 section 9.5 leaves it to us; a write's outcome must be known)."""

    def __init__(self, arrived: Arrived, patience: float) -> None:
        self._arrived = arrived
        self._patience = patience
        self.gone = False

    async def write(self, data: bytes) -> None:
        if self.gone or not data:
            return
        try:
            self._arrived.client.write(data)
            if self._arrived.client.writing_paused:
                async with asyncio.timeout(self._patience):
                    await self._arrived.client.drain()
        except (ConnectionError, TimeoutError):
            self._arrived.client.abort()
            self.gone = True


def _framing(head: Head, answer: AnswerHead, result: Answered) -> tuple[list[Field], bool]:
    """(the framing fields, whether the body is chunked). Exactly one framing (RFC 9112 section 6)."""
    length = [] if answer.length is None else [(b"Content-Length", b"%d" % answer.length)]
    if head.method == "HEAD" or answer.status == 304:
        return length, False
    if answer.status in NO_BODY:
        return [], False
    if length:
        return length, False
    if head.http11:
        return [(b"Transfer-Encoding", b"chunked")], True
    result.keep_alive = False  # to HTTP/1.0 a body without a length ends with the connection
    return [], False


def persistence(head: Head, keep_alive: bool) -> list[Field]:
    """What the answer says of its connection (RFC 9112 section 9.3)."""
    if not keep_alive:
        return [(b"Connection", b"close")]
    return [] if head.http11 else [(b"Connection", b"keep-alive")]


def _framed(body: bytes, done: bool, chunked: bool) -> bytes:
    if not chunked:
        return body
    framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return framed + _LAST_CHUNK if done else framed
