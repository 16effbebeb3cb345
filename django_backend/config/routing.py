"""The paths of the WebSockets. They are matched as they came: a room's name may hold a slash, if it is encoded."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from apps.messaging.consumers import ChatConsumer, NotificationsConsumer
from apps.system.consumers import UpdatesConsumer

PATH = re.compile(rb"/ws/(?:(?P<word>notifications|updates)|chat/(?P<room>[^/]+))/?", re.IGNORECASE)
NO_ENCODING = re.compile(rb"%(?![0-9a-fA-F]{2})")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

CHAT: Application = ChatConsumer.as_asgi()
BY_WORD: dict[bytes, Application] = {
    b"notifications": NotificationsConsumer.as_asgi(),
    b"updates": UpdatesConsumer.as_asgi(),
}


async def sockets(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve an upgrade; on a path that is nobody's its handshake is refused."""
    found = PATH.fullmatch(scope["raw_path"])
    if found and found["word"]:
        return await BY_WORD[found["word"].lower()](scope, receive, send)
    room = room_named(found["room"]) if found else None
    if room is not None:
        return await CHAT({**scope, "room": room}, receive, send)
    await receive()
    await send({"type": "websocket.close"})


def room_named(encoded: bytes) -> str | None:
    """The room that a part of a path names; None if it is not the encoding of a text."""
    if NO_ENCODING.search(encoded):
        return None
    try:
        return unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        return None
