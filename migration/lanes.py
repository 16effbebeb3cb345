"""Which rows belong to a lane: the journal's keys of order, as conditions on tables. Pure.

A row belongs to the lanes that its table's templates make of its columns, and with them to every lane above: a row of
`marks/{training_day_id}/{cadet_id}` to `marks/3/57`, `marks/3`, `marks` and `""`. Where a column is NULL the lane ends
before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, unquote

from migration.canon import literal, own, quoted
from migration.errors import RowsError
from migration.kinds import INTEGER, JSON, JSONB, TEXT, UUID, Kind, Side
from migration.mapping import Column, RowMapping, Table

EVERYTHING = ""
_PLACE = re.compile(r"\{([A-Za-z0-9_]+)(?:\.([A-Za-z0-9_]+))?\}")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
NOTHING = "FALSE"
Conditions = dict[str, tuple[str, ...]]


class Unmapped(RowsError):
    """No table has rows in a lane, so nobody can say what to carry for it."""


class Wider(RowsError):
    """The rows of the lanes hang on rows of others: these must be carried together with them."""

    def __init__(self, lanes: Iterable[str], why: str) -> None:
        self.lanes = tuple(sorted(set(lanes)))
        super().__init__(f"{why}: to be carried together with {', '.join(self.lanes)}")


def covered(mapping: RowMapping, lanes: Iterable[str], side: Side) -> Conditions:
    """By table: the conditions on *side*, of which a row of these lanes fulfils one; none of them for all rows.

    Raises Unmapped for a lane in which no table has rows.
    """
    found: dict[str, set[str] | None] = {}
    for lane in lanes:
        reached = {table.name: _reached(mapping, table, lane, side) for table in mapping.tables}
        if not any(reached.values()):
            raise Unmapped(f"no table of {mapping.name} has rows in the lane {lane}")
        for name, conditions in reached.items():
            if conditions:
                _add(found, name, conditions)
    return {name: tuple(sorted(conditions or ())) for name, conditions in found.items()}


def _add(found: dict[str, set[str] | None], name: str, conditions: set[str]) -> None:
    known = found.setdefault(name, set())
    if "" in conditions:
        found[name] = None
    elif known is not None:
        known.update(conditions)


def _reached(mapping: RowMapping, table: Table, lane: str, side: Side) -> set[str]:
    """The conditions by which a lane reaches the table; an empty text for all of its rows, nothing for none."""
    if lane == EVERYTHING:
        return {""}
    segments = lane.split("/")
    found = (_condition(mapping, table, template.split("/"), segments, side) for template in table.lanes)
    return {condition for condition in found if condition is not None}


def _condition(
    mapping: RowMapping, table: Table, template: Sequence[str], lane: Sequence[str], side: Side
) -> str | None:
    if len(lane) > len(template):
        return None  # what lies below a row's lane is not the row
    conditions = []
    for wanted, given in zip(template, lane, strict=False):
        place = _PLACE.fullmatch(wanted)
        if place is not None:
            conditions.append(_equal(mapping, table, place[1], place[2], unquote(given), side))
        elif wanted != given:
            return None
    return " AND ".join(conditions)


def _equal(mapping: RowMapping, table: Table, name: str, below: str | None, text: str, side: Side) -> str:
    column = table.column(name)
    value = own(column, side)
    if below is None:
        return f"{value} = {_constant(column.kind, text)}" if _is(column.kind, text) else NOTHING
    if "\0" in text:
        return NOTHING
    if column.kind in (JSON, JSONB):
        return f"{value} ->> {literal(below)} = {literal(text)}"
    parent = mapping.table(column.references)
    other = parent.column(below)
    if not _is(other.kind, text):
        return NOTHING
    found = f"SELECT p.{quoted(column.refers_to)} FROM {quoted(parent.name)} p"
    return f"{value} IN ({found} WHERE p.{quoted(other.on(side))} = {_constant(other.kind, text)})"


def _is(kind: Kind, text: str) -> bool:
    """Whether a column of that kind can have the value, in the one way in which lanes write it."""
    if kind is INTEGER:
        return _WHOLE.fullmatch(text) is not None
    return _UUID.fullmatch(text) is not None if kind is UUID else kind is TEXT and "\0" not in text


def _constant(kind: Kind, text: str) -> str:
    return literal(text) if kind is TEXT else f"{literal(text)}::{kind.key_type}"


def lanes_of_row(table: Table, values: Mapping[str, str | None]) -> tuple[str, ...]:
    """The lanes of one row, whose columns are given as texts; what another row would have to say ends its lane."""
    return tuple(_lane(template.split("/"), values) for template in table.lanes) or (EVERYTHING,)


def _lane(template: Sequence[str], values: Mapping[str, str | None]) -> str:
    lane: list[str] = []
    for wanted in template:
        place = _PLACE.fullmatch(wanted)
        value = wanted if place is None else None if place[2] else values.get(place[1])
        if value is None:
            break
        lane.append(wanted if place is None else quote(value, safe=""))
    return "/".join(lane)


def mistakes(mapping: RowMapping) -> list[str]:
    """What no lane can be made of, for whoever writes a mapping."""
    return [
        f"{table.name}: {told}"
        for table in mapping.tables
        for template in table.lanes
        for segment in template.split("/")
        if (told := _mistake(mapping, table, segment))
    ]


def _mistake(mapping: RowMapping, table: Table, segment: str) -> str:
    place = _PLACE.fullmatch(segment)
    if place is None:
        return f"{segment!r} is no segment of a lane" if not segment or "{" in segment or "}" in segment else ""
    column: Column | None = next((one for one in table.columns if one.name == place[1]), None)
    if column is None:
        return f"{segment} names no column"
    if place[2] is None:
        return "" if column.kind in (INTEGER, TEXT, UUID) else f"{segment}: a {column.kind.name} cannot name a lane"
    if column.kind in (JSON, JSONB):
        return ""
    parents = [one for one in mapping.tables if one.name == column.references]
    known = {one.name for parent in parents for one in parent.columns if one.kind in (INTEGER, TEXT, UUID)}
    return "" if place[2] in known else f"{segment} leads to no column"
