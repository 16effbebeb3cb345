"""The shapes of what this group takes and answers that is the row of no table."""

from __future__ import annotations

from apps.attendance.models import Attendance, Mark
from apps.cadets.models import Cadet
from common.inputs import Reader, whole_number
from common.openapi.shapes import (
    OPTIONAL_INTEGER,
    OPTIONAL_STRING,
    STRING,
    Shape,
    answered,
    body_of,
    columns_of,
    row_of_table,
    row_with,
)

_WHO = ("student_id", "first_name", "last_name", "company", "platoon")
# Who has no mark on the day has none of the last five.
RECORD: Shape = answered(
    {
        "cadet_id": {"type": "integer"},
        **columns_of(Cadet, _WHO),
        "attendance_id": OPTIONAL_INTEGER,
        **dict.fromkeys(("status", "remarks", "time_in", "time_out"), OPTIONAL_STRING),
    }
)
SCANNED: Shape = answered(
    {
        "message": STRING,
        "cadet": answered(columns_of(Cadet, ["id", "student_id", "first_name", "last_name"])),
        "attendance": row_of_table(Attendance),
    }
)
HISTORY: Shape = row_with(Attendance, date=STRING, title=STRING)


STATUS: Shape = {"enum": Mark.values}


def mark_body(readers: dict[str, Reader], whose: str) -> Shape:
    """What marks somebody on a day."""
    ids = {"trainingDayId": whole_number, whose: whole_number}
    return body_of({**ids, **readers}, required=[*ids, "status"], status=STATUS)
