"""A request's whole body, before anything of it is forwarded: in memory, or on disk while it is large and slow."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from typing import IO

import structlog

from proxy.edge.arrived import Arrived, ClientGone
from proxy.edge.forwarding import CONTINUE, STOPPED, Call, Refused
from proxy.edge.head import Refusal, too_large
from proxy.edge.pages import RETRY_AFTER

log = structlog.get_logger("edge")

_NO_ROOM = Refusal(503, "NO_ROOM", "The server has no room for a body of this size now. Try again.", (RETRY_AFTER,))
_GARBLED = Refusal(400, "BAD_REQUEST", "The request's body is not well-formed.")


Room = Callable[[], Awaitable[object]]


async def whole_body(call: Call, patience: float, spool: int, room: Room) -> bytes:
    """The body, byte for byte. Over `spool` bytes it waits on disk for its end, and then for `room` in memory.

    Raises Refused (408 after `patience` seconds without a byte, 413, 400) and ClientGone.
    """
    arrived = call.arrived
    if not call.head.has_body:
        return b""
    if arrived.body.is_eof() and arrived.body.exception() is None:
        body = _bounded(arrived.body.read_nowait(-1), call.limits.body)
        if len(body) > spool:
            await room()
        return body
    if call.head.expects_continue:
        arrived.client.write_interim(CONTINUE)
    with tempfile.SpooledTemporaryFile(max_size=spool) as file:
        try:
            total = await _read(arrived, file, patience, call.limits.body, spool)
        except TimeoutError:
            raise Refused(STOPPED) from None
        except Refused:
            raise
        except Exception as error:  # the stream ends with an error of aiohttp's choosing when the client leaves
            if arrived.gone or arrived.client.transport is None:
                raise ClientGone from error
            raise Refused(_GARBLED) from error
        if total > spool:
            await room()
        file.seek(0)
        return await asyncio.to_thread(file.read) if file._rolled else file.read()  # type: ignore[attr-defined]


async def _read(arrived: Arrived, file: IO[bytes], patience: float, limit: int, spool: int) -> int:
    body, total = arrived.body, 0
    while not body.at_eof():
        async with asyncio.timeout(patience):
            data = await body.readany()
        total += len(data)
        if total > limit:
            raise Refused(too_large(limit))
        try:
            if total > spool:
                await asyncio.to_thread(file.write, data)  # a full disk must not hold up everybody else
            else:
                file.write(data)
        except OSError as full:
            log.error("body_not_spooled", error=str(full), directory=tempfile.gettempdir())
            raise Refused(_NO_ROOM) from full
    if error := body.exception():
        raise error
    return total


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise Refused(too_large(limit))
    return body
