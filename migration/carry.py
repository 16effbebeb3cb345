"""Carries the rows of some lanes from one side to the other, quickly and again and again: heal as the journal needs it.

Connections stay open and catalogs are read once. The source is read in one snapshot; digests are compared where the
rows are, so only rows that differ travel; they are written in one transaction, and compared again before it commits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg

from migration import catalog
from migration.compare import Pair
from migration.digests import End
from migration.errors import RowsError, Unreachable
from migration.fit import side_of
from migration.mapping import RowMapping
from migration.refusals import stopped
from migration.session import connect, line, shown
from migration.transfer import Carrying

APPLICATION = "cutover heal"
_GONE = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN"


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
        self, lanes: Sequence[str], source: str, target: str, *, until: float = float("inf"),
        read: Callable[[], None] = lambda: None,
    ) -> Carried:  # fmt: skip
        """Make the target's rows of these lanes equal to the source's; *read* is called once the source is read.

        Nothing is written after *until* (`time.monotonic`), or later than `within` from when it is its turn.

        Raises Unmapped where no table has rows in a lane, Wider where the rows hang on others, Unreachable, and
        RowsError (nothing was changed). Doing it again is safe.
        """
        with self._lock:
            theirs, ours = self._databases[source], self._databases[target]
            try:
                return self._carried(lanes, theirs, ours, read, until)
            except (*_GONE, Unreachable) as error:
                told = line(error) if isinstance(error, psycopg.Error) else str(error)
                raise Unreachable(f"rows cannot be carried now: {told}") from error
            except psycopg.IntegrityError as error:
                raise stopped(target, error) from error
            except psycopg.DataError as error:
                raise RowsError(f"{line(error)}; nothing was changed") from error
            finally:
                theirs.end()
                ours.end()

    def _carried(
        self, lanes: Sequence[str], theirs: Database, ours: Database, read: Callable[[], None], until: float
    ) -> Carried:
        until = min(until, time.monotonic() + self._within)
        self._in_time(until)
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
        self._in_time(until)
        pair.target.session.run("COMMIT")
        return Carried(carrying.counts())

    def _in_time(self, until: float) -> None:
        if time.monotonic() > until:
            raise Unreachable(f"not within {self._within:g} s; nothing was changed")
