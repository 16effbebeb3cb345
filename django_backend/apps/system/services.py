"""Changes the settings of the whole system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.system.models import SystemSetting
from common.inputs import read, storable, text


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
