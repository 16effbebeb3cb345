"""Keeps what is counted from the marks in step with them."""

from __future__ import annotations

from celery import shared_task

from apps.attendance.summaries import summaries_refresh
from common.jobs.periodic import Periodic
from common.realtime import publish_update


@shared_task(bind=True, base=Periodic)
def sync_attendance(self: Periodic) -> bool:
    """Count the marks of each day anew; open pages are told when something changed. It writes no row."""
    changed = summaries_refresh()
    if changed:
        publish_update("attendance", "synced", None)
    return changed
