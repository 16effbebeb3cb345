"""Brings single rows of the target to what the source holds: the only transfer of state after a copy.

One transaction on the target, at one moment of the source. Rows that others refer to are taken along: a missing parent
is inserted with its child, and what hangs on a row that must go is brought to the source's state first, so that no
cascade ever deletes a row that the source still has. Afterwards both sides are read again; unless they are equal then,
nothing is kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg

from migration import sequences, statements
from migration.canon import own, quoted
from migration.catalog import Catalog, read
from migration.compare import Pair
from migration.digests import End, Key, columns_of
from migration.errors import RowsError, Stopped
from migration.findings import Finding, key_text
from migration.fit import side_of
from migration.kinds import TEXT
from migration.mapping import RowMapping, Table
from migration.refusals import stopped
from migration.session import connect, line, shown
from migration.snapshot import Snapshot

MOST_ROWS = 20_000
_PARKED = "cutover heals row "
Wanted = dict[str, set[Key]]


@dataclass
class Healed:
    """What was done, or in a dry run would be: per row one of `insert`, `update`, `delete`, and what differed."""

    source: str
    target: str
    started: datetime
    dry_run: bool
    seconds: float = 0.0
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "verb": "heal", "source": self.source, "target": self.target, "started": self.started.isoformat(),
            "seconds": round(self.seconds, 3), "dry_run": self.dry_run,
            "rows": [{"table": table, "key": key, "action": action} for table, key, action in self.rows],
            "differences": [finding.document() for finding in self.findings],
        }  # fmt: skip


def heal(source: str, target: str, mapping: RowMapping, wanted: Wanted, *, dry_run: bool = False) -> Healed:
    """Make some rows of the target equal to the source's, with what hangs on them. Equal rows are left alone."""
    healed = Healed(shown(source), shown(target), datetime.now(UTC), dry_run)
    began = time.monotonic()
    with ExitStack() as stack:
        theirs = stack.enter_context(stack.enter_context(Snapshot(source)).session())
        ours = stack.enter_context(connect(target))
        catalog = read(ours)
        here, there = side_of(mapping, catalog, shown(target)), side_of(mapping, read(theirs), shown(source))
        pair = Pair(End(theirs, there, mapping.called(there)), End(ours, here, mapping.called(here)))
        healing = Healing(pair, mapping, catalog)
        try:
            healing.close_over(wanted)
            healed.rows, healed.findings = list(healing.actions()), healing.differences
            if not dry_run:
                healing.carry_out()
                ours.connection.commit()
        except psycopg.DataError as error:
            raise RowsError(f"{line(error)}; nothing was changed") from error
        except psycopg.IntegrityError as error:
            raise stopped(shown(target), error) from error
    healed.seconds = time.monotonic() - began
    return healed


