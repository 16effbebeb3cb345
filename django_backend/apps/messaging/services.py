"""Stores messages, notifications and subscriptions, and tells those who listen."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction
from django.db.models import Q

from apps.authentication.models import User
from apps.messaging.models import Message, Notification, PushSubscription
from apps.messaging.selectors import UNREAD
from common.exceptions import Missing
from common.realtime import publish
from common.rows import row_create, row_upsert


@transaction.atomic
def message_create(*, room: str, sender_id: int, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Say something in a room and answer the row; who is there hears it, or sender and recipient alone."""
    row = row_create(Message, room=room, sender_id=sender_id, **values, created_at=now)
    recipient = row["recipient_id"]
    publish(f"chat:{room}", "message", row, to=None if recipient is None else {sender_id, recipient})
    return row


@transaction.atomic
def notification_create(
    *, user_id: int | None, type: str, message: str, now: datetime, priority: str = "normal"
) -> dict[str, Any]:
    """Notify a user, or without one everybody, and answer the row."""
    row = row_create(Notification, user_id=user_id, type=type, message=message, priority=priority, created_at=now)
    shown = {
        # Made from the row's id, so that the event has the same id whichever backend sends it.
        "id": str(uuid5(NAMESPACE_URL, f"notifications/{row['id']}")),
        "message": row["message"],
        "timestamp": row["created_at"],
        "priority": row["priority"],
    }
    publish("notifications", "notification", shown, to=None if user_id is None else {user_id})
    if user_id is not None:
        # Only now: the tasks call the services of others, which call this.
        from apps.messaging.tasks import mail_start

        mail_start(row["id"])
    return row


@transaction.atomic
def cadet_notify(*, cadet_id: int | None, type: str, message: str, now: datetime, priority: str = "normal") -> None:
    """Notify the first user who is this cadet, if there is one."""
    if cadet_id is None:
        return
    user_id = User.objects.filter(cadet_id=cadet_id).order_by("pk").values_list("pk", flat=True).first()
    if user_id is not None:
        notification_create(user_id=user_id, type=type, message=message, now=now, priority=priority)


@transaction.atomic
def notification_mark_read(*, meant: Q) -> None:
    """Mark a notification as read; one for everybody is read for everybody then. `Missing` if there is none."""
    if not Notification.objects.filter(meant).update(is_read=True):
        raise Missing("Notification not found")


@transaction.atomic
def notifications_mark_read(*, user: User) -> int:
    """Mark all own notifications as read, and say how many were not. Those for everybody stay as they are."""
    return Notification.objects.filter(UNREAD, user=user).update(is_read=True)


@transaction.atomic
def notification_delete(*, meant: Q) -> None:
    """Delete a notification; `Missing` if there is none."""
    deleted, _ = Notification.objects.filter(meant).delete()
    if not deleted:
        raise Missing("Notification not found")


@transaction.atomic
def push_subscribe(*, user_id: int, endpoint: str, keys: str, now: datetime) -> None:
    """Remember where to push for a user. A browser that changes its user keeps its endpoint: the row changes hands."""
    row_upsert(
        PushSubscription,
        unique=["endpoint"],
        changed=["user_id", "keys"],
        user_id=user_id,
        endpoint=endpoint,
        keys=keys,
        created_at=now,
    )


@transaction.atomic
def push_unsubscribe(*, endpoint: str | None) -> None:
    """Forget an endpoint, whoever it belongs to; there need not be one."""
    PushSubscription.objects.filter(endpoint=endpoint).delete()
