"""Reads cadets, as rows that are ready to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from apps.cadets.models import Cadet
from common.rows import columns, row_read

COLUMNS = columns(Cadet)
SEARCHED = ("first_name", "last_name", "student_id")


@dataclass(frozen=True)
class CadetFilter:
    """Which cadets a list shows. An empty text filters nothing; `search` is a part of a name or student id."""

    search: str = ""
    company: str = ""
    course: str = ""
    include_archived: bool = False


def cadet_list(wanted: CadetFilter) -> QuerySet[Cadet, Any]:
    """The rows of the cadets that `wanted` lets through, by name; letter case counts."""
    cadets = Cadet.objects.all()
    if wanted.search:
        found = (Q((f"{column}__contains", wanted.search)) for column in SEARCHED)
        cadets = cadets.filter(next(found) | next(found) | next(found))
    if wanted.company:
        cadets = cadets.filter(company=wanted.company)
    if wanted.course:
        cadets = cadets.filter(course=wanted.course)
    if not wanted.include_archived:
        # NULL counts as not archived: the column came late and old rows were never filled.
        cadets = cadets.filter(Q(is_archived=False) | Q(is_archived=None))
    rows: QuerySet[Cadet, Any] = cadets.order_by("last_name", "first_name", "id").values(*COLUMNS)
    return rows


def cadet_row(cadet_id: int) -> dict[str, Any]:
    """All columns of one cadet; `Missing` if there is no such cadet."""
    return row_read(Cadet, "Cadet not found", pk=cadet_id)
