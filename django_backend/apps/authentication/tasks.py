"""Clears away what logins to the admin site leave behind."""

from __future__ import annotations

from celery import shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone

from common.jobs.periodic import Periodic


@shared_task(bind=True, base=Periodic)
def cleanup_sessions(self: Periodic) -> int:
    """Delete the sessions that have expired; returns how many. Users of the API have tokens, and no sessions."""
    deleted, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return deleted
