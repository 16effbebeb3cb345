"""One WebSocket: opened with a token, told what happens in its group, and answered frame by frame."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import structlog
from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError

from common.authentication import active_user
from common.exceptions import TokenMissing, TokenRefused
from common.faults import fault_report
from common.frames import BadFrame, Frame, frame_text, read_frame
from common.request_id import acceptable
from common.tokens import token_user_id

BAD_TOKEN = 4001
TRY_AGAIN_LATER = 1013

Handler = Callable[[Frame], Awaitable[None]]


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]
    """A connection of one user to one group. Who inherits says which group, and which frames it takes beside a ping.

    All that the client is sent passes through the connection's own queue, so answers and what others say come in the
    order in which they happened.
    """

    user_id: int
    channel_name = ""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve the connection until it ends."""
        request_id = acceptable(dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1"))
        try:
            with structlog.contextvars.bound_contextvars(request_id=request_id or uuid.uuid4().hex):
                await super().__call__(scope, receive, send)
        except Exception as fault:
            # The server logs it, and closes with 1011.
            fault_report(fault)
            raise
        finally:
            # Also if it is cancelled, when no event comes any more.
            get_channel_layer().forget(self.channel_name)

    @property
    def group(self) -> str:
        """What the client listens to."""
        raise NotImplementedError

    def handlers(self) -> dict[str, Handler]:
        """What to do with a frame, by its type."""
        return {"ping": self._pong}

    async def websocket_connect(self, event: dict[str, Any]) -> None:
        """Complete the handshake whatever the token: a browser shows no reason of a refused one."""
        await self.send({"type": "websocket.accept"})
        try:
            self.user_id = await _user_of(token_in(self.scope["query_string"]))
        except (TokenMissing, TokenRefused) as refusal:
            await self._close(BAD_TOKEN, refusal.message)
        except (DatabaseError, InterfaceError):
            await self._close(TRY_AGAIN_LATER, "The database cannot be reached")
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.reply("connected", {"userId": self.user_id})

    async def websocket_receive(self, event: dict[str, Any]) -> None:
        """Deal with one frame. The next one waits, so that what somebody says is stored in the order it was said."""
        try:
            frame = read_frame(event.get("text"))
            handlers = self.handlers()
            if frame.type not in handlers:
                raise BadFrame(f"Unknown type: {frame.type}")
            await handlers[frame.type](frame)
        except BadFrame as mistake:
            await self.reply("error", {"message": str(mistake)})

    async def websocket_disconnect(self, event: dict[str, Any]) -> None:
        """The client has gone."""
        raise StopConsumer

    async def realtime_frame(self, message: dict[str, Any]) -> None:
        """Pass on a frame, unless it is for others."""
        to = message.get("to")
        if (to is None or self.user_id in to) and message.get("but") != self.channel_name:
            await self.send({"type": "websocket.send", "text": message.get("text") or frame_text(message["frame"])})

    async def reply(self, kind: str, data: Any) -> None:
        """Send a frame to this client alone; `BadFrame` if it cannot be said."""
        text = frame_text({"type": kind, "data": data})
        await self.channel_layer.send(self.channel_name, {"type": "realtime.frame", "text": text})

    async def _pong(self, frame: Frame) -> None:
        await self.reply("pong", frame.data if frame.has_data else {})

    async def _close(self, code: int, reason: str) -> NoReturn:
        await self.send({"type": "websocket.close", "code": code, "reason": reason})
        # What the client has sent already is not looked at any more.
        raise StopConsumer


def token_in(query: bytes) -> str:
    """The token in a query string; `TokenMissing` if there is none."""
    given = dict(reversed(parse_qsl(query.decode("latin-1"))))
    if not given.get("token"):
        raise TokenMissing
    return given["token"]


async def _user_of(token: str) -> int:
    user_id = token_user_id(token)
    # Not on the thread that all connections share: one slow question would hold up everybody.
    await database_sync_to_async(active_user, thread_sensitive=False)(user_id)
    return user_id
