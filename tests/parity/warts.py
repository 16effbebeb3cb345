"""The odd rows of the legacy that Django's schema holds as they are, written to both sides: there is no copy here."""

from __future__ import annotations

import psycopg
from psycopg import sql

from stack.sample.passwords import stored_by_django
from stack.sample.tables import TABLES
from stack.sample.wart import Held, Values
from stack.sample.warts import insert, rows

TRIGGERED = "merit_demerit_logs"


def add_warts(node: str, django: str) -> int:
    """Add them; the number of rows written to each side."""
    counts = [_written(url, is_green) for url, is_green in ((node, False), (django, True))]
    assert counts[0] == counts[1]
    return counts[0]


def _written(url: str, is_green: bool) -> int:
    count = 0
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        _trigger(connection, "DISABLE")
        for table in TABLES:
            for held, values in rows(table.name):
                if held is Held.AS_IS:
                    insert(connection, table.name, _as_stored(table.name, values, is_green))
                    count += 1
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _trigger(connection, "ENABLE")
    return count


def _as_stored(table: str, values: Values, is_green: bool) -> Values:
    if table == "users" and is_green:
        return {**values, "password": stored_by_django(str(values["password"]))}
    return values


def _trigger(connection: psycopg.Connection, verb: str) -> None:
    # The legacy's trigger would write audit rows of its own, dated now, and Django's schema has none.
    statement = "ALTER TABLE {} {} TRIGGER USER"
    connection.execute(sql.SQL(statement).format(sql.Identifier(TRIGGERED), sql.SQL(verb)))
