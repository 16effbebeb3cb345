"""Grade categories, grades, merits and demerits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from random import Random

from stack.sample.population import CADETS, dice, ids, instructor, moment
from stack.sample.table import Row

CATEGORIES = (("Attendance", "30.00"), ("Aptitude", "30.00"), ("Subject proficiency", "40.00"))
TERMS = ("prelim", "midterm", "final")
MERITS = {
    "merit": ("Volunteer work", "Best in drill", "Perfect attendance"),
    "demerit": ("Improper haircut", "Late", "Boots"),
}
INSTRUCTORS = ("Sgt Abad", "CPT Muñoz", None)


def grade_categories(_scale: int) -> Iterator[Row]:
    """What is graded, and how much it weighs."""
    for number, (name, weight) in enumerate(CATEGORIES, start=1):
        yield number, name, Decimal(weight), None if number == 1 else f"{name} of the semester"


def _score(rng: Random) -> Decimal:
    return Decimal(rng.randint(5500, 10_000)) / 100


def grades(scale: int) -> Iterator[Row]:
    """Every cadet's scores in the subject for three terms, and the aptitude of the finals."""
    for cadet in ids(CADETS, scale):
        rng = dice("grades", cadet)
        for place, (category, term) in enumerate([*((3, term) for term in TERMS), (2, "final")], start=1):
            graded = moment(rng, 30 * place, 5)
            yield (
                (cadet - 1) * 4 + place, cadet, category, term, _score(rng).quantize(Decimal("0.01")),
                Decimal("100.00"),
                rng.choice(("active",) * 20 + ("INC", "DO", "T")), rng.choice((None, None, "", "re-checked")),
                instructor(rng), graded, graded if rng.random() < 0.5 else None,
            )  # fmt: skip


def merit_demerit_logs(scale: int) -> Iterator[Row]:
    """Two entries for each cadet; points may be negative, and the giver may have been deleted."""
    for cadet in ids(CADETS, scale):
        rng = dice("merits", cadet)
        for place in (1, 2):
            kind = rng.choice(("merit", "demerit"))
            yield (
                (cadet - 1) * 2 + place, cadet, kind, rng.choice((1, 2, 5, 10, -3)), rng.choice((*MERITS[kind], None)),
                instructor(rng) if rng.random() < 0.9 else None, rng.choice(INSTRUCTORS), moment(rng),
            )  # fmt: skip


MERIT_COLUMNS = ("id", "cadet_id", "type", "points", "reason", "issued_by", "issued_by_name", "date_recorded")


def audited(merit: Row) -> tuple[str, object, dict[str, object], datetime]:
    """What the legacy trigger wrote about a merit log: row id, user id, payload, time."""
    payload = dict(zip(MERIT_COLUMNS, merit, strict=True))
    recorded = payload["date_recorded"]
    assert isinstance(recorded, datetime)
    payload["date_recorded"] = recorded.isoformat()
    return str(payload["id"]), payload["issued_by"], payload, recorded
