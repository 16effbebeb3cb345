"""WebSockets: the handshake is forwarded like any request, then bytes pass untouched in both directions.

A tunnel, not a relay of messages: a relay loses conformance (http-checklist row 58). Half-closes and back-pressure pass
through too; the edge keeps no more than the sockets' own buffers. It says one word of its own: when it stops, it closes
the connection towards the client with 1012, between two frames, so that clients come back without an error to show.
"""

from __future__ import annotations

import asyncio
import random

from proxy.edge.arrived import Arrived, ClientGone
from proxy.edge.forwarding import Answered, Call, Timeouts, relay
from proxy.edge.frames import SERVICE_RESTART, Frames
from proxy.edge.head import Head
from proxy.edge.headers import Field, answer_head, first_value, request_head
from proxy.edge.upstream import Pool, Reuse
from shadow.connection import AnswerHead, Connection, Fault, UpstreamError


async def tunnel(call: Call, pool: Pool, timeouts: Timeouts) -> Answered:
    """Forward the handshake; on 101 pass bytes until either side is gone, else relay the answer as it is.

    Raises UpstreamError or ClientGone while nothing has been written to the client."""
    arrived, head = call.arrived, call.head
    connection = await pool.acquire(Reuse.NONE)
    try:
        connection.begin("GET", upgrade=True)
        arrived.when_gone(lambda: connection.fail(ClientGone()))
        connection.write(request_head("GET", head.target, pool.host_for(head.host), call.fields, _upgrade(head)))
        connection.deadline = asyncio.get_running_loop().time() + timeouts.answer
        answer = await connection.head()
        if answer.status != 101:
            return await relay(call, answer, connection, timeouts)
        arrived.when_gone(None)
        connection.deadline = float("inf")
        return await _pass_bytes(arrived, answer, connection)
    finally:
        arrived.when_gone(None)
        pool.release(connection)


def _upgrade(head: Head) -> list[Field]:
    value = first_value(head.fields, b"upgrade")
    return [(b"Connection", b"Upgrade"), (b"Upgrade", value or b"websocket")]


async def _pass_bytes(arrived: Arrived, answer: AnswerHead, connection: Connection) -> Answered:
    client = arrived.client
    if client.transport is None:
        raise ClientGone
    if not connection.usable:
        raise UpstreamError(Fault.RESET, "closed right after the handshake")
    closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    from_client = Pipe(connection.transport, closed)
    from_backend = PipeToClient(client.transport, closed)
    from_client.opposite, from_backend.opposite = from_backend, from_client
    client.write(answer_head(101, answer.reason, answer.fields))
    client.when_finishing(from_backend.take_leave)
    if tail := client.tunnel_to(from_client):
        from_client.data_received(tail)
    if client.half_closed:
        from_client.eof_received()
    if tail := connection.tunnel_to(from_backend):
        from_backend.data_received(tail)
    await closed
    return Answered(101, keep_alive=False, upgraded=True)


class Pipe(asyncio.Protocol):
    """What is heard from one end of a tunnel goes to the other end's transport."""

    def __init__(self, other: asyncio.Transport, closed: asyncio.Future[None]) -> None:
        self._other = other
        self._closed = closed
        self._ended = False
        self.opposite: Pipe | None = None

    def data_received(self, data: bytes) -> None:
        """Bytes: passed on as they are."""
        if not self._other.is_closing():
            self._other.write(data)

    def eof_received(self) -> bool:
        """This end sends no more: so does the other towards its peer. Kept open until both have ended."""
        self._ended = True
        if self.opposite is not None and self.opposite._ended:
            self._other.close()
            return False
        if self._other.can_write_eof() and not self._other.is_closing():
            self._other.write_eof()
            return True
        self._other.close()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """This end is gone: close the other when it has taken what it was sent."""
        self._other.close()
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """This end is slow to take: stop hearing the other."""
        if not self._other.is_closing():
            self._other.pause_reading()

    def resume_writing(self) -> None:
        """This end takes again."""
        if not self._other.is_closing():
            self._other.resume_reading()


class PipeToClient(Pipe):
    """From the backend to the client, until the edge takes its leave."""

    def __init__(self, other: asyncio.Transport, closed: asyncio.Future[None]) -> None:
        super().__init__(other, closed)
        self._frames = Frames()
        self._leaving = False
        self._left = False

    def take_leave(self, within: float) -> None:
        """Close with 1012 at some moment of the time given, so that not all clients come back at once. The client's
        answer goes to the backend, so both ends see a proper close."""
        asyncio.get_running_loop().call_later(random.uniform(0, within), self._leave)

    def data_received(self, data: bytes) -> None:
        """Bytes: passed on as they are, up to the leave."""
        if self._left:
            return
        passed = self._frames.follow(data, stop=self._leaving)
        super().data_received(data[:passed])
        if self._leaving:
            self._leave()

    def _leave(self) -> None:
        self._leaving = True
        if self._frames.between and not self._left:
            self._left = True
            super().data_received(SERVICE_RESTART)
