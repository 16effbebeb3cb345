"""The target's side of a copy or an import: what happens before the first row and after the last one.

While rows come in, foreign keys and plain indexes are away and triggers are off; what brings them back is remembered
in the same transaction. The end is one transaction too: keys back and checked, sequences raised, the run complete.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from migration import memory, sequences, statements
from migration.canon import quoted, total
from migration.catalog import Catalog, read
from migration.digests import End
from migration.errors import RowsError, Stopped
from migration.findings import Finding, key_text
from migration.kinds import Side
from migration.mapping import RowMapping
from migration.session import Session, connect, line, shown

_LOCK = 0x6375746F766572
_LOCKED_WITHIN = 60.0


class Landing:
    """A database that is being filled. Made by `opened`, which keeps others away meanwhile."""

    def __init__(self, session: Session, url: str, mapping: RowMapping, side: Side, catalog: Catalog) -> None:
        self.session, self.url, self.mapping, self.side, self.catalog = session, url, mapping, side, catalog
        self.run: memory.Run | None = None

    @property
    def where(self) -> str:
        """The target, for people."""
        return f"{self.mapping.called(self.side)} at {shown(self.url)}"

    def begin(self, kind: str, mark: str, source: str) -> memory.Run:
        """Go on with the run of that mark if it was interrupted, else empty the tables and begin."""
        with self.session.connection.transaction():
            last = memory.last_run(self.session)
            if last is not None and last.phase == "running":
                if (last.kind, last.mark) == (kind, mark):
                    self.run = last
                    return last
                # What an interrupted run of ours left behind is nobody's data.
            else:
                self.refuse_unless_empty_or_dumped()
            self._refuse_outsiders()
            self._take_away()
            self.run = memory.begin(self.session, kind, mark, source)
            return self.run

    def refuse_unless_empty_or_dumped(self) -> None:
        """Rows that exist nowhere else are never overwritten."""
        full = [table.name for table in self.mapping.tables if self._has_rows(table.name)]
        if not full:
            return
        kept = memory.backups(self.session) if memory.remembers(self.session) else []
        if not kept:
            some = ", ".join(full[:5]) + (" …" if len(full) > 5 else "")
            raise RowsError(f"{self.where} has rows already ({some}): dump them first with `cutover migrate backup`")
        if kept[0][2] != self.digests():
            raise RowsError(
                f"{self.where} has changed since its last dump ({kept[0][0]:%Y-%m-%d %H:%M}, {kept[0][1]}): "
                "dump it again with `cutover migrate backup`"
            )

    def _refuse_outsiders(self) -> None:
        """Rows of tables that are not ours must not refer to rows that are about to be replaced."""
        mapped = {table.name for table in self.mapping.tables}
        for key in self.catalog.constraints:
            if key.kind == "f" and key.parent in mapped and key.table not in mapped and self._has_rows(key.table):
                raise RowsError(f"{self.where}: rows of {key.table} refer to {key.parent}; remove them first")

    def digests(self) -> dict[str, str]:
        """What each table holds now."""
        end = End(self.session, self.side, self.mapping.called(self.side))
        found = {}
        for table in self.mapping.tables:
            digest = total(end.buckets(table).values())
            found[table.name] = f"{digest.count}:{digest}"
        return found

    def finish(self, others: dict[str, int]) -> None:
        """Everything back and checked, or, if the rows do not hold together, everything as it was before."""
        assert self.run is not None
        try:
            with self.session.connection.transaction():
                self._bring_back()
                sequences.raise_all(self.session, self.mapping, self.side, others)
                memory.end(self.session, self.run, "complete", "every constraint holds")
        except (psycopg.errors.IntegrityError, Stopped) as error:
            found = error.findings if isinstance(error, Stopped) else self._violations(error)
            self.undo(f"the rows do not hold together: {len(found)} violations")
            raise Stopped(f"the rows do not hold together; {self.where} is empty as before", found) from error
        self._analyze()

    def _analyze(self) -> None:
        """A first idea for the planner; the server makes its own in its time."""
        self.session.run("SET default_statistics_target = 10")
        self.session.run(f"ANALYZE {self._names()}")

    def undo(self, why: str) -> None:
        """Take our rows away again, and bring everything else back."""
        assert self.run is not None
        with self.session.connection.transaction():
            self.session.run(f"TRUNCATE {self._names()}")
            self._bring_back()
            memory.end(self.session, self.run, "undone", why)

    def _has_rows(self, table: str) -> bool:
        return bool(self.session.one(f"SELECT EXISTS (SELECT FROM {quoted(table)})")[0])

    def _names(self) -> str:
        return ", ".join(quoted(table.name) for table in self.mapping.tables)

    def _take_away(self) -> None:
        mapped = {table.name for table in self.mapping.tables}
        for key in self.catalog.constraints:
            if key.kind == "f" and (key.table in mapped or key.parent in mapped):
                statement = f"ALTER TABLE {quoted(key.table)} ADD CONSTRAINT {quoted(key.name)} {key.definition}"
                memory.hold(self.session, key.table, key.name, statement)
                self.session.run(f"ALTER TABLE {quoted(key.table)} DROP CONSTRAINT {quoted(key.name)}")
        # Filling an index row by row takes several times as long as making it at the end.
        for table, index, definition in self.catalog.indexes:
            if table in mapped:
                memory.hold(self.session, table, index, definition)
                self.session.run(f"DROP INDEX {quoted(index)}")
        for table, trigger, fires in self.catalog.triggers:
            if table in mapped and fires:
                statement = f"ALTER TABLE {quoted(table)} {{}} TRIGGER {quoted(trigger)}"
                memory.hold(self.session, table, trigger, statement.format("ENABLE"))
                self.session.run(statement.format("DISABLE"))
        self.session.run(f"TRUNCATE {self._names()}")

    def _bring_back(self) -> None:
        # Indexes first: they were taken away last, and foreign keys are checked faster with them.
        for _, _, statement in reversed(memory.held(self.session)):
            self.session.run(statement)
        memory.released(self.session)

    def _violations(self, error: psycopg.Error) -> Sequence[Finding]:
        """Every row behind a foreign key that could not come back."""
        found = [
            Finding(table.name, "orphan", f"refers to {column.references} {value}, which is not there",
                    key_text(table.key, key), column.name)
            for table in self.mapping.tables
            for column in table.references
            for key, value in self.session.all(statements.orphans(table, self.side, column.name) + " LIMIT 1000")
        ]  # fmt: skip
        return found or [Finding(error.diag.table_name or "?", "constraint", line(error))]


def refuse_if_full(url: str, mapping: RowMapping, side: Side) -> None:
    """Refuse what `opened` and `begin` would refuse, and write nothing."""
    with connect(url, autocommit=True) as session:
        last = memory.last_run(session) if memory.remembers(session) else None
        if last is None or last.phase != "running":
            Landing(session, url, mapping, side, read(session)).refuse_unless_empty_or_dumped()


@contextmanager
def opened(url: str, mapping: RowMapping, side: Side) -> Iterator[Landing]:
    """The target, for us alone."""
    with connect(url, autocommit=True) as session:
        _lock(session, url)
        with session.connection.transaction():
            memory.prepare(session)
        yield Landing(session, url, mapping, side, read(session))


def _lock(session: Session, url: str) -> None:
    """Wait for the end of a killed run's server process; refuse while somebody else is at work."""
    deadline = time.monotonic() + _LOCKED_WITHIN
    while not session.one(f"SELECT pg_try_advisory_lock({_LOCK})")[0]:
        if time.monotonic() > deadline:
            raise RowsError(f"somebody else writes rows to {shown(url)}: wait for the end of that")
        time.sleep(0.1)
