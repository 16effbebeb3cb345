"""Sends notifications to people who are not looking at a page."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail

from apps.authentication.models import User, UserSetting
from apps.messaging.models import Notification
from common.copies.current import is_copy

SUBJECT = "ROTC Grading System"


def wants_mail(user: User) -> bool:
    """Whether a user has an address and did not ask to be left alone; who never said anything is told."""
    asked = UserSetting.objects.filter(pk=user.pk).values_list("email_alerts", flat=True).first()
    return bool(user.email and user.email.strip()) and user.is_active is not False and asked is not False


def notification_mail(notification: Notification) -> bool:
    """Send a notification to its user; whether there was anybody to send it to."""
    user = notification.user
    if is_copy() or user is None or not wants_mail(user):
        return False
    send_mail(SUBJECT, notification.message, settings.DEFAULT_FROM_EMAIL, [str(user.email).strip()])
    return True
