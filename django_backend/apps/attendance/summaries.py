"""How many were there on each training day, counted now and then and kept in the cache, never in a row."""

from __future__ import annotations

from django.core.cache import cache
from django.db.models import Count

from apps.attendance.models import Attendance

KEY = "attendance:summaries"
# Longer than the schedule counts anew, so that there always is one; short enough to forget a stopped schedule.
KEPT_SECONDS = 60 * 60

# How often each status was given, by the id of the day. The ids are texts: so they are in every kind of cache.
Summaries = dict[str, dict[str, int]]


def summaries_refresh() -> bool:
    """Count anew and keep the result; whether it differs from what was kept."""
    counted = summaries_counted()
    before = cache.get(KEY)
    cache.set(KEY, counted, KEPT_SECONDS)
    return bool(before != counted)


def summaries_counted() -> Summaries:
    """The summaries as the rows say."""
    found: Summaries = {}
    rows = Attendance.objects.order_by("training_day_id", "status").values_list("training_day_id", "status")
    for day_id, status, number in rows.annotate(number=Count("id")):
        found.setdefault(str(day_id), {})[status] = number
    return found
