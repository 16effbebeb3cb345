"""How a client may write the columns of a table, as the table itself says it."""

from __future__ import annotations

from typing import Any

from django.db import models

from common.inputs import Reader, day, flag, hundredths, integer, present_text, text, whole_number

# The id is the database's, the times are the services'.
NOT_WRITABLE = frozenset({"id", "created_at", "updated_at"})


def writable(model: type[models.Model]) -> dict[str, Reader]:
    """The columns of a table that a client may write, and how each is read."""
    fields = (field for field in model._meta.concrete_fields if field.column not in NOT_WRITABLE)
    return {str(field.column): _reader(field) for field in fields}


def _reader(field: models.Field[Any, Any]) -> Reader:
    match field:
        case models.BooleanField():
            return flag
        case models.DateField():
            return day
        case models.DecimalField():
            return hundredths
        case models.ForeignKey() | models.IntegerField():
            return integer if field.null else whole_number
    return text if field.null else present_text
