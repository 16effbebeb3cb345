"""Changes the settings of the whole system, and keeps the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.system.models import AuditLog, Operation, SystemSetting
from common.inputs import read, storable, text
from common.rows import row_create


@transaction.atomic
def system_settings_save(*, changes: Mapping[str, Any]) -> None:
    """Store each of `changes` under its key, all or none; booleans as '1' and '0', as they always have been."""
    values = read(changes, dict.fromkeys(changes, _stored))
    keys = read({key: key for key in changes}, dict.fromkeys(changes, storable))
    # Two keys may become one when they are made storable; the later one counts, as in the legacy backend.
    stored = {keys[key]: values[key] for key in changes}
    # In the order of their keys: two of these at once must not wait for each other.
    rows = [SystemSetting(key=key, value=stored[key]) for key in sorted(stored)]
    SystemSetting.objects.bulk_create(rows, update_conflicts=True, unique_fields=["key"], update_fields=["value"])


def _stored(value: Any) -> str | None:
    if isinstance(value, bool):
        return "1" if value else "0"
    return text(value)


@transaction.atomic
def audit_log_write(
    *, table_name: str, operation: Operation, record_id: str, user_id: int | None, payload: Any, now: datetime
) -> None:
    """Note one change of one row, in the transaction of the change."""
    row_create(
        AuditLog,
        table_name=table_name,
        operation=operation,
        record_id=record_id,
        user_id=user_id,
        payload=payload,
        created_at=now,
    )
