"""Changes the training staff. Every service is one transaction: all of it happens, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.staff.columns import REQUIRED
from apps.staff.models import Staff
from common.exceptions import InvalidInput, Missing
from common.rows import row_create, row_update


@transaction.atomic
def staff_create(*, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Take on a member of staff with these columns and answer the row. A column that is not given gets its default."""
    _check_required(values)
    return row_create(Staff, **values, created_at=now, updated_at=now)


@transaction.atomic
def staff_update(*, staff_id: int, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Change these columns of a member of staff and answer the row; `Missing` if there is none."""
    return row_update(Staff, "Staff not found", staff_id, **values, updated_at=now)


@transaction.atomic
def staff_archive(*, staff_id: int) -> None:
    """Archive a member of staff; `Missing` if there is none. `updated_at` stays, as in the legacy backend."""
    if not Staff.objects.filter(pk=staff_id).update(is_archived=True):
        raise Missing("Staff not found")


@transaction.atomic
def staff_set_archived(*, staff_ids: Sequence[int], archived: bool) -> int:
    """Archive or restore several. Returns how many there are of them; `updated_at` stays, as for one."""
    # Locked in one order: two of these at once must not wait for each other.
    locked = Staff.objects.filter(pk__in=staff_ids).order_by("pk").select_for_update()
    return Staff.objects.filter(pk__in=list(locked.values_list("pk", flat=True))).update(is_archived=archived)


@transaction.atomic
def staff_import(*, rows: Sequence[dict[str, Any]], now: datetime) -> int:
    """Take on a member of staff for each of `rows`, in their order, all or none. Returns how many."""
    for number, row in enumerate(rows, start=1):
        _check_required(row, {"row": number})
    staff = [Staff(**row, created_at=now, updated_at=now) for row in rows]
    return len(Staff.objects.bulk_create(staff, batch_size=500))


def _check_required(values: dict[str, Any], where: dict[str, Any] | None = None) -> None:
    missing = [column for column in REQUIRED if not values.get(column)]
    if missing:
        raise InvalidInput("Missing required fields", {"missing": missing, **(where or {})})
