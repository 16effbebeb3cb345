"""Reads everything that grades are made of, for one cadet or for all, in one statement and so of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.grading.formulas import Standing

SUBJECT = "Subject proficiency"
STANDINGS = """
    SELECT c.id, c.student_id, c.last_name, c.first_name, c.company, coalesce(a.present, 0), coalesce(a.late, 0),
        coalesce(a.absent, 0), coalesce(a.excused, 0), (SELECT count(*) FROM training_days), coalesce(m.merits, 0),
        coalesce(m.demerits, 0), g.prelim, g.midterm, g.final, g.prelim_status, g.midterm_status, g.final_status
    FROM cadets c
    LEFT JOIN (
        SELECT cadet_id, count(*) FILTER (WHERE status = 'present') AS present,
            count(*) FILTER (WHERE status = 'late') AS late, count(*) FILTER (WHERE status = 'absent') AS absent,
            count(*) FILTER (WHERE status = 'excused') AS excused
        FROM attendance GROUP BY cadet_id) a ON a.cadet_id = c.id
    LEFT JOIN (
        SELECT cadet_id, sum(points) FILTER (WHERE type = 'merit') AS merits,
            sum(points) FILTER (WHERE type = 'demerit') AS demerits
        FROM merit_demerit_logs GROUP BY cadet_id) m ON m.cadet_id = c.id
    LEFT JOIN (
        SELECT cadet_id, max(score) FILTER (WHERE term = 'prelim') AS prelim,
            max(score) FILTER (WHERE term = 'midterm') AS midterm, max(score) FILTER (WHERE term = 'final') AS final,
            max(s.status) FILTER (WHERE term = 'prelim') AS prelim_status,
            max(s.status) FILTER (WHERE term = 'midterm') AS midterm_status,
            max(s.status) FILTER (WHERE term = 'final') AS final_status
        FROM grades s JOIN grade_categories k ON k.id = s.category_id WHERE k.name = %s GROUP BY cadet_id
    ) g ON g.cadet_id = c.id
"""
ONE = STANDINGS + "WHERE c.id = %s"
CORPS = (
    STANDINGS
    + """
    WHERE c.is_archived IS NOT TRUE AND (%s::text IS NULL OR c.company = %s)
    ORDER BY c.last_name, c.first_name, c.id
"""
)


@dataclass(frozen=True)
class CadetStanding:
    """A cadet, the marks that count for nothing but are reported, and what the grade is made of."""

    cadet_id: int
    student_id: str
    last_name: str
    first_name: str
    company: str | None
    late: int
    absent: int
    excused: int
    standing: Standing


def standing_of(cadet_id: int) -> CadetStanding | None:
    """How a cadet stands; None if there is no such cadet."""
    found = _standings(ONE, cadet_id)
    return found[0] if found else None


def standings_of_corps(company: str | None) -> list[CadetStanding]:
    """How all cadets stand who are not archived, by name; with a company those of it."""
    return _standings(CORPS, company, company)


def _standings(statement: str, *values: Any) -> list[CadetStanding]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [SUBJECT, *values])
        return [_of_row(row) for row in cursor.fetchall()]


def _of_row(row: tuple[Any, ...]) -> CadetStanding:
    cadet_id, student_id, last_name, first_name, company, present, late, absent, excused, days, *rest = row
    merits, demerits, *terms = rest
    standing = Standing(present, days, int(merits), int(demerits), *terms)
    return CadetStanding(cadet_id, student_id, last_name, first_name, company, late, absent, excused, standing)
