"""One connection to a backend: bytes out, one parsed answer at a time in.

The parser is llhttp in its strict mode: an answer that breaks the rules of RFC 9112 is an error, never repaired. Bodies
arrive as the chunks came off the wire; reading stops while too much is waiting, so memory is bounded at any body size.
"""

from __future__ import annotations

import asyncio
import re
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import httptools

from shadow.exchange import Field

OnInterim = Callable[[int, bytes, list[Field]], None]

HEAD_LIMIT = 128 * 1024
HIGH_WATER = 256 * 1024
NO_BODY = frozenset({204, 304})
_PROMISE = re.compile(rb"(?:^|[,;\s])timeout\s*=\s*\"?(\d{1,6})\b", re.IGNORECASE)


class Fault(Enum):
    """What went wrong with a backend, with the status that the client gets (RFC 9110 section 15.6)."""

    REFUSED = (502, "could not be reached")
    CONNECT_TIMEOUT = (504, "did not accept a connection in time")
    FULL = (503, "has no free connection")
    RESET = (502, "closed the connection before it answered")
    ANSWER_TIMEOUT = (504, "did not answer in time")
    BAD_ANSWER = (502, "gave an answer that is not HTTP")
    TRUNCATED = (502, "broke off in the middle of its answer")
    STALLED = (504, "stopped in the middle of its answer")

    @property
    def status(self) -> int:
        """The status for the client."""
        return self.value[0]

    @property
    def text(self) -> str:
        """What the backend did, to be put after its name."""
        return self.value[1]


