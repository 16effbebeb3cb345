"""Computes digests where the rows are, and finds the rows for which that is not possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

import psycopg

from migration import statements
from migration.canon import Digest, canonical, total
from migration.findings import Finding, key_text
from migration.kinds import Side
from migration.mapping import Table
from migration.session import Session, line

Key = tuple[str | None, ...]
Buckets = dict[int, Digest]
MOST_UNREADABLE = 1000


@dataclass
class End:
    """One side of a comparison: a session in a transaction, and what people call it."""

    session: Session
    side: Side
    called: str

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        return int(self.session.one(f"SELECT count(*) FROM {statements.rows_of(table)}")[0])

    def buckets(self, table: Table, groups: int = 1) -> Buckets:
        """The digest of every bucket. Raises psycopg.DataError if some row has no canonical form."""
        return self._digests(statements.digests(table, self.side, groups), None)

    def digest(self, table: Table, keys: Sequence[Key]) -> Digest:
        """The digest of some rows."""
        query = statements.digests(table, self.side, 1, join=statements.among_keys(table, self.side))
        return total(self._digests(query, columns_of(keys)).values())

    def _digests(self, query: str, values: Sequence[object] | None) -> Buckets:
        # In a savepoint: one bad row must not end the transaction that holds the moment.
        with self.session.connection.transaction():
            found = self.session.all(query, values)
        return {number: Digest(count, int(high), int(low)) for number, count, high, low in found}

    def row_digests(self, table: Table, groups: int, buckets: Iterable[int], without: Set[Key]) -> dict[Key, list[str]]:
        """The rows of some buckets by their keys, *without* those; a key that occurs twice has two digests."""
        rows: dict[Key, list[str]] = {}
        with self.session.connection.transaction():
            found = self.session.all(statements.keys_of(table, self.side, groups), [list(buckets)])
            wanted = columns_of(sorted({tuple(key) for (key,) in found} - without, key=str))
            query = statements.row_digests(table, self.side)
            for key, digest in self.session.all(query, wanted) if wanted else ():
                rows.setdefault(tuple(key), []).append(digest)
        return rows

    def rows(self, table: Table, keys: Sequence[Key]) -> dict[Key, list[str | None]]:
        """The canonical values of some rows, as texts in the order of the table's columns."""
        if not keys:
            return {}
        with self.session.connection.transaction():
            found = self.session.all(statements.canonical_rows(table, self.side), columns_of(keys))
        return {tuple(key): values for key, values in found}

    def unreadable(self, table: Table, groups: int) -> tuple[list[Finding], Buckets]:
        """The rows that have no canonical form, and the digests of all others."""
        search = _Search(self, table, groups)
        with self.session.connection.transaction():
            number = statements.bucket(table, self.side, groups)
            low, high = self.session.one(f"SELECT min({number}), max({number}) FROM {statements.rows_of(table)}")
        if low is not None:
            search.buckets(low, high)
        return search.findings, search.found


class _Search:
    """Halves until what cannot be read stands alone."""

    def __init__(self, end: End, table: Table, groups: int) -> None:
        self.end, self.table, self.groups = end, table, groups
        self.findings: list[Finding] = []
        self.found: Buckets = {}

    def buckets(self, low: int, high: int) -> None:
        number = statements.bucket(self.table, self.end.side, self.groups)
        query = statements.digests(self.table, self.end.side, self.groups, f"{number} BETWEEN {low} AND {high}")
        try:
            self.found.update(self.end._digests(query, None))
        except psycopg.DataError:
            if low < high and len(self.findings) < MOST_UNREADABLE:
                middle = (low + high) // 2
                self.buckets(low, middle)
                self.buckets(middle + 1, high)
            else:
                self._bucket(low)

    def _bucket(self, number: int) -> None:
        query = statements.keys_of(self.table, self.end.side, self.groups)
        keys = [tuple(key) for (key,) in self.end.session.all(query, [[number]])]
        self.found[number] = total(self._rows(keys))

    def _rows(self, keys: list[Key]) -> list[Digest]:
        try:
            return [self.end.digest(self.table, keys)] if keys else []
        except psycopg.DataError as error:
            if len(keys) > 1:
                middle = len(keys) // 2
                return self._rows(keys[:middle]) + self._rows(keys[middle:])
            self.findings.append(self._finding(keys[0], error))
            return []

    def _finding(self, key: Key, error: psycopg.DataError) -> Finding:
        column, says = self._column(key) or (None, line(error))
        return Finding(self.table.name, "unrepresentable", says, key_text(self.table.key, key), column,
                       side=self.end.called, row=key)  # fmt: skip

    def _column(self, key: Key) -> tuple[str, str] | None:
        """The first column without a canonical form, and the database's words."""
        for column in self.table.columns:
            value = canonical(column, self.end.side)
            query = f"SELECT ({value})::text FROM {statements.rows_of(self.table)}"
            try:
                with self.end.session.connection.transaction():
                    self.end.session.all(query + statements.among_keys(self.table, self.end.side), columns_of([key]))
            except psycopg.DataError as error:
                return column.name, line(error)
        return None


def columns_of(keys: Sequence[Key]) -> list[list[str | None]]:
    """Keys as one list per column, as statements.among_keys takes them."""
    return [list(column) for column in zip(*keys, strict=True)]
