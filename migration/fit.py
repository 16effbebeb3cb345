"""Whether a database has the tables that a mapping speaks of, which side of it the database is, and what is too narrow.

Nothing is carried before this is settled: a column that the mapping does not name would be lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migration.canon import literal, quoted
from migration.catalog import Catalog, Constraint, Stored
from migration.errors import RowsError
from migration.findings import Finding
from migration.kinds import Side
from migration.mapping import Column, RowMapping, Table

_BITS = {"smallint": 16, "integer": 32, "bigint": 64}


def side_of(mapping: RowMapping, catalog: Catalog, where: str) -> Side:
    """Which side's tables these are; refused with every mistake if they are neither's."""
    mistakes = {side: list(misfits(mapping, side, catalog)) for side in Side}
    fitting = [side for side in Side if not mistakes[side]]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise RowsError(f"the mapping {mapping.name} cannot tell its sides apart by their types")
    nearest = min(Side, key=lambda side: len(mistakes[side]))
    told = "\n  ".join(mistakes[nearest])
    raise RowsError(f"{where} has not the tables of {mapping.called(nearest)} in the mapping {mapping.name}:\n  {told}")


def misfits(mapping: RowMapping, side: Side, catalog: Catalog) -> Iterator[str]:
    """Every way in which the tables are not that side's."""
    if catalog.encoding != "UTF8":
        yield f"its encoding is {catalog.encoding}; only UTF8 holds every text"
    for table in mapping.tables:
        stored = catalog.columns.get(table.name)
        if stored is None:
            yield f"{table.name}: there is no such table"
        else:
            yield from _misfits(table, side, stored)


def _misfits(table: Table, side: Side, stored: dict[str, Stored] | object) -> Iterator[str]:
    assert isinstance(stored, dict)
    for column in table.columns:
        found = stored.get(column.on(side))
        if found is None:
            yield f"{table.name}.{column.on(side)}: there is no such column"
        elif found.type not in column.kind.types(side):
            yield f"{table.name}.{column.on(side)} is {found.type}, expected {' or '.join(column.kind.types(side))}"
    known = {column.on(side) for column in table.columns}
    for name in stored.keys() - known - (set(table.made) if side is Side.NEW else set()):
        yield f"{table.name}.{name}: the mapping does not carry it"


def strangers(mapping: RowMapping, side: Side, catalog: Catalog) -> list[str]:
    """Tables that nobody declared: what is in them would stay behind."""
    mapped = {table.name for table in mapping.tables}
    return [name for name in catalog.columns if name not in mapped and not mapping.ignores(side, name)]


@dataclass(frozen=True)
class Narrow:
    """What the target's column refuses though the mapping allows it: a predicate on the value as it would arrive."""

    table: Table
    column: Column
    name: str
    found: str
    says: str


def narrowings(table: Table, source: Catalog, target: Catalog, side: Side) -> Iterator[Narrow]:
    """Where the target's columns hold less than the source's."""
    for column in table.columns:
        was, will = source.columns[table.name][column.on(side)], target.columns[table.name][column.on(side.other)]
        value = f"t.{quoted(column.on(side.other))}"
        if will.not_null and not was.not_null:
            yield Narrow(table, column, "null", f"{value} IS NULL", "NULL, and the target demands a value")
        if will.length is not None and (was.length is None or was.length > will.length):
            says = f"longer than the target's {will.length} characters"
            yield Narrow(table, column, "too_long", f"length({value}) > {will.length}", says)
        yield from _numbers(table, column, was, will, value)


def _numbers(table: Table, column: Column, was: Stored, will: Stored, value: str) -> Iterator[Narrow]:
    if _BITS.get(was.type, 0) > _BITS.get(will.type, 64):
        top = 2 ** (_BITS[will.type] - 1)
        found = f"{value} NOT BETWEEN {-top} AND {top - 1}"
        yield Narrow(table, column, "range", found, f"does not fit into the target's {will.type}")
    if will.scale is not None and will.precision is not None:
        if was.scale is None or was.scale > will.scale:
            found = f"scale({value}) > {will.scale}"
            yield Narrow(table, column, "scale", found, f"has more decimals than the target's {will.scale}")
        if was.precision is None or was.precision - (was.scale or 0) > will.precision - will.scale:
            found = f"abs({value}) >= 1e{will.precision - will.scale}::numeric"
            yield Narrow(table, column, "range", found, f"does not fit into numeric({will.precision},{will.scale})")


def checks(table: Table, source: Catalog, target: Catalog) -> list[Constraint]:
    """The target's checks that the source does not make in the same words."""
    made = {one.definition for one in source.of(table.name, "c") if one.enforced}
    return [one for one in target.of(table.name, "c") if one.definition not in made]


def uniques(table: Table, side: Side, catalog: Catalog) -> Iterator[tuple[tuple[Column, ...], bool]]:
    """What must be unique, the key included, and whether that database sees to it."""
    kept = {frozenset(one.columns) for one in catalog.of(table.name, "up") if one.enforced}
    for names in (table.key, *table.unique):
        columns = tuple(table.column(name) for name in names)
        yield columns, frozenset(column.on(side) for column in columns) in kept


def demanded(table: Table, source: Catalog, target: Catalog, side: Side) -> list[tuple[Column, ...]]:
    """What the target, or the mapping, wants unique and the source does not see to."""
    kept = {frozenset(one.columns) for one in source.of(table.name, "up") if one.enforced}
    by_name = {column.on(side.other): column for column in table.columns}
    wanted = [tuple(table.column(name) for name in names) for names in (table.key, *table.unique)]
    for one in target.of(table.name, "up"):
        if all(name in by_name for name in one.columns):
            wanted.append(tuple(by_name[name] for name in one.columns))
    missing = {frozenset(c.on(side) for c in columns): columns for columns in wanted}
    return [columns for names, columns in missing.items() if names not in kept]


def lost_constraints(mapping: RowMapping, side: Side, catalog: Catalog) -> Iterator[Finding]:
    """What a database should see to and does not, and triggers that were left switched off."""
    called = mapping.called(side)
    for table in mapping.tables:
        for columns, kept in uniques(table, side, catalog):
            if not kept:
                names = ", ".join(column.on(side) for column in columns)
                yield Finding(table.name, "constraint", f"{called} does not keep ({names}) unique", side=called)
        held = {one.columns for one in catalog.of(table.name, "f") if one.enforced}
        for column in table.references:
            if (column.on(side),) not in held:
                says = f"{called} does not check that it exists in {column.references}"
                yield Finding(table.name, "constraint", says, column=column.name, side=called)
    mapped = {table.name for table in mapping.tables}
    for name, trigger, fires in catalog.triggers:
        if name in mapped and not fires:
            yield Finding(name, "trigger", f"the trigger {trigger} is switched off on {called}", side=called)


def check_expression(constraint: Constraint) -> str:
    """What a check demands, as a condition; its definition reads `CHECK ((…)) [NOT VALID]`."""
    inner = constraint.definition.removeprefix("CHECK ").removesuffix(" NOT VALID").removesuffix(" NO INHERIT")
    return inner or literal("")
