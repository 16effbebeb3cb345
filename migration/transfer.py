"""One carry on its way: the rows of some lanes that differ, what they hang on, and their writing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from migration import sequences, statements
from migration.canon import quoted, row_text, shaped, skipping
from migration.digests import End, Key, columns_of
from migration.errors import RowsError
from migration.heal import MOST_ROWS, Healing, Wanted, upsert
from migration.kinds import Side
from migration.lanes import Wider, covered, lanes_of_row
from migration.mapping import Column, Table

Digests = dict[Key, str]


@dataclass
class Carrying(Healing):
    """One transfer on its way: `Healing` with rows found by lanes and everything of the source read at once."""

    beside: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    arriving: dict[str, dict[Key, list[str | None]]] = field(default_factory=dict)

    # ---- what differs

    def look_for(self, lanes: Sequence[str]) -> None:
        """Find the rows of the lanes that differ. Raises RowsError if they are too many."""
        theirs = covered(self.mapping, lanes, self.pair.source.side)
        ours = covered(self.mapping, lanes, self.pair.target.side)
        for table in self.mapping.tables:
            if table.name in theirs:
                self._compare(table, theirs[table.name], ours[table.name])
        if sum(map(len, self.wanted.values())) > MOST_ROWS:
            raise RowsError(f"more than {MOST_ROWS:,} rows differ: copy again instead")

    def _compare(self, table: Table, theirs: Sequence[str], ours: Sequence[str]) -> None:
        there, here = self._whole(table) if not theirs else self._some(table, theirs, ours)
        if here == there:
            return
        self._complete(self.pair.source, table, there, here.keys() - there.keys())
        self._complete(self.pair.target, table, here, there.keys() - here.keys())
        self._note(self.inserts, table, there.keys() - here.keys())
        self._note(self.deletes, table, here.keys() - there.keys())
        self._note(self.updates, table, {key for key in there.keys() & here.keys() if there[key] != here[key]})

    def _some(self, table: Table, theirs: Sequence[str], ours: Sequence[str]) -> tuple[Digests, Digests]:
        # The other side computes meanwhile: with two servers that is half the time.
        asked = self.beside.submit(_digests, self.pair.source, table, theirs)
        here = _digests(self.pair.target, table, ours)
        return asked.result(), here

    def _whole(self, table: Table) -> tuple[Digests, Digests]:
        """The rows of those buckets that differ."""
        groups = statements.groups_for(self.pair.source.count(table))
        asked = self.beside.submit(self.pair.source.buckets, table, groups)
        here = self.pair.target.buckets(table, groups)
        there = asked.result()
        differing = [number for number in there.keys() | here.keys() if there.get(number) != here.get(number)]
        if not differing:
            return {}, {}
        ends = (self.pair.source, self.pair.target)
        found = [end.row_digests(table, groups, differing, frozenset()) for end in ends]
        one, other = ({key: digests[0] for key, digests in rows.items()} for rows in found)
        return one, other

    def _complete(self, end: End, table: Table, found: Digests, missing: set[Key]) -> None:
        """Rows that the one side has in other lanes are rows all the same."""
        if missing:
            values = columns_of(sorted(missing, key=str))
            rows = end.session.all(statements.row_digests(table, end.side), values)
            found.update((tuple(key), digest) for key, digest in rows)

    def _note(self, rows: Wanted, table: Table, keys: set[Key]) -> None:
        if keys:
            rows.setdefault(table.name, set()).update(keys)
            self.wanted.setdefault(table.name, set()).update(keys)

    # ---- what is read of the source

    def read_rows(self) -> None:
        """Read everything that travels. Raises Wider where a row hangs on rows of other lanes."""
        for name in self.wanted:
            table, keys = self.mapping.table(name), self._written(name)
            if keys:
                self.arriving[name] = _rows(self.pair.source, table, self.pair.target.side, keys)
        for name, rows in self.arriving.items():
            for column in self.mapping.table(name).references:
                self._check_parents(self.mapping.table(name), column, rows)
        for name, gone in self.deletes.items():
            self._check_children(self.mapping.table(name), gone)

    def _written(self, name: str) -> list[Key]:
        return sorted(self.inserts.get(name, set()) | self.updates.get(name, set()), key=str)

    def _check_parents(self, table: Table, column: Column, rows: Mapping[Key, list[str | None]]) -> None:
        place = table.columns.index(column)
        parent = self.mapping.table(column.references)
        asked = {(row[place],) for row in rows.values() if row[place] is not None}
        asked -= self.inserts.get(parent.name, set())
        if not asked:
            return
        keys = sorted(asked, key=str)
        missing = asked - self.pair.target.rows(parent, keys).keys()
        if missing:
            found = self.pair.source.rows(parent, sorted(missing, key=str)).values()
            raise Wider(_lanes(parent, found), f"{table.name} refers to rows of {parent.name} that are not there yet")

    def _check_children(self, table: Table, keys: set[Key]) -> None:
        for name, children in self.dependents(table, keys):
            left = children - self.wanted.get(name, set())
            if left:
                child = self.mapping.table(name)
                rows = self.pair.target.rows(child, sorted(left, key=str)).values()
                raise Wider(_lanes(child, rows), f"{name} refers to rows of {table.name} that are to go")

    # ---- what is written

    def raise_sequences(self, touched: Sequence[Table]) -> None:
        names = [table.name for table in touched if self.inserts.get(table.name)]
        if names:
            mapping = self.mapping.only(names)
            numbers = sequences.next_numbers(self.pair.source.session, mapping, self.pair.source.side)
            sequences.raise_all(self.pair.target.session, mapping, self.pair.target.side, numbers)

    def write(self, table: Table) -> None:
        rows = self.arriving.get(table.name)
        if rows:
            target = self.pair.target
            marks = ", ".join(["%s"] * len(table.columns))
            insert = f"INSERT INTO {quoted(table.name)} ({statements.names(table, target.side)}) VALUES ({marks})"
            with target.session.connection.cursor() as cursor:
                cursor.executemany(f"{insert} {upsert(table, target)}".encode(), list(rows.values()))

    def counts(self) -> dict[str, int]:
        """How many rows of each table were not left alone."""
        return {name: len(keys) for name, keys in self.wanted.items() if keys}


def _lanes(table: Table, rows: Iterable[Sequence[str | None]]) -> list[str]:
    names = [column.name for column in table.columns]
    found = [lane for row in rows for lane in lanes_of_row(table, dict(zip(names, row, strict=True)))]
    if not found:
        raise RowsError(f"rows of {table.name} that others refer to are on neither side")
    return found


def _digests(end: End, table: Table, conditions: Sequence[str]) -> Digests:
    """Key and digest of the rows that fulfil one of the conditions."""
    chosen = f"({' OR '.join(f'({one})' for one in conditions)})" if conditions else ""
    query = (
        f"SELECT {statements.key_array(table, end.side)}, md5({row_text(table, end.side)}) "
        f"FROM {statements.rows_of(table)}{statements.where(skipping(table, end.side), chosen)}"
    )
    return {tuple(key): digest for key, digest in end.session.all(query)}


def _rows(source: End, table: Table, shape: Side, keys: Sequence[Key]) -> dict[Key, list[str | None]]:
    """Rows as texts, as the target stores them, in the order of the table's columns."""
    values = ", ".join(f"({shaped(column, source.side, shape)})::text" for column in table.columns)
    query = (
        f"SELECT {statements.key_array(table, source.side)}, ARRAY[{values}] FROM {statements.rows_of(table)}"
        f"{statements.among_keys(table, source.side)}"
    )
    return {tuple(key): row for key, row in source.session.all(query, columns_of(keys))}
