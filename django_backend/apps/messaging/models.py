"""Messages, notifications and push subscriptions, in the tables that the legacy backend left behind."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Message(models.Model):
    """One message in a room, to everybody there or to one recipient."""

    room = models.TextField()
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    subject = models.TextField(null=True)
    content = models.TextField()
    is_read = models.BooleanField(null=True, db_default=False)
    created_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "messages"

    def __str__(self) -> str:
        return f"message {self.pk} in {self.room}"


class Notification(models.Model):
    """One notice. No user means that it is for everybody."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    type = models.TextField()
    message = models.TextField()
    priority = models.TextField(null=True, db_default="normal")
    is_read = models.BooleanField(null=True, db_default=False)
    created_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notifications"

    def __str__(self) -> str:
        return f"{self.type} for user {self.user_id}"


class PushSubscription(models.Model):
    """Where to push for a user. `keys` is a JSON string; `user_id` refers to nothing: subscriptions outlive users."""

    user_id = models.IntegerField(null=True)
    endpoint = models.TextField(unique=True)
    keys = models.TextField()
    created_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "push_subscriptions"

    def __str__(self) -> str:
        return self.endpoint
