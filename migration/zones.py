"""Shows times that were probably read from more than one clock. It reports and never guesses: zones are set by people.

A TIMESTAMP without zone does not say whose clock it was. What gives mixed clocks away: a time in the future, an update
before its creation, rows that were numbered in order and go back by whole hours, and fractions of two kinds
(JavaScript knows milliseconds, `now()` microseconds).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migration.canon import filled, own
from migration.findings import Finding
from migration.kinds import TIMESTAMP, Side
from migration.mapping import Column, Table
from migration.session import Session
from migration.statements import rows_of

# A table whose rows go back more often than this was not written in the order of its numbers: it tells nothing.
ORDERLY = 0.2
LEAST_ROWS = 3
_CREATED, _UPDATED = "created_at", "updated_at"
_HOURS_BACK = "BETWEEN interval '-14 hours' AND interval '-30 minutes'"


@dataclass(frozen=True)
class _Clock:
    """What one pass over a table tells about one column: counts, and an example of each."""

    rows: int
    future: int
    future_example: str | None
    fine: int
    back: int
    hours_back: int
    back_example: str | None
    early: int
    early_example: str | None


def suspects(session: Session, table: Table) -> Iterator[Finding]:
    """Notes about the old side's times, each with how many rows and one of them."""
    times = [column for column in table.columns if column.kind is TIMESTAMP]
    if not times:
        return
    asked = ", ".join(_asked(number, column, table) for number, column in enumerate(times))
    answer = session.one(f"SELECT {asked} FROM (SELECT {', '.join(_inner(table, times))} FROM {rows_of(table)}) s")
    size = len(answer) // len(times)
    for number, column in enumerate(times):
        clock = _Clock(*answer[number * size : (number + 1) * size])
        for says in _told(clock):
            zone = f"(its zone is set to {column.zone})"
            yield Finding(table.name, "zone", f"{says} {zone}", column=column.name, note=True)


def _inner(table: Table, times: list[Column]) -> Iterator[str]:
    """The key, every time that is finite, and how far it is from the one numbered before it."""
    yield f"{own(table.keys[0], Side.OLD)} AS key"
    order = own(table.column(table.serial), Side.OLD) if table.serial else ""
    for number, column in enumerate(times):
        value = own(column, Side.OLD)
        finite = f"CASE WHEN isfinite({value}) THEN {value} END"
        yield f"{finite} AS t{number}"
        yield (
            f"({finite}) - lag({finite}) OVER (ORDER BY {order}) AS s{number}"
            if order
            else f"NULL::interval AS s{number}"
        )


def _asked(number: int, column: Column, table: Table) -> str:
    value, step = f"t{number}", f"s{number}"
    instant = filled(column.kind.forward, value, column)
    early = "FALSE"
    names = [one.name for one in table.columns if one.kind is TIMESTAMP]
    if column.name == _UPDATED and _CREATED in names:
        created = f"t{names.index(_CREATED)}"
        made = filled(column.kind.forward, created, table.column(_CREATED))
        early = f"{instant} < {made} - interval '1 minute'"
    return ", ".join((
        f"count({value})", *_counted(f"{instant} > now() + interval '1 minute'"),
        f"count(*) FILTER (WHERE {value} <> date_trunc('milliseconds', {value}))",
        f"count(*) FILTER (WHERE {step} < interval '0')", *_counted(f"{step} {_HOURS_BACK}"), *_counted(early),
    ))  # fmt: skip


def _counted(condition: str) -> tuple[str, str]:
    return f"count(*) FILTER (WHERE {condition})", f"min(key::text) FILTER (WHERE {condition})"


def _told(clock: _Clock) -> Iterator[str]:
    if clock.future:
        yield f"{clock.future} rows are in the future, such as {clock.future_example}"
    orderly = clock.back <= max(1, clock.rows * ORDERLY)
    if clock.rows >= LEAST_ROWS and clock.hours_back and orderly:
        yield f"{clock.hours_back} rows are hours before the row numbered before them, such as {clock.back_example}"
    coarse = clock.rows - clock.fine
    # One in a thousand microsecond readings is a whole millisecond by chance.
    if clock.fine and coarse > max(1, clock.rows / 100):
        yield f"{clock.fine} rows have microseconds and {coarse} have none: two kinds of writers"
    if clock.early:
        yield f"{clock.early} rows were updated before they were created, such as {clock.early_example}"
