"""Reads grades, merits and what follows from them, as rows that are ready to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.cadets.models import Cadet
from apps.grading.formulas import BASE_APTITUDE, balance_after, plain, scores
from apps.grading.models import Grade, GradeCategory, MeritDemeritLog, MeritType
from apps.grading.standings import standing_of
from common.cache import cached
from common.exceptions import Missing
from common.inputs import possible_id
from common.rows import columns

LEADER = {
    "cadetId": "id",
    "firstName": "first_name",
    "lastName": "last_name",
    "company": "company",
    "merits": "merits",
    "demerits": "demerits",
    "points": "points",
}


def category_list() -> list[dict[str, Any]]:
    """All categories."""
    return list(GradeCategory.objects.order_by("id").values(*columns(GradeCategory)))


def grade_list(wanted: Q, term: str) -> QuerySet[Grade, Any]:
    """The rows of the grades that are wanted, by cadet; with a term those of it."""
    grades = Grade.objects.filter(wanted)
    if term:
        grades = grades.filter(term=term)
    rows: QuerySet[Grade, Any] = grades.order_by("cadet_id", "id").values(*columns(Grade))
    return rows


def merit_log_list(wanted: Q, type: str) -> QuerySet[MeritDemeritLog, Any]:
    """The rows of the merits and demerits that are wanted, newest first; with a type those of it."""
    logs = MeritDemeritLog.objects.filter(wanted)
    if type:
        logs = logs.filter(type=type)
    rows: QuerySet[MeritDemeritLog, Any] = logs.order_by("-date_recorded", "-id").values(*columns(MeritDemeritLog))
    return rows


def cadet_summary(cadet_id: int) -> dict[str, Any]:
    """The grade of a cadet and all that it is made of, computed now; `Missing` if there is no such cadet."""
    found = standing_of(cadet_id)
    if found is None:
        raise Missing("Cadet not found")
    standing, result = found.standing, scores(found.standing)
    return {
        "cadetId": found.cadet_id,
        "present": standing.present,
        "trainingDays": standing.training_days,
        "merits": standing.merits,
        "demerits": standing.demerits,
        "prelim": standing.prelim,
        "midterm": standing.midterm,
        "final": standing.final,
        "attendanceScore": plain(result.attendance),
        "aptitudeScore": plain(result.aptitude),
        "subjectScore": plain(result.subject),
        "finalGrade": plain(result.final),
        "transmutedGrade": result.transmuted,
    }


def cadet_ledger(cadet_id: int, *, now: datetime) -> list[dict[str, Any]]:
    """The merits and demerits of a cadet with the balance after each, between two rows that are in no table."""
    logs = MeritDemeritLog.objects.filter(cadet_id=possible_id(cadet_id)).order_by("date_recorded", "id")
    lines = [
        _invented(cadet_id, BASE_APTITUDE, "Base aptitude", now),
        *logs.values(*columns(MeritDemeritLog)),
        _invented(cadet_id, 0, "Current balance", now),
    ]
    return list(_with_balances(lines))


def leaderboard(limit: int) -> list[dict[str, Any]]:
    """The first cadets by points as of the last minute, of those who are not archived; without logs they have none."""
    return cached(f"leaderboard:{limit}", lambda: _leaders(limit))


def _leaders(limit: int) -> list[dict[str, Any]]:
    cadets = (
        Cadet.objects.filter(Q(is_archived=False) | Q(is_archived=None))
        .annotate(merits=_points(MeritType.MERIT), demerits=_points(MeritType.DEMERIT))
        .annotate(points=F("merits") - F("demerits"))
        .order_by("-points", "id")
        .values(*LEADER.values())
    )
    return [
        {"rank": rank, **{name: row[column] for name, column in LEADER.items()}}
        for rank, row in enumerate(cadets[:limit], start=1)
    ]


def _points(type: MeritType) -> Coalesce:
    return Coalesce(Sum("meritdemeritlog__points", filter=Q(meritdemeritlog__type=type)), 0)


def _invented(cadet_id: int, points: int, reason: str, now: datetime) -> dict[str, Any]:
    made_up = {"id": None, "issued_by": None, "issued_by_name": "System", "date_recorded": now}
    values = {**made_up, "cadet_id": cadet_id, "type": "merit", "points": points, "reason": reason}
    return {column: values[column] for column in columns(MeritDemeritLog)}


def _with_balances(lines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    balance = 0
    for line in lines:
        balance = balance_after(balance, line["type"], line["points"])
        yield {**line, "balance": balance}