@dataclass
class Healing:
    """Rows on their way: what each of them needs, and then its doing."""

    pair: Pair
    mapping: RowMapping
    catalog: Catalog
    wanted: Wanted = field(default_factory=dict)
    differences: list[Finding] = field(default_factory=list)
    inserts: Wanted = field(default_factory=dict)
    updates: Wanted = field(default_factory=dict)
    deletes: Wanted = field(default_factory=dict)

    def close_over(self, wanted: Wanted) -> None:
        """Find out what differs, and take along the rows that the differing ones need."""
        waiting = {name: set(keys) for name, keys in wanted.items()}
        while any(waiting.values()):
            name = next(name for name, keys in waiting.items() if keys)
            keys = waiting.pop(name) - self.wanted.get(name, set())
            self.wanted.setdefault(name, set()).update(keys)
            if sum(map(len, self.wanted.values())) > MOST_ROWS:
                raise RowsError(f"more than {MOST_ROWS:,} rows hang together: copy again instead")
            for parent, more in self._look_at(self.mapping.table(name), sorted(keys, key=str)):
                waiting.setdefault(parent, set()).update(more)

    def _look_at(self, table: Table, keys: Sequence[Key]) -> Iterator[tuple[str, set[Key]]]:
        theirs, ours = self.pair.source.rows(table, keys), self.pair.target.rows(table, keys)
        self.differences.extend(self.pair.differing_rows(table, keys))
        changed = {key for key in theirs.keys() & ours.keys() if theirs[key] != ours[key]}
        self.updates.setdefault(table.name, set()).update(changed)
        self.inserts.setdefault(table.name, set()).update(theirs.keys() - ours.keys())
        gone = ours.keys() - theirs.keys()
        self.deletes.setdefault(table.name, set()).update(gone)
        for number, column in enumerate(table.columns):
            if column.references:
                values = {theirs[key][number] for key in theirs.keys() - (ours.keys() - changed)}
                yield column.references, {(value,) for value in values if value is not None}
        if gone:
            yield from self.dependents(table, gone)

    def dependents(self, table: Table, gone: set[Key]) -> Iterator[tuple[str, set[Key]]]:
        """Rows of the target that refer to rows which must go."""
        end = self.pair.target
        for child in self.mapping.tables:
            for column in child.references:
                if column.references == table.name:
                    query = (
                        f"SELECT {statements.key_array(child, end.side)} FROM {statements.rows_of(child)} "
                        f"WHERE {own(column, end.side)}::text = ANY(%s)"
                    )
                    found = end.session.all(query, [[key[0] for key in gone]])
                    yield child.name, {tuple(key) for (key,) in found}

    def actions(self) -> Iterator[tuple[str, str, str]]:
        """Table, key and action of every row that is not left alone."""
        for action, rows in (("insert", self.inserts), ("update", self.updates), ("delete", self.deletes)):
            for name, keys in rows.items():
                for key in sorted(keys, key=str):
                    yield name, key_text(self.mapping.table(name).key, key), action

    def carry_out(self) -> None:
        """Do it, inside the target's transaction, and prove it before anyone can see it."""
        ordered = self.mapping.parents_first()
        touched = [table for table in ordered if self._touched(table)]
        with _triggers_off(self, touched):
            for table in touched:
                self._make_way(table)
                self.write(table)
            for table in reversed(touched):
                self._delete(table, self.deletes.get(table.name, set()))
            self.pair.target.session.run("SET CONSTRAINTS ALL IMMEDIATE")
        self.raise_sequences(touched)
        self._prove(touched)

    def raise_sequences(self, touched: Sequence[Table]) -> None:
        """Let the target's next row collide with nothing."""
        numbers = sequences.next_numbers(self.pair.source.session, self.mapping, self.pair.source.side)
        sequences.raise_all(self.pair.target.session, self.mapping, self.pair.target.side, numbers)

    def _touched(self, table: Table) -> bool:
        return any(rows.get(table.name) for rows in (self.inserts, self.updates, self.deletes))

    def _make_way(self, table: Table) -> None:
        """Let go of unique values that another of these rows is about to take."""
        leaving = self.updates.get(table.name, set()) | self.deletes.get(table.name, set())
        if not table.unique or not leaving:
            return
        if not any(column.references == table.name for child in self.mapping.tables for column in child.references):
            return self._delete(table, leaving)
        for name in {name for names in table.unique for name in names}:
            column = table.column(name)
            if column.kind is TEXT:
                end = self.pair.target
                key = own(table.keys[0], end.side)
                self.pair.target.session.run(
                    f"UPDATE {quoted(table.name)} u SET {quoted(column.on(end.side))} = '{_PARKED}' || {key}::text "
                    f"FROM {statements.rows_of(table)}{statements.among_keys(table, end.side)} "
                    f"WHERE {_same(table, end, 'u')}",
                    columns_of(sorted(leaving, key=str)),
                )

    def _delete(self, table: Table, keys: set[Key]) -> None:
        if keys:
            end = self.pair.target
            self.pair.target.session.run(
                f"DELETE FROM {quoted(table.name)} u USING {statements.rows_of(table)}"
                f"{statements.among_keys(table, end.side)} WHERE {_same(table, end, 'u')}",
                columns_of(sorted(keys, key=str)),
            )

    def write(self, table: Table) -> None:
        """Insert and update rows of one table."""
        keys = self.inserts.get(table.name, set()) | self.updates.get(table.name, set())
        if not keys:
            return
        source, target = self.pair.source, self.pair.target
        carried = statements.names(table, target.side)
        target.session.run(f"CREATE TEMP TABLE arriving (LIKE {quoted(table.name)}) ON COMMIT DROP")
        for name in table.made:
            target.session.run(f"ALTER TABLE arriving DROP COLUMN IF EXISTS {quoted(name)}")
        chosen = statements.select(table, source.side, target.side, among=True)
        out = f"COPY ({chosen}) TO STDOUT".encode()
        with (
            source.session.connection.cursor().copy(out, columns_of(sorted(keys, key=str))) as rows,
            target.session.copy(f"COPY arriving ({carried}) FROM STDIN") as into,
        ):
            for row in rows:
                into.write(row)
        insert = f"INSERT INTO {quoted(table.name)} ({carried}) SELECT {carried} FROM arriving"
        target.session.run(f"{insert} {upsert(table, target)}")
        target.session.run("DROP TABLE arriving")

    def _prove(self, touched: Sequence[Table]) -> None:
        for table in touched:
            keys = sorted(self.wanted[table.name], key=str)
            if left := list(self.pair.differing_rows(table, keys)):
                raise Stopped("rows still differ after healing; nothing was changed", left)


def _same(table: Table, end: End, alias: str) -> str:
    return " AND ".join(f"{alias}.{quoted(c.on(end.side))} = {own(c, end.side)}" for c in table.keys)


def upsert(table: Table, end: End) -> str:
    """What an insert does to a row that is there."""
    key = ", ".join(quoted(column.on(end.side)) for column in table.keys)
    others = [quoted(column.on(end.side)) for column in table.columns if column.name not in table.key]
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in others)
    return f"ON CONFLICT ({key}) DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}"


class _triggers_off:
    """No trigger of the target's own fires meanwhile: what it would write is in the source already."""

    def __init__(self, healing: Healing, tables: Sequence[Table]) -> None:
        names = {table.name for table in tables}
        self._session = healing.pair.target.session
        self._fire = [(table, name) for table, name, fires in healing.catalog.triggers if table in names and fires]

    def __enter__(self) -> None:
        self._switch("DISABLE")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._switch("ENABLE")

    def _switch(self, verb: str) -> None:
        for table, name in self._fire:
            self._session.run(f"ALTER TABLE {quoted(table)} {verb} TRIGGER {quoted(name)}")
