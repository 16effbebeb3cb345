"""Two connections that stay, and moments of both databases seen through them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psycopg

from migration import statements
from migration.catalog import read
from migration.compare import Pair
from migration.digests import Buckets, End, Key, columns_of
from migration.errors import RowsError
from migration.findings import Finding
from migration.fit import side_of
from migration.mapping import RowMapping, Table
from migration.origins import Moment
from migration.session import Session, connect, shown

Values = tuple[Sequence[str | None] | None, Sequence[str | None] | None]

# What a table has gone through; its file changes when it is emptied at once.
_TRACES = """
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del, pg_relation_filenode(relid)
FROM pg_stat_user_tables WHERE schemaname = 'public'
"""
# From this version on a session that falls silent tells within ten seconds what it has written.
_TELLS_SOON = 150000
_OLDEST_AND_NEXT = "SELECT txid_snapshot_xmin(txid_current_snapshot()), txid_snapshot_xmax(txid_current_snapshot())"


@dataclass(frozen=True)
class Sight:
    """Both databases, at one moment each."""

    pair: Pair
    oldest: Moment
    """The oldest transactions that were still open: whatever came before them is seen."""
    following: Moment
    """The numbers that the next transactions get."""


@dataclass
class Digests:
    """What one side's tables come to."""

    buckets: dict[str, Buckets] = field(default_factory=dict)
    unreadable: list[Finding] = field(default_factory=list)


class Standing:
    """Connects when it is first needed, and again after `close`."""

    def __init__(self, source: str, target: str, mapping: RowMapping) -> None:
        self._urls, self._mapping = (source, target), mapping
        self._stack = ExitStack()
        self._ends: tuple[End, End] | None = None

    def close(self) -> None:
        """End the connections."""
        self._ends = None
        self._stack.close()

    @contextmanager
    def sight(self) -> Iterator[Sight]:
        """Both databases as they are now, until the end of the block; read only."""
        source, target = self._connected()
        with source.session.connection.transaction(), target.session.connection.transaction():
            (was, follows), (is_, next_) = (end.session.one(_OLDEST_AND_NEXT) for end in (source, target))
            yield Sight(Pair(source, target), Moment(was, is_), Moment(follows, next_))

    def traces(self) -> dict[str, object]:
        """Something about each table that changes soon after it is written to; nothing where a server is too old.

        Ask before a moment is seen: what was written in between is then looked at twice, and never passed over.
        """
        known = [_traces(end.session) for end in self._connected()]
        return {
            table.name: tuple(found[table.name] for found in known)
            for table in self._mapping.tables
            if all(table.name in found for found in known)
        }

    def _connected(self) -> tuple[End, End]:
        if self._ends is None:
            self._stack.close()
            with ExitStack() as stack:
                source, target = (self._end(stack, url) for url in self._urls)
                if source.side is target.side:
                    raise RowsError(f"both databases are {source.called}'s: one of each side is needed")
                self._ends, self._stack = (source, target), stack.pop_all()
        return self._ends

    def _end(self, stack: ExitStack, url: str) -> End:
        session = stack.enter_context(connect(url, autocommit=True))
        side = side_of(self._mapping, read(session), shown(url))
        session.connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.connection.read_only = True
        return End(session, side, self._mapping.called(side))


def _traces(session: Session) -> dict[str, object]:
    if session.connection.info.server_version < _TELLS_SOON or session.one("SHOW track_counts")[0] != "on":
        return {}
    return {name: (count, file) for name, count, file in session.all(_TRACES)}


def digests(pair: Pair, plan: Sequence[tuple[Table, int]]) -> tuple[Digests, Digests]:
    """The digests of some tables in so many buckets, computed on both sides at the same time."""
    with ThreadPoolExecutor(2, thread_name_prefix="watch") as pool:
        theirs, ours = pool.map(lambda end: _digests(end, plan), (pair.source, pair.target))
    return theirs, ours


def _digests(end: End, plan: Sequence[tuple[Table, int]]) -> Digests:
    found = Digests()
    for table, groups in plan:
        try:
            found.buckets[table.name] = end.buckets(table, groups)
        except psycopg.DataError:
            unreadable, found.buckets[table.name] = end.unreadable(table, groups)
            found.unreadable.extend(unreadable)
    return found


def groups_of(pair: Pair, table: Table) -> int:
    """Into how many buckets a table goes, for as long as it is watched."""
    return statements.groups_for(max(pair.source.count(table), pair.target.count(table)))


def values_of(pair: Pair, table: Table, keys: Iterable[Key]) -> dict[Key, Values]:
    """What both sides hold of some rows, None where there is nothing."""
    asked = sorted(keys, key=str)
    theirs, ours = pair.source.rows(table, asked), pair.target.rows(table, asked)
    return {key: (theirs.get(key), ours.get(key)) for key in asked}


def writers(end: End, table: Table, keys: Iterable[Key]) -> dict[Key, int]:
    """The last 32 bits of the transactions that wrote those of some rows that are there."""
    asked = sorted(keys, key=str)
    if not asked:
        return {}
    return {tuple(key): xmin for key, xmin in end.session.all(statements.writers(table, end.side), columns_of(asked))}
