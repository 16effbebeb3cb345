"""Carries the rows of some lanes from one side to the other, quickly and again and again: heal as the journal needs it.

Connections stay open and catalogs are read once. The source is read in one snapshot; digests are compared where the
rows are, so only rows that differ travel; they are written in one transaction, and compared again before it commits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg

from migration import catalog, sequences, statements
from migration.canon import quoted, row_text, shaped, skipping
from migration.compare import Pair
from migration.digests import End, Key, columns_of
from migration.errors import RowsError, Stopped, Unreachable
from migration.fit import side_of
from migration.heal import MOST_ROWS, Healing, Wanted, refused, upsert
from migration.kinds import Side
from migration.lanes import Wider, covered, lanes_of_row
from migration.mapping import Column, RowMapping, Table
from migration.session import connect, line, shown

APPLICATION = "cutover heal"
_GONE = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN"
Digests = dict[Key, str]


@dataclass
class Carried:
    """What a carry did: how many rows of which table were inserted, updated or deleted."""

    rows: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.rows.values())


class Database:
    """One database with a connection that is kept, and what it says about its tables."""

    def __init__(self, url: str, mapping: RowMapping) -> None:
        self._url = url
        self._mapping = mapping
        self._stack = ExitStack()
        self._end: End | None = None
        self.catalog = catalog.Catalog({})

    def opened(self) -> End:
        """The connection, made when it is first needed or was lost. Raises Unreachable, and RowsError where the tables
        are not those of the mapping."""
        if self._end is not None and self._end.session.connection.closed:
            self.close()
        if self._end is None:
            session = self._stack.enter_context(connect(self._url, autocommit=True))
            session.run(f"SET application_name = '{APPLICATION}'")
            self.catalog = catalog.read(session)
            side = side_of(self._mapping, self.catalog, shown(self._url))
            self._end = End(session, side, self._mapping.called(side))
        return self._end

    def end(self) -> None:
        """End whatever transaction is open; a connection that is lost is made anew the next time."""
        try:
            if self._end is not None:
                self._end.session.run("ROLLBACK")
        except psycopg.Error:
            self.close()

    def close(self) -> None:
        """End the connection; it is made anew when it is needed."""
        self._end = None
        self._stack.close()


class Carrier:
    """Carries rows between two databases, in either direction. One call at a time; others wait."""

    def __init__(self, urls: Mapping[str, str], mapping: RowMapping, within: float = 60.0) -> None:
        """*within*: seconds after which nothing is written any more, because nobody holds the rows still by then. That
        holds also for a process that was frozen: its transaction on the target is ended by the server."""
        self._within = within
        self._databases = {name: Database(url, mapping) for name, url in urls.items()}
        self._mapping = mapping
        self._lock = threading.Lock()
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="carry")

    def close(self) -> None:
        """End all connections."""
        self._beside.shutdown()
        for database in self._databases.values():
            database.close()

    def carry(
        self, lanes: Sequence[str], source: str, target: str, *, read: Callable[[], None] = lambda: None
    ) -> Carried:
        """Make the target's rows of these lanes equal to the source's; *read* is called once the source is read.

        Raises Unmapped where no table has rows in a lane, Wider where the rows hang on others, Unreachable, and
        RowsError (nothing was changed). Doing it again is safe.
        """
        with self._lock:
            theirs, ours = self._databases[source], self._databases[target]
            try:
                return self._carried(lanes, theirs, ours, read)
            except (*_GONE, Unreachable) as error:
                told = line(error) if isinstance(error, psycopg.Error) else str(error)
                raise Unreachable(f"rows cannot be carried now: {told}") from error
            except psycopg.IntegrityError as error:
                raise Stopped(f"{target} refused a row, and nothing was changed", [refused(error)]) from error
            except psycopg.DataError as error:
                raise RowsError(f"{line(error)}; nothing was changed") from error
            finally:
                theirs.end()
                ours.end()

    def _carried(self, lanes: Sequence[str], theirs: Database, ours: Database, read: Callable[[], None]) -> Carried:
        began = time.monotonic()
        pair = Pair(theirs.opened(), ours.opened())
        pair.source.session.run(_READ)
        pair.target.session.run(_WRITE)
        patience = max(1, int(self._within * 500))
        for setting in ("lock_timeout", "idle_in_transaction_session_timeout"):
            pair.target.session.run(f"SET LOCAL {setting} = {patience}")
        carrying = Carrying(pair, self._mapping, ours.catalog, beside=self._beside)
        carrying.look_for(lanes)
        carrying.read_rows()
        read()
        carrying.carry_out()
        if time.monotonic() - began > self._within:
            raise RowsError(f"it took longer than {self._within:g} s; nothing was changed")
        pair.target.session.run("COMMIT")
        return Carried(carrying.counts())


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
