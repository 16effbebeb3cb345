"""Every wart by name, and the writing of them.

`WARTS` is the one list: docs and tests go by it, and whoever moves rows elsewhere can ask each wart's `query` how many
rows of a legacy database have it. It covers the tables, their passwords and their clocks; what Node's answers make of
them is docs/api.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import psycopg
from psycopg import sql

from stack.sample import warts_accounts, warts_grading, warts_office, warts_people, warts_texts, warts_times
from stack.sample.passwords import stored_by_django
from stack.sample.tables import TABLES
from stack.sample.wart import HOSTS, Held, Values, Wart, filled, rows_of

# What a row cannot be without: everything else is NULL in the barest row of its table.
_NEEDED = {
    "cadets": {"id", "first_name", "last_name", "student_id"}, "staff": {"id", "first_name", "last_name"},
    "users": {"id", "username", "password", "role"}, "training_days": {"id", "date", "title"},
    "attendance": {"id", "training_day_id", "cadet_id", "status"},
    "staff_attendance": {"id", "training_day_id", "staff_id", "status"}, "excuse_letters": {"id", "date_absent"},
    "activities": {"id", "title"}, "grade_categories": {"id", "name", "weight"},
    "grades": {"id", "cadet_id", "category_id", "score", "max_score"},
    "merit_demerit_logs": {"id", "cadet_id", "type", "points"}, "files": {"id", "filename"}, "reports": {"id", "type"},
    "messages": {"id", "room", "content"}, "notifications": {"id", "type", "message"},
    "push_subscriptions": {"id", "endpoint", "keys"}, "audit_logs": {"id", "table_name", "operation"},
    "settings": {"id", "key"},
}  # fmt: skip
# Rows that the barest one refers to.
_OF_THE_SAMPLE: dict[str, Values] = {"attendance": {"cadet_id": 20}, "staff_attendance": {"staff_id": 2}}


def _bare() -> Iterator[Wart]:
    for table in TABLES:
        if table.name in _NEEDED:
            free = [column for column in table.columns if column not in _NEEDED[table.name]]
            where = " AND ".join(f"t.{column} IS NULL" for column in free)
            row = dict.fromkeys(free) | dict(_OF_THE_SAMPLE.get(table.name, {}))
            yield Wart(f"bare-{table.name}", table.name, "NULL wherever there may be one", where, (row,))


WARTS = (
    *warts_accounts.WARTS, *warts_texts.WARTS, *warts_times.WARTS, *warts_people.WARTS, *warts_grading.WARTS,
    *warts_office.WARTS, *_bare(),
)  # fmt: skip


def rows(table: str) -> Iterator[tuple[Held, Values]]:
    """All rows for *table* in the order of writing: those that others refer to, then each wart's."""
    if table in HOSTS:
        yield Held.AS_IS, filled(table, 0, HOSTS[table])
    for wart, values in rows_of(WARTS, table):
        yield wart.held, values


def insert(connection: psycopg.Connection, table: str, values: Values) -> None:
    """Write one row; every value goes as a text that PostgreSQL reads, so that none need fit into Python's types."""
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join([sql.Placeholder()] * len(values)),
        ),
        list(values.values()),
    )


def _green(table: str, values: Values) -> Values:
    """A row as Django's schema stores it."""
    return {**values, "password": stored_by_django(str(values["password"]))} if table == "users" else values


def write(connection: psycopg.Connection, *, is_green: bool) -> Counter[str]:
    """Add the warts to a seeded database: all of them to Node's, to Django's what its schema can hold as it is.

    The clock of the session must be UTC, as the seed's is. Returns the rows written per table.
    """
    written: Counter[str] = Counter()
    for table in TABLES:
        for held, values in rows(table.name):
            if not is_green or held is Held.AS_IS:
                insert(connection, table.name, _green(table.name, values) if is_green else values)
                written[table.name] += 1
    return written
