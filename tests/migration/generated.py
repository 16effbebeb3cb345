"""Node databases as hypothesis imagines them: every column with what its type allows and people might have typed.

Rows go in as node-postgres sends them: texts, numbers and times as parameters of plain INSERTs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import bcrypt
import psycopg
from hypothesis import strategies as st
from psycopg import sql

from migration.kinds import BOOLEAN, DATE, INTEGER, JSON, JSONB, NUMERIC, TEXT, TIMESTAMP, UUID
from migration.mapping import Column, Table
from migration.mappings import ROTC

Row = dict[str, Any]
Data = Mapping[str, Sequence[Row]]

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.sampled_from(["", " ", "\\N", "\\.", "\t", "a\r\nb", "NULL", "2nd Year ", "Ñiño 😀", "'; --", '{"a":1}']),
)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.decimals(-1000, 1000, places=3) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=90)
FIXED: Mapping[tuple[str, str], Sequence[str]] = {
    ("users", "role"): ("admin", "cadet", "training_staff"),
    ("attendance", "status"): ("present", "absent", "late", "excused"),
    ("staff_attendance", "status"): ("present", "absent", "late", "excused"),
    ("merit_demerit_logs", "type"): ("merit", "demerit"),
    ("audit_logs", "operation"): ("INSERT", "UPDATE", "DELETE"),
}
NOT_NULL = {
    "cadets": "first_name last_name student_id", "staff": "first_name last_name", "users": "username password role",
    "training_days": "date title", "attendance": "training_day_id cadet_id status", "activities": "title",
    "staff_attendance": "training_day_id staff_id status", "excuse_letters": "date_absent",
    "grade_categories": "name weight", "grades": "cadet_id category_id score max_score", "files": "filename",
    "merit_demerit_logs": "cadet_id type points", "reports": "type", "messages": "room content",
    "notifications": "type message", "push_subscriptions": "endpoint keys", "settings": "key",
    "audit_logs": "table_name operation",
}  # fmt: skip


@dataclass(frozen=True)
class Encoded:
    """A JSON text, written as it is."""

    text: str


def _json(value: Any) -> Encoded:
    return Encoded(json.dumps(value, ensure_ascii=False, default=float))


def _values(table: Table, column: Column) -> st.SearchStrategy[Any]:
    if choices := FIXED.get((table.name, column.name)):
        return st.sampled_from(choices)
    wide = {"size": 2**63 - 1}.get(column.name, 2**31 - 1)
    return {
        TEXT.name: TEXTS, INTEGER.name: st.integers(-wide - 1, wide), BOOLEAN.name: st.booleans(),
        NUMERIC.name: st.decimals(Decimal("-999.99"), Decimal("999.99"), places=2), UUID.name: st.uuids(),
        DATE.name: st.dates(date(1, 1, 1), date(9999, 12, 31)), TIMESTAMP.name: MOMENTS,
        JSON.name: JSON_VALUES.map(_json), JSONB.name: JSON_VALUES.map(_json), "password": TEXTS,
    }[column.kind.name]  # fmt: skip


@st.composite
def node_data(draw: st.DrawFn, most: int = 4) -> Data:
    """Rows for all twenty tables that keep every rule of Node's schema, and no other."""
    data: dict[str, list[Row]] = {}
    for table in ROTC.parents_first():
        needed = set(NOT_NULL.get(table.name, "").split()) | set(table.key)
        rows = draw(st.lists(_row(table, needed, data), max_size=most))
        data[table.name] = _unique(table, [row for row in rows if row is not None])
    return data


@st.composite
def _row(draw: st.DrawFn, table: Table, needed: set[str], data: Data) -> Row | None:
    row: Row = {}
    for column in table.columns:
        if column.references:
            there = [parent[column.refers_to] for parent in data[column.references]]
            values: st.SearchStrategy[Any] = st.sampled_from(there) if there else st.none()
        elif column.name == "id" and column.kind is INTEGER:
            # The trigger numbers audit rows of its own from 1 on.
            values = st.integers(1000 if table.name == "audit_logs" else 1, 2**31 - 2)
        else:
            values = _values(table, column)
        row[column.name] = draw(values if column.name in needed else st.none() | values)
    return None if any(row[name] is None for name in needed) else row


def _unique(table: Table, rows: list[Row]) -> list[Row]:
    for names in (table.key, *table.unique):
        seen: set[tuple[Any, ...]] = set()
        kept = []
        for row in rows:
            values = tuple(row[name] for name in names)
            if values not in seen or None in values:
                kept.append(row)
            seen.add(values)
        rows = kept
    return rows


@st.composite
def hashed(draw: st.DrawFn) -> tuple[str, str]:
    """A password and the hash that Node would store: cheap, cut at 72 bytes, in one of three dialects."""
    password = draw(PASSWORDS)
    made = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    return password, draw(st.sampled_from(["$2a$", "$2b$", "$2y$"])) + made[4:]


def write(url: str, data: Data) -> None:
    """Put the rows into Node's database; the trigger writes its audit rows by itself."""
    with closing(psycopg.connect(url)) as connection:
        for table in ROTC.parents_first():
            for row in data[table.name]:
                _insert(connection, table.name, row)
        for table in ROTC.tables:
            if table.serial:
                name = sql.Identifier(table.name)
                connection.execute(sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), greatest(max(id), 1), "
                                           "max(id) IS NOT NULL) FROM {}").format(table.name, name))  # fmt: skip
        connection.commit()


def _insert(connection: psycopg.Connection[Any], table: str, row: Row) -> None:
    values = [value.text if isinstance(value, Encoded) else value for value in row.values()]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )  # fmt: skip
    connection.execute(statement, values)
