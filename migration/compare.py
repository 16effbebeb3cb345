"""From buckets that differ to the rows and columns that do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from migration.differences import difference, shown
from migration.digests import Buckets, End, Key
from migration.findings import Finding, key_text
from migration.mapping import Table

Values = Sequence[str | None]
RowDigests = dict[Key, list[str]]

BUCKETS_AT_ONCE = 8
ROWS_AT_ONCE = 500
LISTED = 1000


@dataclass(frozen=True)
class Pair:
    """The two ends that are compared: what should be, and what is."""

    source: End
    target: End

    @property
    def ends(self) -> tuple[End, End]:
        """Both."""
        return self.source, self.target

    def differing_rows(self, table: Table, keys: Sequence[Key]) -> Iterator[Finding]:
        """What is different in some rows now."""
        theirs, ours = self.source.rows(table, keys), self.target.rows(table, keys)
        for key in keys:
            if key not in theirs and key not in ours:
                continue
            if key not in ours:
                yield self._about(table, key, "missing", f"is on {self.source.called} and not on {self.target.called}")
            elif key not in theirs:
                yield self._about(table, key, "extra", f"is on {self.target.called} and not on {self.source.called}")
            else:
                yield from self._columns(table, key, theirs[key], ours[key])

    def _columns(self, table: Table, key: Key, theirs: Values, ours: Values) -> Iterator[Finding]:
        for column, was, is_ in zip(table.columns, theirs, ours, strict=True):
            if was != is_:
                kind, says = difference(column, was, is_)
                yield Finding(table.name, kind, says, key_text(table.key, key), column.name,
                              shown(was, column), shown(is_, column), row=key)  # fmt: skip

    def _about(self, table: Table, key: Key, kind: str, says: str) -> Finding:
        return Finding(table.name, kind, says, key_text(table.key, key), row=key)


@dataclass(frozen=True)
class Drill:
    """Goes down into one table whose digests differ."""

    pair: Pair
    table: Table
    groups: int
    unreadable: Set[Key]
    listed: int = LISTED

    def findings(self, theirs: Buckets, ours: Buckets) -> Iterator[Finding]:
        """Every row that differs, up to a number; then in how many buckets there are more."""
        differing = sorted(number for number in theirs.keys() | ours.keys() if theirs.get(number) != ours.get(number))
        told = 0
        for start in range(0, len(differing), BUCKETS_AT_ONCE):
            if told >= self.listed:
                left = len(differing) - start
                yield Finding(self.table.name, "more", f"{left} more groups of rows differ; these were not listed")
                return
            for finding in self._rows(differing[start : start + BUCKETS_AT_ONCE]):
                told += 1
                yield finding

    def _rows(self, buckets: Sequence[int]) -> Iterator[Finding]:
        theirs = self.pair.source.row_digests(self.table, self.groups, buckets, self.unreadable)
        ours = self.pair.target.row_digests(self.table, self.groups, buckets, self.unreadable)
        keys = sorted(theirs.keys() | ours.keys(), key=_in_order)
        yield from self._twice(theirs, ours, keys)
        different = [key for key in keys if sorted(theirs.get(key, [])) != sorted(ours.get(key, []))]
        shown = different[: self.listed]
        for start in range(0, len(shown), ROWS_AT_ONCE):
            yield from self.pair.differing_rows(self.table, shown[start : start + ROWS_AT_ONCE])
        if len(different) > self.listed:
            says = f"{len(different) - self.listed} more rows of {len(different)} differ here"
            yield Finding(self.table.name, "more", says)

    def _twice(self, theirs: RowDigests, ours: RowDigests, keys: Sequence[Key]) -> Iterator[Finding]:
        for end, rows in ((self.pair.source, theirs), (self.pair.target, ours)):
            for key in keys:
                if len(rows.get(key, ())) > 1:
                    says = f"is {len(rows[key])} times on {end.called}"
                    yield Finding(self.table.name, "duplicate", says, key_text(self.table.key, key), side=end.called)


def _in_order(key: Key) -> list[tuple[int, str]]:
    return [(len(value or ""), value or "") if (value or "").isdigit() else (0, value or "") for value in key]
