"""The operations of the group `messaging`. Bodies are in camelCase; messages and notifications are rows."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from apps.messaging.access import access_notification_to_delete, access_notification_to_read
from apps.messaging.models import Message, Notification
from apps.messaging.selectors import message_list, notification_list
from apps.messaging.services import (
    message_create,
    notification_create,
    notification_delete,
    notification_mark_read,
    notifications_mark_read,
    push_subscribe,
    push_unsubscribe,
)
from common.api import Api
from common.bodies import lacking, require
from common.inputs import Reader, integer, json_value, present_text, read, storable, text
from common.json import dumps
from common.openapi.description import described, listed
from common.openapi.shapes import STRING, body_of, counted, row_of_table, said
from common.pagination import listing, page_asked
from common.permissions import IsAdmin


class MessageListApi(Api):
    """Lists what was said in a room, newest first, a page at a time."""

    description = listed(Message, path={"room": STRING})

    def get(self, request: Request, room: str) -> Response:
        return Response(listing(message_list(self.viewer, room), page_asked(request.query_params)))


class MessageCreateApi(Api):
    """Says something in a room. A room exists by being used."""

    readers: ClassVar[dict[str, Reader]] = {"content": present_text, "subject": text, "recipientId": integer}
    description = described(
        row_of_table(Message), status=201, json=body_of(readers, required=["content"]), path={"room": STRING}
    )

    def post(self, request: Request, room: str) -> Response:
        require(self.fields(), ["content"], "Content is required")
        given = read({**self.fields(), "room": room}, {"room": storable, **self.readers})
        values = {
            "content": given["content"],
            "subject": given.get("subject"),
            "recipient_id": given.get("recipientId"),
        }
        row = message_create(room=given["room"], sender_id=self.actor, values=values, now=self.now)
        return Response(row, status=201)


class NotificationListApi(Api):
    """Lists the own notifications and those for everybody, newest first, a page at a time."""

    description = listed(Notification, "unread")

    def get(self, request: Request) -> Response:
        query = request.query_params
        found = notification_list(self.viewer, only_unread=query.get("unread") == "true")
        return Response(listing(found, page_asked(query)))


class NotificationReadApi(Api):
    """Marks one notification as read."""

    description = described(said("Notification marked as read"), refuses=[404])

    def put(self, request: Request, notification_id: str) -> Response:
        notification_mark_read(meant=access_notification_to_read(self.viewer, notification_id))
        return Response({"message": "Notification marked as read"})


class NotificationReadAllApi(Api):
    """Marks all own notifications as read."""

    description = described(counted("updated"))

    def put(self, request: Request) -> Response:
        return Response({"updated": notifications_mark_read(user=self.viewer)})


class NotificationDeleteApi(Api):
    """Deletes one notification."""

    description = described(said("Notification deleted"), refuses=[404])

    def delete(self, request: Request, notification_id: str) -> Response:
        notification_delete(meant=access_notification_to_delete(self.viewer, notification_id))
        return Response({"message": "Notification deleted"})


class BroadcastApi(Api):
    """Notifies everybody."""

    permission_classes = (IsAdmin,)
    description = described(
        row_of_table(Notification),
        status=201,
        json=body_of({"message": present_text, "type": text, "priority": text}, required=["message"]),
    )

    def post(self, request: Request) -> Response:
        require(self.fields(), ["message"], "Message is required")
        # What JavaScript takes for false is as good as not there.
        given = {name: value for name, value in self.fields().items() if not lacking(value)}
        values = {"type": "system", "priority": "normal", **given}
        readers = dict.fromkeys(("message", "type", "priority"), present_text)
        row = notification_create(user_id=None, **read(values, readers), now=self.now)
        return Response(row, status=201)


class PushSubscribeApi(Api):
    """Remembers where to push for the own user. Nothing is pushed yet."""

    readers: ClassVar[dict[str, Reader]] = {"endpoint": present_text, "keys": json_value}
    description = described(said("Subscribed"), json=body_of(readers, required=readers))

    def post(self, request: Request) -> Response:
        require(self.fields(), self.readers, "Endpoint and keys are required")
        given = read(self.fields(), self.readers)
        # The column is a text with JSON in it.
        keys = dumps(given["keys"]).decode()
        push_subscribe(user_id=self.actor, endpoint=given["endpoint"], keys=keys, now=self.now)
        return Response({"message": "Subscribed"})


class PushUnsubscribeApi(Api):
    """Forgets an endpoint."""

    description = described(said("Unsubscribed"), json=body_of({"endpoint": text}))

    def post(self, request: Request) -> Response:
        given = read(self.fields(), {"endpoint": text})
        push_unsubscribe(endpoint=given.get("endpoint"))
        return Response({"message": "Unsubscribed"})
