"""Writes whole tables as CSV texts, for people who go on with a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.apps import apps
from django.db import models

from apps.reports.csv_text import csv_bytes
from common.exceptions import InvalidInput
from common.json import dumps
from common.rows import columns

# What may be taken away in one piece, by the name of its table.
EXPORTED = {
    "cadets": "cadets.Cadet",
    "staff": "staff.Staff",
    "training_days": "attendance.TrainingDay",
    "attendance": "attendance.Attendance",
    "activities": "activities.Activity",
    "grade_categories": "grading.GradeCategory",
    "grades": "grading.Grade",
    "merit_demerit_logs": "grading.MeritDemeritLog",
}


def table_csv(table: str) -> bytes:
    """A header and all rows of a table, in the order of their ids; `InvalidInput` for one that is not given out."""
    if table not in EXPORTED:
        raise InvalidInput("Unknown table", {"table": [table]})
    model = apps.get_model(EXPORTED[table])
    return csv_bytes(_lines(model, columns(model)))


def _lines(model: type[models.Model], names: tuple[str, ...]) -> Iterator[Iterable[Any]]:
    yield names
    for row in model._default_manager.order_by("pk").values_list(*names).iterator(chunk_size=1000):
        yield map(_written, row)


def _written(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return dumps(value).decode() if isinstance(value, dict | list) else value
