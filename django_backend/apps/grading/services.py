"""Changes categories and grades. Every service is one transaction: all of it happens, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.grading.models import Grade, GradeCategory
from apps.messaging.services import cadet_notify
from common.rows import row_create, row_delete, row_new, row_update, rows_upsert

UNIQUE = ("cadet_id", "category_id", "term")
OVERWRITTEN = ("score", "max_score", "status", "remarks", "graded_by", "updated_at")


@transaction.atomic
def category_create(*, values: dict[str, Any]) -> dict[str, Any]:
    """Add a category and answer the row."""
    return row_create(GradeCategory, **values)


@transaction.atomic
def category_update(*, category_id: int, values: dict[str, Any]) -> dict[str, Any]:
    """Change a category and answer the row; `Missing` if there is none."""
    return row_update(GradeCategory, "Category not found", category_id, **values)


@transaction.atomic
def category_delete(*, category_id: int) -> None:
    """Delete a category; `Missing` if there is none. One that has grades is kept, and that is a conflict."""
    row_delete(GradeCategory, "Category not found", pk=category_id)


@transaction.atomic
def grade_create(*, values: dict[str, Any], graded_by: int, now: datetime) -> dict[str, Any]:
    """Grade a cadet, tell it, and answer the row."""
    row = row_create(Grade, **values, graded_by=graded_by, created_at=now, updated_at=now)
    cadet_notify(cadet_id=row["cadet_id"], type="grade", message="New grade posted", now=now, priority="high")
    return row


@transaction.atomic
def grade_update(*, grade_id: int, values: dict[str, Any], graded_by: int, now: datetime) -> dict[str, Any]:
    """Change a grade and answer the row; `Missing` if there is none."""
    return row_update(Grade, "Grade not found", grade_id, **values, graded_by=graded_by, updated_at=now)


@transaction.atomic
def grade_delete(*, grade_id: int) -> None:
    """Delete a grade; `Missing` if there is none."""
    row_delete(Grade, "Grade not found", pk=grade_id)


@transaction.atomic
def grades_save(*, grades: Sequence[dict[str, Any]], graded_by: int, now: datetime) -> int:
    """Grade many cadets, each anew or over the grade of the same category and term. Returns how many were given.

    Of two for one cadet the later one counts; but without a term no grade is the same as another.
    """
    chosen = {_key(number, grade): grade for number, grade in enumerate(grades)}
    # In one order: two of these at once must not wait for each other.
    rows = [
        row_new(Grade, **grade, graded_by=graded_by, created_at=now, updated_at=now)
        for _, grade in sorted(chosen.items(), key=lambda entry: entry[0])
    ]
    rows_upsert(Grade, rows, unique=UNIQUE, changed=OVERWRITTEN)
    return len(grades)


def _key(number: int, grade: dict[str, Any]) -> tuple[int, int]:
    return grade["cadet_id"], number if grade["term"] is None else -1
