"""What must hold on one side alone: references, uniqueness, sequences, and the form of what is stored."""

from __future__ import annotations

from collections.abc import Iterator

from migration import memory, sequences, statements
from migration.canon import filled, own, quoted
from migration.catalog import Catalog
from migration.digests import End
from migration.findings import Finding, key_text
from migration.fit import lost_constraints, strangers, uniques
from migration.mapping import ORPHAN, RowMapping, Table

LISTED = 1000


def soundness(end: End, mapping: RowMapping, catalog: Catalog) -> Iterator[Finding]:
    """Everything that is wrong on this side, whatever the other holds."""
    yield from lost_constraints(mapping, end.side, catalog)
    for table in mapping.tables:
        yield from orphans(end, table)
        yield from duplicates(end, table, catalog)
        yield from forms(end, table)
    yield from sequences.low(end.session, mapping, end.side)
    yield from unfinished(end, mapping)


def left_behind(end: End, mapping: RowMapping, catalog: Catalog) -> Iterator[Finding]:
    """Tables that nobody declared: nothing of what is in them was carried."""
    for name in strangers(mapping, end.side, catalog):
        rows = end.session.one(f"SELECT count(*) FROM {quoted(name)}")[0]
        says = f"the mapping does not know this table, which has {rows} rows on {end.called}"
        yield Finding(name, "unmapped", says, side=end.called, note=not rows)


def orphans(end: End, table: Table) -> Iterator[Finding]:
    """Rows that refer to rows that are not there."""
    for column in table.references:
        if column.rules.get(ORPHAN):
            continue
        query = statements.orphans(table, end.side, column.name) + f" ORDER BY 1 LIMIT {LISTED}"
        for key, value in end.session.all(query):
            says = f"refers to {column.references} {value}, which is not on {end.called}"
            yield Finding(table.name, ORPHAN, says, key_text(table.key, key), column.name, side=end.called)


def duplicates(end: End, table: Table, catalog: Catalog) -> Iterator[Finding]:
    """Values that should be unique and are not. Where the database sees to it there is nothing to look for."""
    for columns, kept in uniques(table, end.side, catalog):
        names = [column.name for column in columns]
        if kept:
            continue
        for values, keys in end.session.all(statements.duplicates(table, end.side, names, LISTED)):
            says = f"{', '.join(values)} occurs in {len(keys)} rows on {end.called} and must be unique"
            shown = " and ".join(key_text(table.key, key) for key in keys)
            yield Finding(table.name, "duplicate", says, shown, ", ".join(names), side=end.called)


def forms(end: End, table: Table) -> Iterator[Finding]:
    """Values that are not what their kind allows, such as a password without the name of its hasher."""
    for column in table.columns:
        valid = column.kind.valid.get(end.side)
        if valid is None:
            continue
        found = filled(valid, own(column, end.side), column)
        query = f"SELECT {statements.key_array(table, end.side)} FROM {statements.rows_of(table)} WHERE NOT ({found})"
        for (key,) in end.session.all(f"{query} ORDER BY 1 LIMIT {LISTED}"):
            says = f"is no {column.kind.name} as {end.called} stores it"
            yield Finding(table.name, "form", says, key_text(table.key, key), column.name, side=end.called)


def unfinished(end: End, mapping: RowMapping) -> Iterator[Finding]:
    """An import that was interrupted: keys and triggers are away, and rows are missing."""
    if not memory.remembers(end.session):
        return
    run = memory.last_run(end.session)
    if run is not None and run.phase == "running":
        says = f"the {run.kind} that began {run.started:%Y-%m-%d %H:%M} never ended on {end.called}: begin it again"
        yield Finding(mapping.tables[0].name, "unfinished", says, side=end.called)
