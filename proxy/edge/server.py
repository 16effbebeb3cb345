"""Requests off the wire: aiohttp's low-level server with the rules that a public edge adds to it.

aiohttp parses and orders requests and calls the handler; this file keeps half-closed clients until they have their
answer (RFC 9112 section 9.6), gives parser errors a page that repeats nothing of the input, lets an upgraded connection
become a tunnel, and tells a handler when its client is gone. An express lane for plain requests has its place in
`data_received`, in front of aiohttp's parser (docs/decisions.md).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web_protocol
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_server import Server

from proxy.config.model import Limits
from proxy.edge.head import Refusal
from proxy.edge.pages import page

log = structlog.get_logger()

_REQUEST_LINE = re.compile(rb"(?:\r?\n)*[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~]+ HTTP/[0-9]\.[0-9]\r?\n")
_LINGER = 2.0  # seconds that the rest of a refused body is read and thrown away, so that the refusal is not lost


class Done:
    """What a handler returns: the answer is written, and whether the connection may carry another request."""

    __slots__ = ("keep_alive",)

    def __init__(self, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, request: object) -> None:
        """Nothing: the handler wrote the head."""

    async def write_eof(self) -> None:
        """Nothing: the handler wrote the body."""


class Arrived:
    """A request as it came off the wire: aiohttp's parsed message, the body's stream, and the client's connection."""

    __slots__ = ("_on_gone", "_task", "body", "client", "gone", "message", "writer")

    def __init__(
        self,
        message: RawRequestMessage,
        body: StreamReader,
        client: ClientConnection,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> None:
        self.message = message
        self.body = body
        self.client = client
        self.writer = writer
        self._task = task
        self.gone = False
        self._on_gone: Callable[[], None] | None = None

    def when_gone(self, call: Callable[[], None] | None) -> None:
        """Call this once when the client's connection is lost (at once if it already is); None: no longer."""
        self._on_gone = call
        if call is not None and self.gone:
            call()

    def _finish(self) -> None:
        """Called by aiohttp before it takes the answer."""

    def _cancel(self, exc: BaseException) -> None:
        """Called by aiohttp when the connection is lost with this request under way."""
        self.gone = True
        if not self.body.is_eof():
            self.body.set_exception(exc)
        if self._on_gone is not None:
            self._on_gone()


class ClientConnection(web_protocol.RequestHandler):
    """A client's connection."""

    __slots__ = ("_answering", "_check_line", "_grace", "_half_closed", "_limits", "_tunnel")

    def __init__(self, manager: EdgeServer, limits: Limits, **settings: Any) -> None:
        super().__init__(manager, **settings)
        self._limits = limits
        self._tunnel: asyncio.Protocol | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._check_line = True
        self._half_closed = False
        self._answering = False

    # What a handler calls.

    @property
    def peer(self) -> str:
        """The client's address, empty if unknown."""
        peername = self.peername
        return str(peername[0]) if isinstance(peername, tuple) else ""

    def write(self, data: bytes) -> None:
        """Queue bytes for the client. Raises ConnectionError if it is gone."""
        if self.transport is None or self.transport.is_closing():
            raise ConnectionResetError("the client is gone")
        self._answering = True
        self.transport.write(data)

    def write_interim(self, data: bytes) -> None:
        """Queue an interim answer (1xx), which begins nothing. A client that is gone is found out by the next write."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken enough. Raises ConnectionError if it is gone."""
        await self._drain_helper()

    def abort(self) -> None:
        """Cut the connection, so that the client sees that its answer is not whole."""
        if self.transport is not None:
            self.transport.abort()

    def tunnel_to(self, other: asyncio.Protocol) -> bytes:
        """From now on everything received goes to `other`; returns what the client sent behind its upgrade request."""
        self._tunnel = other
        tail, self._message_tail = self._message_tail, b""
        if self._buffer_paused:
            self._resume_reading_for_buffer()
        return tail

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        """Pass on in a tunnel; else check the request line of a new request and let aiohttp parse."""
        if self._tunnel is not None:
            self._tunnel.data_received(data)
            return
        if self._check_line and not self._request_in_progress and not self._messages:
            self._check_line = False
            end = data.find(b"\n", 2)
            if 0 < end < self._limits.target and not _REQUEST_LINE.match(data):
                self._refuse_line()
                return
        super().data_received(data)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client sends no more. Its request may be whole: then it still gets its answer."""
        if self._tunnel is not None:
            return self._tunnel.eof_received()
        current = self._current_request
        waiting = isinstance(current, Arrived) and current.body.is_eof()
        if not waiting and not self._messages:
            return None
        self._half_closed = True
        self._grace = self._loop.call_later(self._limits.half_close_grace, self._grace_over)
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell the tunnel or the request under way."""
        if self._grace is not None:
            self._grace.cancel()
        if self._tunnel is not None:
            self._tunnel.connection_lost(exc if isinstance(exc, Exception) else None)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client is slow to take what we write."""
        super().pause_writing()
        if self._tunnel is not None:
            self._tunnel.pause_writing()

    def resume_writing(self) -> None:
        """The client takes more."""
        super().resume_writing()
        if self._tunnel is not None:
            self._tunnel.resume_writing()

    # What aiohttp calls.

    async def finish_response(self, request: Any, resp: Any, start_time: float | None) -> Any:
        """The next data begin a new request; behind a half-closed client there is none."""
        self._check_line = True
        self._answering = False
        finished = await super().finish_response(request, resp, start_time)
        if self._half_closed and not self._messages:
            resp.keep_alive = False
        return finished

    def handle_error(
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> Any:
        """The page for a request that could not be parsed, or for a fault of our own; it repeats nothing."""
        refusal = _refusal(status, exc, self._limits)
        if refusal.status >= 500:
            log.error("edge_fault", exc_info=exc)
        else:
            log.info("request_refused", status=refusal.status, code=refusal.code, peer=self.peer)
        self.write(page(refusal))
        return Done(keep_alive=False)

    # Inside.

    def _refuse_line(self) -> None:
        refusal = Refusal(400, "BAD_REQUEST", "The request line is malformed.")
        log.info("request_refused", status=400, code=refusal.code, peer=self.peer)
        if self.transport is not None:
            self.transport.write(page(refusal))
        self.close()
        if self.transport is not None:
            self.transport.close()

    def _grace_over(self) -> None:
        """It has waited long enough behind its half-closed connection to count as gone, unless its answer has begun:
        then writing to it shows whether it is still there."""
        if self._answering:
            self._grace = self._loop.call_later(self._limits.half_close_grace, self._grace_over)
        elif self.transport is not None:
            self.transport.abort()


def _refusal(status: int, exc: BaseException | None, limits: Limits) -> Refusal:
    if isinstance(exc, LineTooLong):
        # The two limits differ by construction (EdgeServer), so the one in the error says which line it was.
        if exc.args and len(exc.args) > 1 and exc.args[1] == limits.target:
            return Refusal(414, "URI_TOO_LONG", f"A request line may have {limits.target} bytes at the most.")
        return Refusal(431, "HEADER_FIELDS_TOO_LARGE", f"A header line may have {limits.field} bytes at the most.")
    if isinstance(exc, BadHttpMessage) and "Too many headers" in exc.message:
        return Refusal(431, "HEADER_FIELDS_TOO_LARGE", f"A request may have {limits.fields} header lines at the most.")
    if status == 400:
        return Refusal(400, "BAD_REQUEST", "The request is not well-formed HTTP/1.1.")
    return Refusal(500, "INTERNAL_ERROR", "The edge failed to handle this request.")


class EdgeServer(Server):
    """Makes the protocol object of each client connection."""

    def __init__(self, handler: Callable[[Arrived], Awaitable[Done]], limits: Limits) -> None:
        super().__init__(handler, request_factory=Arrived)  # type: ignore[arg-type]
        self._limits = limits

    def __call__(self) -> ClientConnection:
        """A new client connected."""
        limits = self._limits
        return ClientConnection(
            self,
            limits,
            loop=self._loop,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=limits.keep_alive,
            lingering_time=_LINGER,
            max_line_size=limits.target,
            max_field_size=limits.field if limits.field != limits.target else limits.field + 1,
            max_headers=limits.fields,
        )
