"""Grades whole classes behind the scenes, where nobody waits for an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from celery import shared_task
from django.utils import timezone

from apps.authentication.models import User
from apps.grading.models import GradeCategory
from apps.grading.services import grades_save
from apps.messaging.services import notification_create
from common.inputs import Reader, hundredths, read, text, whole_number
from common.jobs.job import Job

READERS: dict[str, Reader] = {
    "cadet_id": whole_number,
    "category_id": whole_number,
    "term": text,
    "score": hundredths,
    "max_score": hundredths,
    "status": text,
    "remarks": text,
}
UNSAID = {"term": None, "max_score": Decimal(100), "status": "active", "remarks": None}


@shared_task(bind=True, base=Job)
def grade_in_bulk(self: Job, category_id: int, grades: list[dict[str, Any]], graded_by: int) -> int:
    """Save many grades of one category, all or none, and tell whoever gave them; returns how many there were.

    Each is `{cadet_id, score}` and what else a grade may hold, by column.
    """
    category, grader = GradeCategory.objects.get(pk=category_id), User.objects.get(pk=graded_by)
    now = timezone.now()
    rows = [{**UNSAID, **read({**grade, "category_id": category.pk}, READERS)} for grade in grades]
    saved = grades_save(grades=rows, graded_by=grader.pk, now=now)
    notification_create(user_id=grader.pk, type="grade", message=f"{saved} grades saved: {category.name}", now=now)
    return saved
