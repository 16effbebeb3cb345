"""How a grade is made of marks, merits and scores. Pure, and exact to the last bit of the legacy backend's doubles.

The order of the operations is part of the contract: another one gives another last digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

# From this final grade up, and what is shown for it. Nothing is rounded before: 74.999 is "5.00".
BANDS = (
    (98, "1.00"),
    (95, "1.25"),
    (92, "1.50"),
    (89, "1.75"),
    (86, "2.00"),
    (83, "2.25"),
    (80, "2.50"),
    (77, "2.75"),
    (75, "3.00"),
)
FAILED = "5.00"
# Incomplete, dropped out, transferred: shown in place of a grade.
SHOWN_INSTEAD = frozenset({"INC", "DO", "T"})
BASE_APTITUDE = 100


@dataclass(frozen=True)
class Standing:
    """What a cadet's grade is made of. A term without a score counts as nothing; each may have a status."""

    present: int
    training_days: int
    merits: int
    demerits: int
    prelim: Decimal | None = None
    midterm: Decimal | None = None
    final: Decimal | None = None
    prelim_status: str | None = None
    midterm_status: str | None = None
    final_status: str | None = None


@dataclass(frozen=True)
class Scores:
    """The parts of a grade, their sum, and the grade as it is shown."""

    attendance: float
    aptitude: float
    subject: float
    final: float
    transmuted: str


def scores(standing: Standing) -> Scores:
    """The grade of a cadet who stands so."""
    attendance = attendance_score(standing.present, standing.training_days)
    aptitude = aptitude_score(standing.merits, standing.demerits)
    subject = subject_score(standing.prelim, standing.midterm, standing.final)
    final = attendance + aptitude + subject
    statuses = (standing.final_status, standing.midterm_status, standing.prelim_status)
    return Scores(attendance, aptitude, subject, final, transmuted(final, statuses))


def attendance_score(present: int, training_days: int) -> float:
    """Up to 30, by the share of the training days on which the cadet was present."""
    return 0.0 if training_days == 0 else present / training_days * 30


def aptitude_score(merits: int, demerits: int) -> float:
    """Up to 30, from 100 points and what was added and taken, within 0 and 100."""
    return max(0, min(100, BASE_APTITUDE + merits - demerits)) * 0.3


def subject_score(prelim: Decimal | None, midterm: Decimal | None, final: Decimal | None) -> float:
    """Up to 40, by the scores of the three terms."""
    return (_double(prelim) + _double(midterm) + _double(final)) / 300 * 40


def transmuted(final: float, statuses: Iterable[str | None]) -> str:
    """The first of `statuses` that is shown instead, else the band of the final grade."""
    for status in statuses:
        if status in SHOWN_INSTEAD:
            return status
    return next((shown for floor, shown in BANDS if final >= floor), FAILED)


def balance_after(balance: int, type: str, points: int) -> int:
    """What a log makes of the balance before it. Points may be negative, and nothing is clamped here."""
    return balance + points if type == "merit" else balance - points


def plain(number: float) -> int | float:
    """`number` as JavaScript writes it: one that is whole has no decimals."""
    return int(number) if number.is_integer() else number


def _double(score: Decimal | None) -> float:
    return 0.0 if score is None else float(score)
