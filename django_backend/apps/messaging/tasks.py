"""Sends mail behind the answers."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from apps.messaging.mail import notification_mail
from apps.messaging.models import Notification
from common.jobs.job import Job
from common.jobs.queue import queue


class MailJob(Job):
    """It acts on the outside: one whose worker died half-way is not done again, for the mail may be on its way."""

    abstract = True
    acks_late = False
    reject_on_worker_lost = False
    writes = False


@shared_task(bind=True, base=MailJob)
def send_notification_email(self: MailJob, notification_id: int) -> str:
    """Send a notification to its user by mail; returns `sent`, or `unwanted` if nobody is to get it."""
    return "sent" if notification_mail(Notification.objects.get(pk=notification_id)) else "unwanted"


def mail_start(notification_id: int) -> None:
    """Have a notification sent by mail, where there is a server for mail."""
    if settings.EMAIL_HOST:
        queue(send_notification_email, notification_id)
