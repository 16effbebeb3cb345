"""Shows times that were probably read from more than one clock. It reports and never guesses: zones are set by people.

A TIMESTAMP without zone does not say whose clock it was. What gives mixed clocks away: a time in the future, an update
before its creation, rows that were numbered in order and go back by whole hours, and fractions of two kinds
(JavaScript knows milliseconds, `now()` microseconds).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migration.canon import crossed, own
from migration.findings import Finding
from migration.kinds import TIMESTAMP, Side
from migration.mapping import Column, Table
from migration.session import Session
from migration.statements import rows_of

# A table whose rows go back more often than this was not written in the order of its numbers: it tells nothing.
ORDERLY = 0.2
LEAST_ROWS = 3
_CREATED, _UPDATED = "created_at", "updated_at"


def suspects(session: Session, table: Table) -> Iterator[Finding]:
    """Notes about the old side's times, each with how many rows and one of them."""
    times = [column for column in table.columns if column.kind is TIMESTAMP]
    for column in times:
        instant = crossed(column, Side.OLD)
        yield from _future(session, table, column, instant)
        if table.serial:
            yield from _backwards(session, table, column)
        yield from _two_precisions(session, table, column)
    names = {column.name: column for column in times}
    if _CREATED in names and _UPDATED in names:
        yield from _updated_before_created(session, table, names[_CREATED], names[_UPDATED])


def _note(table: Table, column: Column, says: str) -> Finding:
    return Finding(table.name, "zone", f"{says} (its zone is set to {column.zone})", column=column.name, note=True)


def _future(session: Session, table: Table, column: Column, instant: str) -> Iterator[Finding]:
    key = own(table.keys[0], Side.OLD)
    count, example = session.one(
        f"SELECT count(*), min({key}::text) FROM {rows_of(table)} "
        f"WHERE isfinite({own(column, Side.OLD)}) AND {instant} > now() + interval '1 minute'"
    )
    if count:
        yield _note(table, column, f"{count} rows are in the future, such as {example}")


@dataclass(frozen=True)
class _Order:
    rows: int
    back: int
    hours: int
    example: str | None


def _backwards(session: Session, table: Table, column: Column) -> Iterator[Finding]:
    """Rows that come after the one before by number and before it by clock, by half an hour to fourteen."""
    value = own(column, Side.OLD)
    number = own(table.column(table.serial), Side.OLD)
    found = _Order(*session.one(
        "SELECT count(*), count(*) FILTER (WHERE step < interval '0'), "
        "count(*) FILTER (WHERE step BETWEEN interval '-14 hours' AND interval '-30 minutes'), "
        "(array_agg(key) FILTER (WHERE step BETWEEN interval '-14 hours' AND interval '-30 minutes'))[1] FROM "
        f"(SELECT {number}::text AS key, {value} - lag({value}) OVER (ORDER BY {number}) AS step "
        f"FROM {rows_of(table)} WHERE isfinite({value})) s"
    ))  # fmt: skip
    if found.rows >= LEAST_ROWS and found.hours and found.back <= max(1, found.rows * ORDERLY):
        says = f"{found.hours} rows are hours before the row numbered before them, such as {found.example}"
        yield _note(table, column, says)


def _two_precisions(session: Session, table: Table, column: Column) -> Iterator[Finding]:
    value = own(column, Side.OLD)
    fine, coarse = session.one(
        f"SELECT count(*) FILTER (WHERE {value} <> date_trunc('milliseconds', {value})), "
        f"count(*) FILTER (WHERE {value} = date_trunc('milliseconds', {value})) "
        f"FROM {rows_of(table)} WHERE isfinite({value})"
    )
    # One in a thousand microsecond readings is a whole millisecond by chance.
    if fine and coarse > max(1, (fine + coarse) / 100):
        yield _note(table, column, f"{fine} rows have microseconds and {coarse} have none: two kinds of writers")


def _updated_before_created(session: Session, table: Table, made: Column, changed: Column) -> Iterator[Finding]:
    key = own(table.keys[0], Side.OLD)
    count, example = session.one(
        f"SELECT count(*), min({key}::text) FROM {rows_of(table)} "
        f"WHERE {crossed(changed, Side.OLD)} < {crossed(made, Side.OLD)} - interval '1 minute'"
    )
    if count:
        yield _note(table, changed, f"{count} rows were updated before they were created, such as {example}")
