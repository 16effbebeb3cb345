"""The sockets of the group `messaging`: what is said in a room, and the notifications of a user."""

from __future__ import annotations

from typing import Any

import structlog
from channels.db import database_sync_to_async
from django.db import Error
from django.utils import timezone

from apps.messaging.services import message_create
from common.exceptions import InvalidInput
from common.frames import BadFrame, Frame
from common.inputs import Reader, integer, read, storable, text
from common.sockets import Handler, SocketConsumer

READERS: dict[str, Reader] = {"room": storable, "content": storable, "subject": text, "recipientId": integer}

log = structlog.get_logger(__name__)


class NotificationsConsumer(SocketConsumer):
    """Hears the notifications of the own user, and those for everybody."""

    group = "notifications"


class ChatConsumer(SocketConsumer):
    """Says and hears in one room."""

    @property
    def room(self) -> str:
        """The name of the room."""
        return str(self.scope["room"])

    @property
    def group(self) -> str:
        return f"chat:{self.room}"

    def handlers(self) -> dict[str, Handler]:
        return {**super().handlers(), "message": self._say, "typing": self._typing}

    async def _say(self, frame: Frame) -> None:
        given = frame.data if isinstance(frame.data, dict) else {}
        if not given.get("content") or not isinstance(given["content"], str):
            raise BadFrame("Content is required")
        try:
            # Storing it tells the room as well, this client included.
            await database_sync_to_async(_store, thread_sensitive=False)(self.room, self.user_id, given)
        except (InvalidInput, Error) as trouble:
            log.warning("a message was not saved", sender=self.user_id, reason=type(trouble).__name__)
            raise BadFrame("Message could not be saved") from trouble

    async def _typing(self, frame: Frame) -> None:
        words = {"type": "typing", "data": {"userId": self.user_id}}
        await self.channel_layer.group_send(self.group, {"frame": words, "but": self.channel_name})


def _store(room: str, sender_id: int, given: dict[str, Any]) -> None:
    found = read({**given, "room": room}, READERS)
    values = {
        "content": found["content"],
        "subject": found.get("subject"),
        "recipient_id": found.get("recipientId"),
    }
    message_create(room=found["room"], sender_id=sender_id, values=values, now=timezone.now())
