"""What stands in each type of report, line by line. Pure: it is told how the cadets stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from apps.grading.formulas import aptitude_score, plain, scores
from apps.grading.standings import CadetStanding
from common.exceptions import InvalidInput

Line = list[Any]
WHO = ("student_id", "last_name", "first_name", "company")


def _grades(cadet: CadetStanding) -> Line:
    result = scores(cadet.standing)
    numbers = (result.attendance, result.aptitude, result.subject, result.final)
    return [*map(plain, numbers), result.transmuted]


def _attendance(cadet: CadetStanding) -> Line:
    return [cadet.standing.present, cadet.late, cadet.absent, cadet.excused]


def _merits(cadet: CadetStanding) -> Line:
    merits, demerits = cadet.standing.merits, cadet.standing.demerits
    return [merits, demerits, plain(aptitude_score(merits, demerits))]


# Type of the report, its own columns, and what stands in them.
TYPES: dict[str, tuple[tuple[str, ...], Callable[[CadetStanding], Line]]] = {
    "grades": (("attendance", "aptitude", "subject", "final", "transmuted"), _grades),
    "attendance": (("present", "late", "absent", "excused"), _attendance),
    "merits": (("merits", "demerits", "aptitude"), _merits),
}


def report_lines(type: str, cadets: Iterable[CadetStanding]) -> list[Line]:
    """The header and a line for each cadet; `InvalidInput` for a type that nobody knows."""
    if type not in TYPES:
        raise InvalidInput("Unknown type of report")
    columns, cells = TYPES[type]
    return [[*WHO, *columns], *([*(getattr(cadet, name) for name in WHO), *cells(cadet)] for cadet in cadets)]
