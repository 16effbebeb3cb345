"""How one system's tables correspond to the other's: a declaration that works in both directions.

A mapping knows no connection and does nothing; what it says is used by copying, verifying and healing alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migration.errors import RowsError
from migration.kinds import TIMESTAMP, Hazard, Kind, Side, Way

ORPHAN = "orphan"


@dataclass(frozen=True)
class Column:
    """One column of both sides."""

    name: str
    kind: Kind
    new_name: str = ""
    """Its name on the new side, where that differs."""
    references: str = ""
    """The table whose single key column this value must exist in. Left out where neither side demands it."""
    refers_to: str = "id"
    zone: str = "UTC"
    """Of a time without zone: whose clock it was read from. A setting; it is checked and never guessed."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """What to do about a hazard, by its name; one without a rule stops the copy."""
    url: bool = False
    """It names a file that can be asked for."""
    url_size: str = ""
    url_type: str = ""
    """The columns that say how large that file is, and of what type."""
    secret: bool = False
    """Its values are shown to nobody."""

    def on(self, side: Side) -> str:
        """The column's name on that side."""
        return self.new_name or self.name if side is Side.NEW else self.name

    def hazards(self, side: Side) -> tuple[Hazard, ...]:
        """What might not go over from that side."""
        # With UTC there is no clock that changes, and no need to ask every row.
        found = self.kind.hazards.get(side, ())
        return tuple(one for one in found if self.zone != "UTC" or one.name not in ("gap", "ambiguous"))

    def way(self, hazard: Hazard) -> Way | None:
        """The way chosen for a hazard, None if nobody chose one."""
        return hazard.ways.get(self.rules.get(hazard.name, ""))


_Change = Callable[[Column], Column]
_Fits = Callable[[Column], bool]


@dataclass(frozen=True)
class Table:
    """One table of both sides."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)
    """What identifies a row; the same values on both sides."""
    unique: tuple[tuple[str, ...], ...] = ()
    serial: str = "id"
    """The column that a sequence numbers on both sides; empty if none is."""
    made: tuple[str, ...] = ()
    """Columns that only the new side has and fills by itself."""
    lanes: tuple[str, ...] = ()
    """Where a row belongs when rows are carried by lanes (migration.lanes): templates over its own columns, such as
    `cadets/{id}`, over those of the row that one refers to (`users/{user_id.cadet_id}`), or over a member of a JSON
    column. Every write that may touch a row must name one of its lanes, or one above. None: only `""` brings it."""

    def column(self, name: str) -> Column:
        """The column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise RowsError(f"{self.name} has no column {name}: it has {', '.join(c.name for c in self.columns)}")

    def key_from(self, text: str) -> tuple[str | None, ...]:
        """A key as people write it: `5`, or `1,3` and `activity_id=1, cadet_id=3` where it has several columns."""
        values = [text] if len(self.key) == 1 else [piece.strip() for piece in text.split(",")]
        named = [value.partition("=")[2] if value.partition("=")[0] in self.key else value for value in values]
        if len(named) != len(self.key) or not all(named):
            raise RowsError(f"{text!r} is no key of {self.name}: write {', '.join(self.key)}")
        return tuple(named)

    @property
    def keys(self) -> tuple[Column, ...]:
        """The key's columns."""
        return tuple(self.column(name) for name in self.key)

    @property
    def references(self) -> tuple[Column, ...]:
        """The columns that must exist elsewhere."""
        return tuple(column for column in self.columns if column.references)


