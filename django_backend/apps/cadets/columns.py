"""Which columns of a cadet a client may write, and how each is read; from JSON or from a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.db import models

from apps.cadets.models import Cadet
from common.exceptions import InvalidInput
from common.inputs import Reader, day, flag, present_text, read, text

# The id is the database's, the times are the services'.
NOT_WRITABLE = frozenset({"id", "created_at", "updated_at"})
# A cell may hold a picture as a `data:` URL.
csv.field_size_limit(16 * 1024 * 1024)


def _reader(column: models.Field[Any, Any]) -> Reader:
    if isinstance(column, models.BooleanField):
        return flag
    if isinstance(column, models.DateField):
        return day
    return text if column.null else present_text


WRITABLE: dict[str, Reader] = {
    column.attname: _reader(column) for column in Cadet._meta.concrete_fields if column.attname not in NOT_WRITABLE
}
# Without these nobody is enrolled. What JavaScript takes for false is as good as not there.
REQUIRED = ("first_name", "last_name", "student_id")
ENROLMENT: dict[str, Reader] = {**WRITABLE, **dict.fromkeys(REQUIRED, lambda value: text(value or None))}


def spreadsheet_rows(content: bytes) -> list[dict[str, Any]]:
    """The rows of a CSV text under its header of column names. Empty cells and lines, and other columns, are left out.

    Bytes that are not UTF-8 are replaced, as Node does.
    """
    lines = csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""))
    try:
        names = [name.strip() for name in next(lines, [])]
        return [_row(number, dict(zip(names, line, strict=False))) for number, line in _filled(lines)]
    except csv.Error as mistake:
        raise InvalidInput("The file is not a CSV text", {"line": lines.line_num}) from mistake


def _filled(lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    filled = (line for line in lines if any(line))
    return enumerate(filled, start=1)


def _row(number: int, cells: dict[str, str]) -> dict[str, Any]:
    try:
        return read({name: cell for name, cell in cells.items() if cell}, WRITABLE)
    except InvalidInput as mistake:
        raise InvalidInput(f"Row {number} has invalid values", {"row": number, "columns": mistake.details}) from mistake
