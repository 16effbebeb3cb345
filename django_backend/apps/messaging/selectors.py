"""Reads messages and notifications, as rows that are ready to be sent."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from apps.authentication.models import User
from apps.messaging.models import Message, Notification
from common.rows import columns

UNREAD = Q(is_read=False) | Q(is_read=None)


def message_list(viewer: User, room: str) -> QuerySet[Message, Any]:
    """The messages of a room, newest first. One with a recipient is seen by its sender and its recipient only."""
    meant = Q(recipient=None) | Q(recipient=viewer) | Q(sender=viewer)
    rows: QuerySet[Message, Any] = (
        Message.objects.filter(meant, room=room).order_by("-created_at", "-id").values(*columns(Message))
    )
    return rows


def notification_list(viewer: User, *, only_unread: bool) -> QuerySet[Notification, Any]:
    """The notifications of `viewer` and those for everybody, newest first."""
    found = Notification.objects.filter(Q(user=viewer) | Q(user=None))
    if only_unread:
        found = found.filter(UNREAD)
    rows: QuerySet[Notification, Any] = found.order_by("-created_at", "-id").values(*columns(Notification))
    return rows
