"""Changes cadets. Every service is one transaction: all of it happens, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.cadets.columns import REQUIRED
from apps.cadets.models import Cadet
from common.exceptions import InvalidInput, Missing
from common.rows import row_create, row_update


@transaction.atomic
def cadet_create(*, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Enrol a cadet with these columns and answer the row. A column that is not given gets its default."""
    _check_required(values)
    return row_create(Cadet, **values, created_at=now, updated_at=now)


@transaction.atomic
def cadet_update(*, cadet_id: int, values: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Change these columns of a cadet and answer the row; `Missing` if there is no such cadet."""
    return row_update(Cadet, "Cadet not found", cadet_id, **values, updated_at=now)


@transaction.atomic
def cadet_archive(*, cadet_id: int) -> None:
    """Archive a cadet; `Missing` if there is no such cadet. `updated_at` stays, as in the legacy backend."""
    if not Cadet.objects.filter(pk=cadet_id).update(is_archived=True):
        raise Missing("Cadet not found")


@transaction.atomic
def cadets_set_archived(*, cadet_ids: Sequence[int], archived: bool) -> int:
    """Archive or restore several cadets. Returns how many there are of them; `updated_at` stays, as for one."""
    # Locked in one order: two of these at once must not wait for each other.
    locked = Cadet.objects.filter(pk__in=cadet_ids).order_by("pk").select_for_update()
    return Cadet.objects.filter(pk__in=list(locked.values_list("pk", flat=True))).update(is_archived=archived)


@transaction.atomic
def cadets_import(*, rows: Sequence[dict[str, Any]], now: datetime) -> int:
    """Enrol a cadet for each of `rows`, in their order, all or none. Returns how many."""
    for number, row in enumerate(rows, start=1):
        _check_required(row, {"row": number})
    cadets = [Cadet(**row, created_at=now, updated_at=now) for row in rows]
    return len(Cadet.objects.bulk_create(cadets, batch_size=500))


def _check_required(values: dict[str, Any], where: dict[str, Any] | None = None) -> None:
    missing = [column for column in REQUIRED if not values.get(column)]
    if missing:
        raise InvalidInput("Missing required fields", {"missing": missing, **(where or {})})
