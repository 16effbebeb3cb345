"""The admin site's view of messages and notifications."""

from __future__ import annotations

from django.contrib import admin

from apps.messaging.models import Message, Notification, PushSubscription
from common.admin import TableAdmin


@admin.register(Message)
class MessageAdmin(TableAdmin):
    list_display = ("id", "room", "sender", "is_read")
    search_fields = ("room",)
    list_select_related = ("sender",)
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("sender", "recipient")


@admin.register(Notification)
class NotificationAdmin(TableAdmin):
    list_display = ("id", "user", "type", "priority")
    search_fields = ("type",)
    list_select_related = ("user",)
    # Not a drop-down: it would load the whole table.
    raw_id_fields = ("user",)


@admin.register(PushSubscription)
class PushSubscriptionAdmin(TableAdmin):
    list_display = ("id", "user_id", "endpoint")
    search_fields = ("endpoint",)
