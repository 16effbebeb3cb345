"""Reads the training staff, as rows that are ready to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from apps.staff.models import Staff
from common.rows import columns, row_read

SEARCHED = ("first_name", "last_name", "email")


@dataclass(frozen=True)
class StaffFilter:
    """Which members of staff a list shows. An empty text filters nothing; `search` is a part of a name or address."""

    search: str = ""
    role: str = ""
    include_archived: bool = False


def staff_list(wanted: StaffFilter) -> QuerySet[Staff, Any]:
    """The rows of the members of staff that `wanted` lets through, by name; letter case counts."""
    staff = Staff.objects.all()
    if wanted.search:
        found = (Q((f"{column}__contains", wanted.search)) for column in SEARCHED)
        staff = staff.filter(next(found) | next(found) | next(found))
    if wanted.role:
        staff = staff.filter(role=wanted.role)
    if not wanted.include_archived:
        # NULL counts as not archived: the column came late and old rows were never filled.
        staff = staff.filter(Q(is_archived=False) | Q(is_archived=None))
    rows: QuerySet[Staff, Any] = staff.order_by("last_name", "first_name", "id").values(*columns(Staff))
    return rows


def staff_row(staff_id: int) -> dict[str, Any]:
    """All columns of one member of staff; `Missing` if there is none."""
    return row_read(Staff, "Staff not found", pk=staff_id)
