"""Writes and judges excuse letters. Every service is one transaction: all of it happens, or nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from apps.attendance.models import ExcuseLetter
from apps.attendance.services import cadet_excuse
from apps.messaging.services import cadet_notify
from common.rows import row_create, row_update
from common.uploads import Upload, upload_keep

STATUSES = ("pending", "approved", "rejected")


@transaction.atomic
def letter_create(*, values: dict[str, Any], file: Upload | None, now: datetime) -> dict[str, Any]:
    """Hand in a letter, with a file or without, and answer the row."""
    url = None if file is None else upload_keep(file.name, file.content, now=now).url
    return row_create(ExcuseLetter, **values, file_url=url, created_at=now)


@transaction.atomic
def letter_judge(*, letter_id: int, status: str, now: datetime) -> dict[str, Any]:
    """Give a letter its status and answer the row; an approved one excuses its cadet. The cadet hears of it."""
    row = row_update(ExcuseLetter, "Excuse letter not found", letter_id, status=status)
    if status == "approved" and row["training_day_id"] and row["cadet_id"]:
        cadet_excuse(day_id=row["training_day_id"], cadet_id=row["cadet_id"], now=now)
    if status != "pending":
        message = f"Excuse letter {status}"
        cadet_notify(cadet_id=row["cadet_id"], type="attendance", message=message, now=now)
    return row
