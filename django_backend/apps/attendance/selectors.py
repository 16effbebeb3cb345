"""Reads training days, marks and letters, as rows that are ready to be sent."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet

from apps.attendance.models import Attendance, ExcuseLetter, TrainingDay
from apps.cadets.models import Cadet
from common.exceptions import MalformedJson
from common.inputs import possible_id, text
from common.rows import columns, row_read

# Name in the API, and where it comes from: a cadet, or the mark that it has on the day.
RECORD = {
    "cadet_id": "id",
    "student_id": "student_id",
    "first_name": "first_name",
    "last_name": "last_name",
    "company": "company",
    "platoon": "platoon",
    "attendance_id": "mark__id",
    "status": "mark__status",
    "remarks": "mark__remarks",
    "time_in": "mark__time_in",
    "time_out": "mark__time_out",
}


def day_list() -> QuerySet[TrainingDay, Any]:
    """The rows of all training days, latest first. The date is a text, and ordered as one."""
    rows: QuerySet[TrainingDay, Any] = TrainingDay.objects.order_by("-date", "-id").values(*columns(TrainingDay))
    return rows


def day_row(day_id: int) -> dict[str, Any]:
    """All columns of one training day; `Missing` if there is none."""
    return row_read(TrainingDay, "Training day not found", pk=day_id)


def day_records(day_id: int, *, company: str, platoon: str) -> list[dict[str, Any]]:
    """Every cadet who is not archived, marked on the day or not. An unknown day is a day without marks."""
    mark = FilteredRelation("attendance", condition=Q(attendance__training_day=possible_id(day_id)))
    cadets = Cadet.objects.filter(Q(is_archived=False) | Q(is_archived=None)).annotate(mark=mark)
    for column, value in {"company": company, "platoon": platoon}.items():
        cadets = cadets.filter(Q((column, value))) if value else cadets
    rows = cadets.order_by("id").values_list(*RECORD.values())
    return [dict(zip(RECORD, row, strict=True)) for row in rows]


def cadet_history(cadet_id: int) -> QuerySet[Attendance, Any]:
    """The marks of a cadet with the date and title of each day, latest first."""
    marks = Attendance.objects.filter(cadet_id=cadet_id).order_by("-training_day__date", "-id")
    rows: QuerySet[Attendance, Any] = marks.values(
        *columns(Attendance), date=F("training_day__date"), title=F("training_day__title")
    )
    return rows


def letter_list(wanted: Q, status: str) -> QuerySet[ExcuseLetter, Any]:
    """The rows of the letters that are wanted, newest first; with a status those that have it."""
    letters = ExcuseLetter.objects.filter(wanted)
    if status:
        letters = letters.filter(status=status)
    rows: QuerySet[ExcuseLetter, Any] = letters.order_by("-created_at", "-id").values(*columns(ExcuseLetter))
    return rows


def scanned_student_id(code: Any) -> str | None:
    """The student id in the code on an ID card: the whole text, or on newer cards a field of the object in it."""
    if isinstance(code, str) and code.startswith("{"):
        code = _object_in(code).get("student_id")
    try:
        return text(code)
    except ValueError:
        # Whatever it is, no student is called so.
        return None


def _object_in(code: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(code)
    except (ValueError, RecursionError) as mistake:
        raise MalformedJson from mistake
    return found
