"""Writes merits and demerits, and the row of the audit log that belongs to each: a trigger in the legacy backend."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from apps.grading.models import MeritDemeritLog
from apps.system.models import Operation
from apps.system.services import audit_log_write
from common.exceptions import Missing
from common.rows import row_create, row_of


@transaction.atomic
def merit_log_create(*, values: dict[str, Any], issued_by: int, now: datetime) -> dict[str, Any]:
    """Give or take points and answer the row."""
    row = row_create(MeritDemeritLog, **values, issued_by=issued_by, date_recorded=now)
    _audit(Operation.INSERT, row, now)
    return row


@transaction.atomic
def merit_log_delete(*, log_id: int, now: datetime) -> None:
    """Delete a log; `Missing` if there is none. The audit names whoever had issued it, not who deletes it."""
    log = MeritDemeritLog.objects.select_for_update().filter(pk=log_id).first()
    if log is None:
        raise Missing("Merit log not found")
    row = row_of(log)
    log.delete()
    _audit(Operation.DELETE, row, now)


def _audit(operation: Operation, row: dict[str, Any], now: datetime) -> None:
    recorded = row["date_recorded"]
    audit_log_write(
        table_name=MeritDemeritLog._meta.db_table,
        operation=operation,
        record_id=str(row["id"]),
        user_id=row["issued_by"],
        payload={**row, "date_recorded": recorded and _clock_reading(recorded)},
        now=now,
    )


def _clock_reading(instant: datetime) -> str:
    """`instant` as the trigger writes it: in UTC without saying so, and without zeros behind the last digit."""
    written = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    return written.rstrip("0") if "." in written else written
