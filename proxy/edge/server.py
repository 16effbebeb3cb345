"""Requests off the wire: aiohttp's low-level server with the rules that a public edge adds to it.

aiohttp parses and orders requests and calls the handler; this file keeps half-closed clients until they have their
answer (RFC 9112 section 9.6), gives parser errors a page that repeats nothing of the input, lets an upgraded connection
become a tunnel, tells a handler when its client is gone, and lets a stopping edge finish what it has begun. An express
lane for plain requests has its place in `data_received`, in front of aiohttp's parser (docs/decisions.md).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web_protocol
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_server import Server

from proxy import metrics
from proxy.config.model import Limits
from proxy.edge.arrived import Arrived, Done
from proxy.edge.beginnings import Beginnings, MalformedLine
from proxy.edge.head import Refusal
from proxy.edge.pages import page

log = structlog.get_logger()

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset
_LAST_MOMENT = 0.1  # seconds that an exchange has to end once it was told to, when the time to stop is up
_LINGER = 2.0  # seconds that the rest of a refused body is read and thrown away, so that the refusal is not lost


class ClientConnection(web_protocol.RequestHandler):
    """A client's connection."""

    __slots__ = (
        "_answering",
        "_arrived",
        "_beginnings",
        "_body",
        "_closing",
        "_grace",
        "_half_closed",
        "_limits",
        "_on_finishing",
        "_tunnel",
    )

    def __init__(self, manager: EdgeServer, limits: Limits, **settings: Any) -> None:
        super().__init__(manager, **settings)
        self._limits = limits
        self._tunnel: asyncio.Protocol | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._arrived: Arrived | None = None  # the request being answered
        self._body: StreamReader = EMPTY_PAYLOAD  # of that request or of the last one
        self._beginnings = Beginnings(limits.target)
        self._half_closed = False
        self._answering = False
        self._closing = False
        self._on_finishing: Callable[[float], None] | None = None

    # What a handler calls.

    @property
    def peer(self) -> str:
        """The client's address, empty if unknown."""
        peername = self.peername
        if not isinstance(peername, tuple):
            return ""
        return str(peername[0]).removeprefix("::ffff:")  # an IPv4 client of a socket that serves both

    @property
    def closing(self) -> bool:
        """Whether this connection takes no further request, because the edge is stopping."""
        return self._closing

    @property
    def answering(self) -> bool:
        """Whether the answer to the present request has begun."""
        return self._answering

    @property
    def ended_plainly(self) -> bool:
        """Whether a chunked body ended without trailers, so that the next request on the connection is only itself."""
        return self._beginnings.ended_plainly

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
        """Cut the connection with a reset: to HTTP/1.0 a plain close would be the proper end of a body."""
        if self.transport is not None:
            if (connection := self.transport.get_extra_info("socket")) is not None and not self.transport.is_closing():
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()

    def tunnel_to(self, other: asyncio.Protocol) -> bytes:
        """From now on everything received goes to `other`; returns what the client sent behind its upgrade request."""
        self._tunnel = other
        if self._grace is not None:
            self._grace.cancel()
        tail, self._message_tail = self._message_tail, b""
        if self._buffer_paused:
            self._resume_reading_for_buffer()
        return tail

    def when_finishing(self, call: Callable[[float], None]) -> None:
        """Call this with the seconds that are left when the edge stops (at once if it does already)."""
        self._on_finishing = call
        if self._closing:
            call(0.0)

    @property
    def half_closed(self) -> bool:
        """Whether the client sends no more."""
        return self._half_closed

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        """Pass on in a tunnel; else check the request line of a new request and let aiohttp parse."""
        if self._tunnel is not None:
            self._tunnel.data_received(data)
            return
        if data:
            try:
                data = self._beginnings.follow(data, begins=self._between_requests)
            except MalformedLine:
                self._refuse_line()
                return
            if not data:
                return
        super().data_received(data)
        if self._messages and isinstance(self._messages[-1][0], web_protocol._ErrInfo):
            self._spoil_body()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client sends no more. Its request may be whole: then it still gets its answer."""
        if self._tunnel is not None:
            return self._tunnel.eof_received()
        waiting = self._arrived is not None and self._body.is_eof()
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
        if self._arrived is not None and not self._arrived.gone:  # aiohttp knows it only once its handler has begun
            self._arrived._cancel(exc or ConnectionResetError("the client is gone"))

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

    # What aiohttp and the server call.

    def begin(self, arrived: Arrived) -> None:
        """A request's turn has come."""
        self._arrived = arrived
        self._body = arrived.body

    async def finish_response(self, request: Any, resp: Any, start_time: float | None) -> Any:
        """Its answer is written; behind a half-closed client there is no other request to come."""
        self._arrived = None
        self._answering = False
        finished = await super().finish_response(request, resp, start_time)
        if self._closing or (self._half_closed and not self._messages):
            resp.keep_alive = False
        return finished

    def handle_error(
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> Any:
        """The page for a request that could not be parsed, or for a fault of our own; it repeats nothing."""
        if isinstance(exc, ConnectionError):
            raise exc  # the client left: nothing to say, and nobody to say it to
        refusal = _refusal(status, exc, self._limits)
        if refusal.status >= 500:
            log.error("edge_fault", exc_info=exc)
        if self._answering:
            self.abort()  # a page in the middle of an answer would be taken for a part of it
            raise ConnectionResetError("the answer broke off")
        if refusal.status < 500:
            self._refused(refusal)
        self.write(page(refusal))
        return Done(keep_alive=False)

    def finish(self, within: float) -> asyncio.Task[None] | None:
        """The edge is stopping: close at once if there is nothing to answer, else after the answer. What is returned
        ends when that is done."""
        self._closing = True
        if self._on_finishing is not None:
            self._on_finishing(within)
        if self._arrived is None and not self._messages:
            self.force_close()
        return self._task_handler

    # Inside.

    @property
    def _between_requests(self) -> bool:
        """Whether the next byte surely begins a request."""
        idle = self._arrived is None and not self._messages
        return idle and self._beginnings.at_boundary and self._body.is_eof()

    def _spoil_body(self) -> None:
        """The parser gave up; a body that it was in the middle of will not come to its end."""
        body = self._messages[-2][1] if len(self._messages) > 1 else self._body
        if not body.is_eof():
            body.set_exception(web_protocol.RequestPayloadError("malformed"))
            body.feed_eof()

    def _refused(self, refusal: Refusal) -> None:
        metrics.REFUSED.labels(str(refusal.status)).inc()
        log.info("request_refused", status=refusal.status, code=refusal.code, peer=self.peer)

    def _refuse_line(self) -> None:
        refusal = Refusal(400, "BAD_REQUEST", "The request line is malformed.")
        self._refused(refusal)
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

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's name
        """Close idle connections at once, the others after their answers, all of them when the time is up."""
        connections = [connection for connection in self._connections if isinstance(connection, ClientConnection)]
        within = (timeout or 0.0) / 2  # of a tunnel: the other half is for the two ends to say goodbye
        busy = [task for connection in connections if (task := connection.finish(within)) is not None]
        if busy:
            await asyncio.wait(busy, timeout=timeout)
        await super().shutdown(_LAST_MOMENT)