class UpstreamError(Exception):
    """A backend did not give a whole answer. `fault` says how, `detail` is for the log."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(f"{fault.name.lower()}: {detail}" if detail else fault.name.lower())
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """The head of an answer. `length` is None when the body is chunked or ends with the connection."""

    status: int
    reason: bytes
    fields: tuple[Field, ...]
    length: int | None


class Connection(asyncio.Protocol):
    """A connection to a backend. One request at a time: `begin`, `write`…, `head`, `take`/`more` until done."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._drain_waiter: asyncio.Future[None] | None = None
        self._writing_paused = False
        self._reading_paused = False
        self._error: BaseException | None = None
        self._tunnel: asyncio.Protocol | None = None
        self.deadline = float("inf")  # loop time at which whoever watches calls `expire`
        self.answered_at = 0.0  # when the last answer ended, by time.monotonic: from then on the backend counts
        self.reused = False
        self.busy = False
        self.upgraded_tail = b""
        self._keep_alive = False
        self._on_interim: OnInterim | None = None
        self._poll: select.poll | None = None
        self._reset("GET", False)

    def _reset(self, method: str, upgrade: bool) -> None:
        self._method = method
        self._upgrade = upgrade
        self._head: AnswerHead | None = None
        self._fields: list[Field] = []
        self._reason = b""
        self._head_bytes = 0  # received before the head was whole
        self._told_bytes = 0  # of those, in heads; counted only where there is reason to
        self._chunks: list[bytes] = []
        self._waiting_bytes = 0
        self._done = False
        self._until_close = False
        self._tainted = False

    # What a handler calls.

    @property
    def usable(self) -> bool:
        """Whether the connection is open and may carry another request."""
        transport = self._transport
        return transport is not None and not transport.is_closing() and self._error is None

    @property
    def reusable(self) -> bool:
        """Whether the answer ended cleanly and the backend keeps the connection open."""
        return self._done and self.usable and not self._tainted and not self._until_close and self._keep_alive

    @property
    def promised(self) -> float:
        """Seconds for which the backend, by its last answer, keeps the idle connection open; 0 if it did not say.

        `Keep-Alive: timeout=5` (RFC 2068 section 19.7.1.1), which Node sends with every answer."""
        fields = self._head.fields if self._head is not None else ()
        said = [_PROMISE.search(value) for name, value in fields if name.lower() == b"keep-alive"]
        return min((float(promise[1]) for promise in said if promise is not None), default=0.0)

    @property
    def silent(self) -> bool:
        """Whether nothing has come while the connection was idle, not even what the event loop has not read yet: the
        end of the connection, or bytes that the next request would take for its answer."""
        return self._poll is None or not self._poll.poll(0)

    @property
    def transport(self) -> asyncio.Transport:
        """The transport; only after the connection was made."""
        assert self._transport is not None
        return self._transport

    def begin(self, method: str, on_interim: OnInterim | None = None, *, upgrade: bool = False) -> None:
        """A new exchange: forget the last answer. `on_interim` is called with every 1xx that comes before the next one,
        except 101, which is a final answer to a request for an `upgrade` and a mistake to any other."""
        self._reset(method, upgrade)
        self._on_interim = on_interim
        self._parser = httptools.HttpResponseParser(self)
        self._keep_alive = False
        self.busy = True

    def write(self, data: bytes) -> None:
        """Queue bytes. Raises UpstreamError if the connection is gone."""
        if self._error is not None:
            raise self._error
        if self._transport is None:
            raise UpstreamError(Fault.RESET)
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the backend has taken enough of what was written."""
        if self._error is not None:
            raise self._error
        if self._writing_paused:
            if self._drain_waiter is None:
                self._drain_waiter = asyncio.get_running_loop().create_future()
            await self._drain_waiter

    async def taken(self) -> bool:
        """Wait until the backend has taken enough of what was written. False if it has answered before: then nothing
        more need be written, and the connection carries no other request."""
        while self._writing_paused and self._head is None:
            await self._next()
        if self._head is None and self._error is not None:
            raise self._error
        self._tainted = self._tainted or self._writing_paused
        return self._head is None

    async def head(self) -> AnswerHead:
        """The head of the final answer; raises UpstreamError."""
        while self._head is None:
            await self._next()
        return self._head

    def take(self) -> tuple[bytes, bool]:
        """The body bytes that have arrived, and whether the body is at its end. Raises UpstreamError if it broke off
        and nothing is left to take."""
        data = b"".join(self._chunks) if len(self._chunks) != 1 else self._chunks[0]
        self._chunks.clear()
        self._waiting_bytes = 0
        if self._reading_paused:
            self._reading_paused = False
            if self._transport is not None:
                self._transport.resume_reading()
        if not data and not self._done and self._error is not None:
            raise self._error
        return data, self._done

    async def more(self) -> None:
        """Wait until `take` has something new to say."""
        while not self._chunks and not self._done and self._error is None:
            await self._next()

    def fail(self, error: BaseException) -> None:
        """Give up: whoever waits gets `error`, the connection is closed at once."""
        if self._error is None:
            self._error = error
        self._wake()
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """The deadline passed."""
        self.fail(UpstreamError(Fault.ANSWER_TIMEOUT if self._head is None else Fault.STALLED))

    def close(self) -> None:
        """Close quietly."""
        if self._error is None:
            self._error = UpstreamError(Fault.RESET, "closed by us")
        if self._transport is not None:
            self._transport.close()

    def tunnel_to(self, other: asyncio.Protocol) -> bytes:
        """From now on everything received goes to `other` unparsed; returns what came behind the 101."""
        self._tunnel = other
        tail, self.upgraded_tail = self.upgraded_tail, b""
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        return tail

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; TCP_NODELAY is asyncio's default."""
        self._transport = cast(asyncio.Transport, transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and transport.get_extra_info("sslcontext") is None:  # TLS talks of its own accord
            self._poll = select.poll()
            self._poll.register(connection.fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Parse, or pass on in a tunnel."""
        if self._tunnel is not None:
            self._tunnel.data_received(data)
            return
        if not self.busy or self._done:
            # Bytes that nobody asked for: the connection cannot be trusted with another request.
            self._tainted = True
            if not self.busy:
                self.close()
            return
        if self._head is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._broken(str(error))
        if self._head is None and self._head_bytes > HEAD_LIMIT:
            self._broken("the head is too long")
        self._wake()

    def eof_received(self) -> bool | None:
        """The backend sends no more: the end of an answer that has no length, else a break."""
        if self._tunnel is not None:
            return self._tunnel.eof_received()
        if self._until_close and not self._done:
            self._done = True
            self._wake()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits learns of it."""
        if self._tunnel is not None:
            self._tunnel.connection_lost(exc)
        if self._until_close and exc is None and not self._done:
            self._done = True
        if self._error is None:
            detail = str(exc) if exc else "closed"
            has_begun = self.busy and self._head_bytes > 0  # else the bytes were those of an earlier answer
            self._error = UpstreamError(Fault.TRUNCATED if has_begun else Fault.RESET, detail)
        self._transport = None
        self._writing_paused = False
        self._wake()
        if self._drain_waiter is not None and not self._drain_waiter.done():
            self._drain_waiter.set_exception(self._error)
            self._drain_waiter.exception()  # seen: the waiter may already have gone
            self._drain_waiter = None

    def pause_writing(self) -> None:
        """The backend is slow to take what we write."""
        self._writing_paused = True
        if self._tunnel is not None:
            self._tunnel.pause_writing()

    def resume_writing(self) -> None:
        """The backend takes more."""
        self._writing_paused = False
        self._wake()
        if self._tunnel is not None:
            self._tunnel.resume_writing()
        if self._drain_waiter is not None:
            if not self._drain_waiter.done():
                self._drain_waiter.set_result(None)
            self._drain_waiter = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        """The first byte of an answer; behind the whole one it is one too many."""
        if self._done:
            self._tainted = True

    def on_status(self, reason: bytes) -> None:
        """A part of the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field; behind the body they are trailers, which are dropped (docs/decisions.md)."""
        if self._head is None:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there."""
        if self._head is not None:
            return
        status = self._parser.get_status_code()
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise ValueError("the answer is of another version of HTTP")
        if status < 200 or self._head_bytes > HEAD_LIMIT:
            self._check_size()
        codings = [value.strip().lower() for name, value in self._fields if name.lower() == b"transfer-encoding"]
        lengths = [int(value) for name, value in self._fields if name.lower() == b"content-length"]
        if status < 200 and (codings or lengths):
            raise ValueError("an interim answer has no body")
        if status == 101 and not (self._upgrade and self._parser.should_upgrade()):
            raise ValueError("switched protocols without being asked")
        if status < 200 and status != 101:
            if self._on_interim is not None:
                self._on_interim(status, self._reason, self._fields)
            self._fields, self._reason = [], b""
            return
        if codings and codings != [b"chunked"]:
            raise ValueError("the answer has a transfer coding other than chunked")
        # A coding in HTTP/1.0 is faulty framing: good for this answer at the most (RFC 9112 section 6.1).
        faulty = bool(codings) and version == "1.0"
        self._keep_alive = self._parser.should_keep_alive() and not faulty
        bodiless = self._method == "HEAD" or status in NO_BODY or status == 101
        self._until_close = not bodiless and not codings and not lengths
        self._head = AnswerHead(status, self._reason, tuple(self._fields), lengths[0] if lengths else None)
        if bodiless:
            self._ended()

    def on_body(self, body: bytes) -> None:
        """Bytes of the body, without chunk framing."""
        if self._done:
            self._tainted = True
            return
        self._chunks.append(body)
        self._waiting_bytes += len(body)
        if self._waiting_bytes > HIGH_WATER and not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The end of the answer (or of an interim one)."""
        if self._head is not None:
            self._ended()

    # Inside.

    def _ended(self) -> None:
        self._done = True
        self.answered_at = time.monotonic()

    def _check_size(self) -> None:
        """The head may be small yet, if what came along with it is the body's. Interim answers count as one head."""
        self._told_bytes += 32 + sum(len(name) + len(value) + 4 for name, value in self._fields)
        if self._told_bytes > HEAD_LIMIT:
            raise ValueError("the head is too long")

    def _upgraded(self, tail: bytes) -> None:
        """Behind a 101 the bytes are no longer HTTP: keep what came along, stop reading until there is a tunnel."""
        self.upgraded_tail = tail
        self._keep_alive = False
        if self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def _broken(self, detail: str) -> None:
        self._tainted = True
        if not self._done:
            self.fail(UpstreamError(Fault.BAD_ANSWER, detail))

    async def _next(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