@dataclass(frozen=True)
class RowMapping:
    """All tables of one pair of systems."""

    name: str
    sides: tuple[str, str]
    """What people call the old side and the new one."""
    tables: tuple[Table, ...]
    ignored: Mapping[Side, tuple[str, ...]] = field(default_factory=dict)
    """Patterns of tables that belong to one side alone; any other table that is not mapped stops a copy."""

    def table(self, name: str) -> Table:
        """The table of that name."""
        for table in self.tables:
            if table.name == name:
                return table
        raise RowsError(f"no table {name} in the mapping {self.name}: {', '.join(t.name for t in self.tables)}")

    def called(self, side: Side) -> str:
        """What people call that side."""
        return self.sides[side.value]

    def parents_first(self) -> tuple[Table, ...]:
        """The tables in an order in which every reference finds its row."""
        return tuple(_sorted(self.tables))

    def only(self, names: Sequence[str]) -> RowMapping:
        """The mapping of some tables alone; of all where none is named."""
        if not names:
            return self
        others = tuple(table.name for table in self.tables if table.name not in names)
        ignored = {side: (*self.ignored.get(side, ()), *others) for side in Side}
        return replace(self, tables=tuple(self.table(name) for name in names), ignored=ignored)

    def ignores(self, side: Side, table: str) -> bool:
        """Whether that side's table is none of ours."""
        return any(fnmatchcase(table, pattern) for pattern in self.ignored.get(side, ()))

    def with_zones(self, zones: Mapping[str, str]) -> RowMapping:
        """The same with other zones, by `table.column` or `*`; a name that nobody knows is refused."""
        changed = self
        for place, zone in sorted(zones.items()):
            _check_zone(place, zone)
            changed = changed._changed(place, partial(_in_zone, zone), _is_naive, "has no zone to set")
        return changed

    def with_rules(self, rules: Mapping[str, str]) -> RowMapping:
        """The same with rules for hazards: `table.column:hazard` (or `*:hazard`) to the name of a way."""
        changed = self
        for place, way in sorted(rules.items()):
            where, colon, hazard = place.partition(":")
            if not colon:
                raise RowsError(f"the rule {place!r} names no hazard: write table.column:hazard=way")
            told = f"does not know the rule {hazard}={way}"
            changed = changed._changed(where, partial(_ruled, hazard, way), partial(_knows, hazard, way), told)
        return changed

    def _changed(self, place: str, change: _Change, fits: _Fits, refused: str) -> RowMapping:
        name, dot, wanted = place.partition(".")
        if place == "*":
            tables = tuple(_with(table, change, fits) for table in self.tables)
        elif not dot:
            raise RowsError(f"{place!r} is no place in {self.name}: write table.column, or * for all that fit")
        else:
            if not fits(self.table(name).column(wanted)):
                raise RowsError(f"{place} {refused}{_known(self.table(name).column(wanted))}")
            tables = tuple(
                _with(table, change, lambda column: column.name == wanted) if table.name == name else table
                for table in self.tables
            )
        return replace(self, tables=tables)


def ways(column: Column) -> dict[str, tuple[str, ...]]:
    """The rules that a column understands: the hazards of both sides with their ways, and what to do with orphans."""
    known: dict[str, tuple[str, ...]] = {ORPHAN: ("null", "skip")} if column.references else {}
    for side in Side:
        for hazard in column.kind.hazards.get(side, ()):
            known[hazard.name] = (*known.get(hazard.name, ()), *hazard.ways)
    return known


def _known(column: Column) -> str:
    rules = [f"{hazard}={way}" for hazard, names in ways(column).items() for way in names]
    return f" (it knows {', '.join(rules)})" if rules else ""


def _with(table: Table, change: _Change, fits: _Fits) -> Table:
    return replace(table, columns=tuple(change(column) if fits(column) else column for column in table.columns))


def _in_zone(zone: str, column: Column) -> Column:
    return replace(column, zone=zone)


def _ruled(hazard: str, way: str, column: Column) -> Column:
    return replace(column, rules={**column.rules, hazard: way})


def _knows(hazard: str, way: str, column: Column) -> bool:
    return way in ways(column).get(hazard, ())


def _is_naive(column: Column) -> bool:
    return column.kind is TIMESTAMP


def _check_zone(place: str, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise RowsError(f"{place}: {zone!r} is no time zone, such as UTC or Asia/Manila") from error


def _sorted(tables: Sequence[Table]) -> Iterator[Table]:
    """Depth first; tables that refer to each other in a ring come in the order of the mapping."""
    by_name = {table.name: table for table in tables}
    begun: set[str] = set()

    def visit(table: Table) -> Iterator[Table]:
        if table.name in begun:
            return
        begun.add(table.name)
        for column in table.references:
            if column.references in by_name:
                yield from visit(by_name[column.references])
        yield table

    for table in tables:
        yield from visit(table)
