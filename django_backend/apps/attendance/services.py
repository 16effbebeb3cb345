"""Changes training days and marks. Every service is one transaction: all of it happens, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from apps.attendance.models import Attendance, Mark, StaffAttendance, TrainingDay
from apps.cadets.models import Cadet
from common.exceptions import Missing
from common.realtime import publish_update
from common.rows import row_create, row_delete, row_new, row_of, row_update, row_upsert, rows_upsert

# What a mark says; what is not given becomes NULL when a mark is written over.
SAID = ("status", "remarks", "time_in", "time_out")
ON_ARRIVAL = ("status", "remarks", "time_in")


@transaction.atomic
def day_create(*, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Add a training day and answer the row. Two days may have the same date."""
    row = row_create(TrainingDay, **values, created_at=now)
    publish_update("training_days", "created", row["id"])
    return row


@transaction.atomic
def day_update(*, day_id: int, values: dict[str, Any]) -> dict[str, Any]:
    """Change a training day and answer the row; `Missing` if there is none."""
    row = row_update(TrainingDay, "Training day not found", day_id, **values)
    publish_update("training_days", "updated", day_id)
    return row


@transaction.atomic
def day_delete(*, day_id: int) -> None:
    """Delete a training day with its marks and letters; `Missing` if there is none."""
    row_delete(TrainingDay, "Training day not found", pk=day_id)
    publish_update("training_days", "deleted", day_id)


@transaction.atomic
def cadet_mark(*, day_id: int, cadet_id: int, said: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Mark a cadet on a day, or write over the mark that it has, and answer the row."""
    row = _mark(Attendance, {"training_day_id": day_id, "cadet_id": cadet_id}, said, now)
    publish_update("attendance", "marked", row["id"])
    return row


@transaction.atomic
def cadet_excuse(*, day_id: int, cadet_id: int, now: datetime) -> None:
    """Mark a cadet as excused on a day, because of an approved letter. No open page is told, as ever."""
    said = {"status": Mark.EXCUSED.value, "remarks": "Excuse letter approved"}
    _mark(Attendance, {"training_day_id": day_id, "cadet_id": cadet_id}, said, now)


@transaction.atomic
def staff_mark(*, day_id: int, staff_id: int, said: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The same for a member of staff."""
    return _mark(StaffAttendance, {"training_day_id": day_id, "staff_id": staff_id}, said, now)


@transaction.atomic
def cadets_mark(*, day_id: int, records: Sequence[dict[str, Any]], now: datetime) -> int:
    """Mark many cadets on a day. Returns how many marks were given; of two for one cadet the later one counts."""
    chosen = {record["cadet_id"]: record for record in records}
    # In the order of the cadets: two of these at once must not wait for each other.
    rows = [row_new(Attendance, training_day_id=day_id, created_at=now, **chosen[cadet]) for cadet in sorted(chosen)]
    rows_upsert(Attendance, rows, unique=("training_day_id", "cadet_id"), changed=SAID)
    publish_update("attendance", "marked", None)
    return len(records)


@transaction.atomic
def cadet_scan(*, day_id: int, student_id: str | None, now: datetime) -> dict[str, Any]:
    """Note that a cadet held its card to the reader: the first time of a day it came, every later time it went."""
    # Locked, so that of two scans at once the second finds the first. Rows that refer to the cadet do not wait.
    cadet = Cadet.objects.select_for_update(no_key=True).filter(student_id=student_id).first()
    if student_id is None or cadet is None:
        raise Missing("Cadet not found")
    marked = Attendance.objects.filter(training_day=day_id, cadet=cadet).first()
    if marked is None or not marked.time_in:
        message, row = "Time in recorded", _came(day_id, cadet, now)
    else:
        message, row = "Time out recorded", _went(marked, now)
    publish_update("attendance", "marked", row["id"])
    shown = {name: getattr(cadet, name) for name in ("id", "student_id", "first_name", "last_name")}
    return {"message": message, "cadet": shown, "attendance": row}


def clock(now: datetime) -> str:
    """`now` as the times of a mark are written: 7:55:10 AM."""
    local = timezone.localtime(now)
    return f"{local.hour % 12 or 12}:{local:%M:%S} {'AM' if local.hour < 12 else 'PM'}"


def _mark(table: type[models.Model], whose: dict[str, int], said: dict[str, Any], now: datetime) -> dict[str, Any]:
    values = {**dict.fromkeys(SAID), **said}
    return row_upsert(table, unique=tuple(whose), changed=SAID, **whose, **values, created_at=now)


def _came(day_id: int, cadet: Cadet, now: datetime) -> dict[str, Any]:
    return row_upsert(
        Attendance,
        unique=("training_day_id", "cadet_id"),
        changed=ON_ARRIVAL,
        training_day_id=day_id,
        cadet_id=cadet.pk,
        status=Mark.PRESENT.value,
        remarks="QR scan",
        time_in=clock(now),
        created_at=now,
    )


def _went(marked: Attendance, now: datetime) -> dict[str, Any]:
    marked.time_out = clock(now)
    marked.save(update_fields=["time_out"])
    return row_of(marked)
