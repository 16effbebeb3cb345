"""A client's WebSocket, and a handshake as bytes."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import AsyncExitStack
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.quirks.front import request
from tests.support.wire import PATIENCE, Client, Message


class Socket:
    """One client's end."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, frame: Any) -> None:
        """Send a frame: bytes and texts as they are, else as JSON."""
        await self.connection.send(frame if isinstance(frame, bytes | str) else json.dumps(frame))

    async def text(self) -> str:
        """The next frame, which is a text."""
        async with asyncio.timeout(PATIENCE):
            frame = await self.connection.recv()
        assert isinstance(frame, str)
        return frame

    async def heard(self) -> Any:
        """The next frame's JSON."""
        return json.loads(await self.text())

    async def nothing_else(self) -> None:
        """Frames are dealt with in order, so an answered ping tells that nothing came before it."""
        await self.say({"type": "ping", "data": "nothing else"})
        assert await self.heard() == {"type": "pong", "data": "nothing else"}

    async def closed(self) -> tuple[int | None, str]:
        """The close code and its reason."""
        with pytest.raises(ConnectionClosed) as ended:
            await self.text()
        frame = ended.value.rcvd
        return (frame.code, frame.reason) if frame else (None, "")


async def opened(stack: AsyncExitStack, url: str) -> Socket:
    """A socket that is closed with the stack. It keeps all that it is told, or a full queue would hold up its end."""
    opening = connect(url, proxy=None, open_timeout=PATIENCE, ping_interval=None, max_queue=None)
    return Socket(await stack.enter_async_context(opening))


async def shake_hands(port: int, target: str) -> tuple[Message, bytes]:
    """The answer to a handshake with a fixed key, and the first bytes behind it."""
    client = await Client.connect(port)
    key = base64.b64encode(bytes(range(16))).decode()
    fields = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"}
    try:
        await client.send(request("GET", target, fields=fields))
        async with asyncio.timeout(PATIENCE):
            head = Message(await client.reader.readuntil(b"\r\n\r\n"))
            return head, await client.reader.read(2) if head.status == 101 else b""
    finally:
        await client.close()
