"""The shapes of what this group answers that is the row of no table."""

from __future__ import annotations

from apps.grading.models import MeritDemeritLog
from common.openapi.shapes import (
    HUNDREDTHS,
    INTEGER,
    NUMBER,
    OPTIONAL_INTEGER,
    OPTIONAL_STRING,
    STRING,
    Shape,
    answered,
    row_with,
)

_SCORE: Shape = {**HUNDREDTHS, "type": ["string", "null"]}
SUMMARY: Shape = answered(
    {
        **dict.fromkeys(("cadetId", "present", "trainingDays", "merits", "demerits"), INTEGER),
        **dict.fromkeys(("prelim", "midterm", "final"), _SCORE),
        **dict.fromkeys(("attendanceScore", "aptitudeScore", "subjectScore", "finalGrade"), NUMBER),
        "transmutedGrade": STRING,
    }
)
# The first line and the last are invented, and have no id.
LEDGER_LINE: Shape = row_with(MeritDemeritLog, id=OPTIONAL_INTEGER, balance=INTEGER)
LEADER: Shape = answered(
    {
        "rank": INTEGER,
        "cadetId": INTEGER,
        "firstName": STRING,
        "lastName": STRING,
        "company": OPTIONAL_STRING,
        **dict.fromkeys(("merits", "demerits", "points"), INTEGER),
    }
)
