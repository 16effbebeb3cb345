"""Reads and writes single rows of any table, as they are sent: every column under its own name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, models

from common.copies.current import pinned_id
from common.exceptions import Missing

Row = dict[str, Any]
# The next id that the database draws must lie beyond one that was adopted. Drawing up to it never puts a sequence back,
# whoever draws at the same time; setval does, and is kept for gaps that nobody draws in a moment.
ADVANCE = """
    WITH found AS (
        SELECT sequence, %(adopted)s::bigint - coalesce(pg_sequence_last_value(sequence), 0) AS gap
        FROM (SELECT pg_get_serial_sequence(%(table)s, %(column)s)::regclass AS sequence) AS named
        WHERE sequence IS NOT NULL
    )
    SELECT max(number) FROM (
        SELECT nextval(sequence) AS number FROM found, generate_series(1, gap) WHERE gap <= 100000
        UNION ALL SELECT setval(sequence, %(adopted)s::bigint) FROM found WHERE gap > 100000
    ) AS drawn
"""


def columns(model: type[models.Model]) -> tuple[str, ...]:
    """The names of the columns of a table, in their order."""
    return tuple(str(field.column) for field in model._meta.concrete_fields)


def row_of(instance: models.Model) -> Row:
    """All columns of one row that is at hand."""
    return {str(field.column): getattr(instance, field.attname) for field in instance._meta.concrete_fields}


def row_read(model: type[models.Model], missing: str, **where: Any) -> Row:
    """All columns of one row; `Missing` with the text `missing` if there is no such row."""
    row: Row | None = model._default_manager.filter(**where).values(*columns(model)).first()
    if row is None:
        raise Missing(missing)
    return row


def row_new(model: type[models.Model], **values: Any) -> models.Model:
    """A row that is not stored yet, under the id that a copy brought for it, if it brought one."""
    attributes = {field.column: field.attname for field in model._meta.concrete_fields}
    given = {attributes[column]: value for column, value in values.items()}
    key = pinned_id(model._meta.db_table)
    return model(**given) if key is None else model(**{**given, "pk": key})


def row_create(model: type[models.Model], **values: Any) -> Row:
    """Store a row and answer all its columns. One that is not given gets its default."""
    instance = row_new(model, **values)
    adopted = isinstance(instance.pk, int)
    # The database answers the id and the defaults with the insert, so nothing needs to be read again.
    instance.save(force_insert=True)
    if adopted:
        ids_advance(model, instance.pk)
    return row_of(instance)


def row_update(model: type[models.Model], missing: str, pk: Any, **values: Any) -> Row:
    """Change these columns of a row and answer it; `Missing` if there is no such row."""
    if values:
        model._default_manager.filter(pk=pk).update(**values)
    return row_read(model, missing, pk=pk)


def row_upsert(model: type[models.Model], *, unique: Sequence[str], changed: Sequence[str], **values: Any) -> Row:
    """Store a row, or change `changed` of the one that is there under the same `unique` columns; answer it."""
    rows_upsert(model, [row_new(model, **values)], unique=unique, changed=changed)
    return row_read(model, "Not found", **{name: values[name] for name in unique})


def rows_upsert(
    model: type[models.Model], rows: Sequence[models.Model], *, unique: Sequence[str], changed: Sequence[str]
) -> None:
    """The same for many rows at once, none of which may have the same `unique` columns as another."""
    adopted = [row.pk for row in rows if isinstance(row.pk, int)]
    model._default_manager.bulk_create(
        rows, update_conflicts=True, unique_fields=unique, update_fields=changed, batch_size=500
    )
    if adopted:
        ids_advance(model, max(adopted))


def row_delete(model: type[models.Model], missing: str, **where: Any) -> None:
    """Delete the row that `where` means, and what goes with it; `Missing` if there is none."""
    deleted, _ = model._default_manager.filter(**where).delete()
    if not deleted:
        raise Missing(missing)


def ids_advance(model: type[models.Model], adopted: int) -> None:
    """Let the database go on counting beyond an id that it did not draw itself."""
    with connection.cursor() as cursor:
        column = model._meta.pk.column
        cursor.execute(ADVANCE, {"adopted": adopted, "table": model._meta.db_table, "column": column})
