"""The one form in which both sides' rows can be compared: every value as the new side stores it, a row as one text.

Two rows are equal if these texts are; a table's digest is the sum of its rows' MD5 sums, so the order of rows does
not matter and a duplicate does. Sessions fix everything that PostgreSQL's text depends on (migration.session).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migration.kinds import Hazard, Side
from migration.mapping import ORPHAN, Column, Table

ALIAS = "r"


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def filled(template: str, value: str, column: Column, after: str = "") -> str:
    """A transformation with the value in its place."""
    return template.replace("$zone", literal(column.zone)).replace("$f", after).replace("$c", value)


def own(column: Column, side: Side) -> str:
    """The value as its side stores it."""
    return f"{ALIAS}.{quoted(column.on(side))}"


def crossed(column: Column, side: Side) -> str:
    """The value as the other side stores it, with the rules applied for what could not be stored there."""
    value = raw = own(column, side)
    chosen = [(hazard, way) for hazard in column.hazards(side) if (way := column.way(hazard)) is not None]
    for hazard, way in chosen:
        if way.before != "$c":
            value = _when(hazard, raw, column, filled(way.before, value, column), value)
    after = filled(column.kind.crossing(side), value, column)
    for hazard, way in chosen:
        if way.after != "$f":
            after = _when(hazard, raw, column, filled(way.after, value, column, after), after)
    return _without_orphans(column, side, after)


def _when(hazard: Hazard, raw: str, column: Column, then: str, otherwise: str) -> str:
    return f"CASE WHEN {filled(hazard.found, raw, column)} THEN {then} ELSE {otherwise} END"


def _without_orphans(column: Column, side: Side, value: str) -> str:
    if column.rules.get(ORPHAN) != "null":
        return value
    return f"CASE WHEN {orphaned(column, side)} THEN NULL ELSE {value} END"


def orphaned(column: Column, side: Side) -> str:
    """Whether the value refers to a row that is not there."""
    value = own(column, side)
    parent = f"SELECT FROM {quoted(column.references)} p WHERE p.{quoted(column.refers_to)} = {value}"
    return f"({value} IS NOT NULL AND NOT EXISTS ({parent}))"


def shaped(column: Column, side: Side, shape: Side) -> str:
    """The value of *side* in the shape that *shape* stores."""
    return own(column, side) if side is shape else crossed(column, side)


def canonical(column: Column, side: Side) -> str:
    """The value in the form of comparison: what a rule changes on the way counts as changed on both sides."""
    value = shaped(column, side, Side.NEW)
    if side is Side.NEW and any(column.way(hazard) for hazard in column.hazards(side)):
        return filled(column.kind.forward, crossed(column, side), column)
    return value


def skipping(table: Table, side: Side) -> str:
    """A condition that leaves out the rows which rules leave behind; empty if there are none."""
    skipped = [column for column in table.references if column.rules.get(ORPHAN) == "skip"]
    return " AND ".join(f"NOT {orphaned(column, side)}" for column in skipped)


def row_text(table: Table, side: Side) -> str:
    """One row as one text."""
    return f"ROW({', '.join(canonical(column, side) for column in table.columns)})::text"


@dataclass(frozen=True)
class Digest:
    """What a set of rows comes to. Digests of disjoint sets add up."""

    count: int = 0
    high: int = 0
    low: int = 0

    def __add__(self, other: Digest) -> Digest:
        return Digest(self.count + other.count, self.high + other.high, self.low + other.low)

    def __str__(self) -> str:
        return f"{self.high % 2**64:016x}{self.low % 2**64:016x}"


def total(digests: Iterable[Digest]) -> Digest:
    """All of them together."""
    return sum(digests, Digest())
