"""Writes the sample into Node's database, Django's, or both at once: the same instants, the same ids, one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice

import click
import psycopg
from psycopg import sql

from stack.sample.population import KNOWN_LOGINS
from stack.sample.table import Row, Table, copy_text
from stack.sample.tables import TABLES
from stack.sample.warts import write as write_warts
from stack.say import say

BATCH = 2000
TRIGGERED = sql.Identifier("merit_demerit_logs")


class SeedError(RuntimeError):
    """The sample cannot be written; the message says why."""


@dataclass
class Side:
    """One database being seeded."""

    connection: psycopg.Connection
    green: bool

    def rows(self, table: Table, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows as this side stores them."""
        return [table.green(row) for row in rows] if self.green and table.green else rows


def is_empty(url: str) -> bool:
    """Whether a migrated database has no users yet."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1 FROM users LIMIT 1").fetchone() is None


@contextmanager
def _side(url: str, green: bool) -> Iterator[Side]:
    # One transaction: a database is seeded wholly or not at all.
    with psycopg.connect(url, options="-c timezone=UTC -c lock_timeout=30s") as connection:
        if connection.execute("SELECT 1 FROM users LIMIT 1").fetchone():
            owner = "Django" if green else "Node"
            raise SeedError(f"the {owner} database has rows already: give --replace to discard them")
        yield Side(connection, green)


def _names() -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table.name) for table in TABLES)


def empty(url: str) -> None:
    """Remove every row of the sample's tables."""
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(_names()))


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _copy(table: Table, sides: Sequence[Side], scale: int) -> int:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
    written = 0
    with ExitStack() as stack:
        copies = [(side, stack.enter_context(side.connection.cursor().copy(statement))) for side in sides]
        for batch in _batches(table.rows(scale)):
            written += len(batch)
            # Text is made once for both sides unless they differ: making it is most of the work.
            same = copy_text(batch)
            for side, copy in copies:
                own = side.rows(table, batch)
                copy.write(same if own is batch else copy_text(own))
    return written


def _raise_sequences(side: Side) -> None:
    for table in TABLES:
        if table.serial:
            name = sql.Identifier(table.name)
            side.connection.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))").format(
                    sql.Literal(table.name), name
                )
            )


def _trigger(side: Side, verb: str) -> None:
    # The legacy trigger would write audit rows of its own, with today's date; the sample brings them along.
    side.connection.execute(sql.SQL("ALTER TABLE {} {} TRIGGER USER").format(TRIGGERED, sql.SQL(verb)))


def _add_warts(sides: Sequence[Side], counts: dict[str, int]) -> None:
    written = [write_warts(side.connection, is_green=side.green) for side in sides]
    for table in counts:
        counts[table] += max(each[table] for each in written)


def seed(node: str | None, django: str | None, scale: int = 1, *, warts: bool = False) -> dict[str, int]:
    """Write the sample into the databases given (their tables exist and are empty); return the rows per table.

    Without *warts* both sides are equal. With them Node's side holds every case of `stack.sample.warts`, Django's
    those that its schema takes as they are; the counts returned are then those of the fuller side.
    """
    with ExitStack() as stack:
        sides = [stack.enter_context(_side(url, green)) for url, green in ((node, False), (django, True)) if url]
        for side in sides:
            _trigger(side, "DISABLE")
        counts = {table.name: _copy(table, sides, scale) for table in TABLES}
        if warts:
            _add_warts(sides, counts)
        for side in sides:
            _raise_sequences(side)
            # Deferred foreign keys are checked now: a table with checks outstanding cannot be altered.
            side.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            _trigger(side, "ENABLE")
            # By name: ANALYZE of everything locks catalogs that both databases share, and both wait in here.
            side.connection.execute(sql.SQL("ANALYZE {}").format(_names()))
    return counts


@click.command()
@click.option("--node", help="URL of Node's database (its schema is there already).")
@click.option("--django", help="URL of Django's database (migrated already).")
@click.option("--scale", default=1, show_default=True, type=click.IntRange(1, 1000), help="Times production size.")
@click.option("--warts", is_flag=True, help="Add every odd case there is; Django gets those that its schema can hold.")
@click.option("--replace", is_flag=True, help="Discard the rows that are there.")
def main(node: str | None, django: str | None, scale: int, warts: bool, replace: bool) -> None:
    """Seed one or both databases with the sample."""
    if not (node or django):
        raise click.UsageError("give --node, --django or both")
    try:
        for url in filter(None, (node, django)):
            if replace:
                empty(url)
        counts = seed(node, django, scale, warts=warts)
    except (SeedError, psycopg.Error) as error:
        raise click.ClickException(str(error)) from error
    say("seed", f"{sum(counts.values()):,} rows in {len(counts)} tables", "+")
    for login in KNOWN_LOGINS:
        say("seed", f"{login.role}: {login.username} / {login.password}")


if __name__ == "__main__":
    main()
