"""Whether both databases hold the same rows after the same writes: all columns but those that each side makes up."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from stack.sample.tables import TABLES

# Clocks, hashes with their salt, and what names a file or a report; whether there is a value is compared all the same.
MADE_UP = {"created_at", "updated_at", "date_recorded", "completed_at", "last_seen", "password", "url", "file_url",
           "file_id", "images", "time_in", "time_out", "payload", "filename"}  # fmt: skip
JSON = {"params", "metadata"}  # JSON in the legacy, JSONB in the new schema
# Ids that each side gives in its own order: many rows at once, or UUIDs.
UNNUMBERED = {"attendance", "files", "reports", "notifications", "settings"}


def differing(node: str, django: str) -> dict[str, tuple[list[Any], list[Any]]]:
    """By table: the rows that only one of the two databases has, as many times as it has them more."""
    with psycopg.connect(node) as one, psycopg.connect(django) as other:
        found = {table.name: _only(_rows(one, table), _rows(other, table)) for table in TABLES}
    return {name: sides for name, sides in found.items() if any(sides)}


def _rows(connection: psycopg.Connection, table: Any) -> list[str]:
    columns = [name for name in table.columns if not (name == "id" and table.name in UNNUMBERED)]
    shown = [_shown(name) for name in columns]
    statement = sql.SQL("SELECT concat_ws('|', {}) FROM {}").format(
        sql.SQL(", ").join(shown), sql.Identifier(table.name)
    )
    return sorted(row[0] for row in connection.execute(statement))


def _shown(column: str) -> sql.Composed:
    name = sql.Identifier(column)
    if column in MADE_UP:
        return sql.SQL("({} IS NULL)::text").format(name)
    if column in JSON:
        return sql.SQL("coalesce({}::jsonb::text, '(null)')").format(name)
    return sql.SQL("coalesce({}::text, '(null)')").format(name)


def _only(one: list[str], other: list[str]) -> tuple[list[str], list[str]]:
    left = list(one)
    right = []
    for row in other:
        if row in left:
            left.remove(row)
        else:
            right.append(row)
    return left, right
