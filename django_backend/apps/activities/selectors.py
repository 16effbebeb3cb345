"""Reads activities, as rows that are ready to be sent."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from apps.activities.models import Activity
from apps.cadets.models import Cadet
from common.rows import columns, row_read

PARTICIPANT = ("id", "first_name", "last_name", "company")


def activity_list(*, type: str, search: str) -> QuerySet[Activity, Any]:
    """The rows of activities, latest first. The date is a text, and ordered as one; `search` is a part of the title."""
    activities = Activity.objects.all()
    if type:
        activities = activities.filter(type=type)
    if search:
        activities = activities.filter(title__contains=search)
    rows: QuerySet[Activity, Any] = activities.order_by("-date", "-id").values(*columns(Activity))
    return rows


def activity_shown(activity_id: int) -> dict[str, Any]:
    """All columns of one activity, and who takes part; `Missing` if there is none."""
    row = row_read(Activity, "Activity not found", pk=activity_id)
    participants = Cadet.objects.filter(activities=activity_id).order_by("id").values(*PARTICIPANT)
    return {**row, "participants": list(participants)}
