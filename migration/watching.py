"""Looks at two databases again and again: carries over what changed behind the proxy's back, and tells what never
should have changed.

A row differs because its change is on the way, because somebody wrote past the proxy on the active side (a chat, a
scheduled job, an administrator, psql), or because somebody wrote on the standby. The first is left alone: only a row
that shows the same difference twice is touched, and only if `settled` says that no write to it is under way. The
second is healed. The third is told and left to a person, unless it is said that it shall be healed too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import psycopg
import structlog

from migration.canon import Digest
from migration.compare import Drill, Pair
from migration.digests import Buckets, Key
from migration.errors import RowsError
from migration.findings import Finding, key_text
from migration.heal import heal
from migration.mapping import RowMapping, Table
from migration.origins import Look, Marks, Moment, Origin, due, origin, written
from migration.reconcile import rows_in
from migration.rounds import Round, Totals
from migration.session import line
from migration.standing import Sight, Standing, Values, digests, groups_of, values_of, writers

Rows = Mapping[Key, Values]
"""Keys of one table, with what the active side and the standby hold (None: nothing), in the order of its columns."""
Settled = Callable[[str, Rows], Set[Key]]
"""Those of some rows of a table to which no write is under way."""
Mend = Callable[[Mapping[str, Rows]], Sequence[tuple[str, str, str]]]
"""Makes rows of the standby equal to the active side's; table, key and action of what was done."""

_log = structlog.get_logger("rows")


@dataclass(frozen=True)
class Watching:
    """How closely to look, and what to do."""

    settle: float = 1.0
    """Seconds between the two looks at a row that differs."""
    every: float = 60.0
    """Seconds after which a table is compared although nothing seems to have been written to it."""
    most_rows: int = 1000
    """Rows of one table that are dealt with at a time."""
    heal_foreign: bool = False
    """Heal what was changed on the standby as well: what somebody wrote there is lost."""
    dry_run: bool = False
    """Only tell."""
    tables: tuple[str, ...] = ()
    """Only these are looked at; what hangs on their rows is healed with them all the same."""


@dataclass
class _Watched:
    """What is remembered about one table."""

    table: Table
    groups: int
    marks: Marks = field(default_factory=Marks)
    open: set[Key] = field(default_factory=set)
    """Rows changed on the standby that were told, and differ still."""


@dataclass(frozen=True)
class _Suspects:
    """What differs in one table at one moment: rows with both sides' values, and whether there are more of them."""

    rows: dict[Key, Values]
    more: bool


class Watcher:
    """Looks once whenever `look` is called; how often, and for how long, is the caller's business.

    With a journal in use, *settled* says which rows have no entry under way, and *mend* is the heal that holds their
    lanes. Without them every row that differs twice in the same way counts as settled, and is healed as by `heal`.
    """

    def __init__(
        self, source: str, target: str, mapping: RowMapping, how: Watching | None = None, *,
        settled: Settled | None = None, mend: Mend | None = None, wait: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.how = how or Watching()
        self.totals = Totals()
        self._mapping, self._wait = mapping, wait
        self._settled = settled or (lambda _, rows: rows.keys())
        self._mend = mend if mend is not None and not self.how.dry_run else self._heal
        self._urls, self._standing = (source, target), Standing(source, target, mapping)
        self._tables: dict[str, _Watched] = {}
        self._looks: dict[str, Look] = {}

    def close(self) -> None:
        """End the connections."""
        self._standing.close()

    def look(self) -> Round:
        """One look. What a database does never raises: a round that failed says why, and the next one goes on."""
        done, began = Round(), time.monotonic()
        try:
            self._look(done)
        except (RowsError, psycopg.Error) as error:
            self._standing.close()
            done.failed = line(error) if isinstance(error, psycopg.Error) else str(error)
        done.seconds = time.monotonic() - began
        done.open = sum(len(watched.open) for watched in self._tables.values())
        self.totals.add(done)
        _tell(done)
        return done

    def _look(self, done: Round) -> None:
        traces = self._standing.traces()
        with self._standing.sight() as sight:
            self._begin(sight.pair)
            names = due(self._tables, self._looks, traces, time.monotonic(), self.how.every)
            suspects = self._compare(sight, [self._tables[name] for name in names], done)
        doubtful = {name: found.rows for name, found in suspects.items() if found.rows}
        left = self._deal_with(doubtful, done) if doubtful else set()
        for name, found in suspects.items():
            self._remember(name, found, sight.oldest, traces.get(name), clean=name not in left and not found.more)

    def _begin(self, pair: Pair) -> None:
        if not self._tables:
            tables = self._mapping.only(self.how.tables).tables
            self._tables = {table.name: _Watched(table, groups_of(pair, table)) for table in tables}

    def _remember(self, name: str, found: _Suspects, moment: Moment, traces: object, *, clean: bool) -> None:
        """What a look came to: which rows were not equal, unless there were too many to know them all."""
        watched = self._tables[name]
        if not found.more:
            watched.marks = watched.marks.after(() if clean else found.rows, moment)
        self._looks.pop(name, None)
        if clean and traces is not None:
            self._looks[name] = Look(time.monotonic(), traces)

    def _compare(self, sight: Sight, tables: list[_Watched], done: Round) -> dict[str, _Suspects]:
        theirs, ours = digests(sight.pair, [(one.table, one.groups) for one in tables])
        done.compared = len(tables)
        done.unverifiable.extend([*theirs.unreadable, *ours.unreadable])
        found = {}
        for one in tables:
            name = one.table.name
            one.marks = one.marks.unless_turned_back(sight.oldest)
            self._close_equal(sight.pair, one, done)
            found[name] = self._suspects(sight.pair, one, theirs.buckets[name], ours.buckets[name], done)
        return found

    def _close_equal(self, pair: Pair, watched: _Watched, done: Round) -> None:
        """Rows that were told and are equal again need no telling any more."""
        if watched.open:
            differing = rows_in(list(pair.differing_rows(watched.table, sorted(watched.open, key=str))))
            equal = watched.open - differing.get(watched.table.name, set())
            done.resolved.extend(_names(watched.table, equal))
            watched.open -= equal

    def _suspects(self, pair: Pair, watched: _Watched, theirs: Buckets, ours: Buckets, done: Round) -> _Suspects:
        """Which rows of a table differ that are not told already."""
        table, no = watched.table, Digest()
        buckets = frozenset(n for n in theirs.keys() | ours.keys() if theirs.get(n, no) != ours.get(n, no))
        if not buckets:
            return _Suspects({}, False)
        known = watched.open | {finding.row for finding in done.unverifiable if finding.table == table.name}
        found = list(Drill(pair, table, watched.groups, known, self.how.most_rows).findings(theirs, ours))
        done.unverifiable.extend(finding for finding in found if not finding.row and finding.kind != "more")
        more = any(finding.kind == "more" for finding in found)
        done.more |= more
        return _Suspects(values_of(pair, table, rows_in(found).get(table.name, set())), more)

    def _deal_with(self, doubtful: Mapping[str, Rows], done: Round) -> set[str]:
        """Look again at rows that differ, and do with each what its origin asks for; the tables with rows left."""
        self._wait(self.how.settle)
        # Asked before the second look: what is settled by then has arrived in what that look sees.
        settled = {name: set(self._settled(name, rows)) for name, rows in doubtful.items()}
        wanted: dict[str, Rows] = {}
        left: set[str] = set()
        with self._standing.sight() as sight:
            for name, rows in doubtful.items():
                calm = self._calm(sight.pair, name, rows, settled[name], done)
                foreign = {key for key, whose in self._origins(sight, name, calm).items() if whose is Origin.STANDBY}
                done.foreign.extend(_foreign(sight.pair, self._tables[name].table, foreign))
                if not self.how.heal_foreign:
                    self._tables[name].open |= foreign
                    calm -= foreign
                if calm:
                    wanted[name] = {key: rows[key] for key in calm}
                if calm or len(foreign) < len(rows):
                    left.add(name)
        if wanted:
            done.healed = list(self._mend(wanted))
        return left

    def _calm(self, pair: Pair, name: str, rows: Rows, settled: Set[Key], done: Round) -> set[Key]:
        """The rows that differ as they did, and to which no write is under way."""
        again = values_of(pair, self._tables[name].table, rows)
        same = {key for key, values in rows.items() if again[key] == values}
        done.moving += len(rows) - len(same)
        done.waiting += len(same - settled)
        return same & settled

    def _heal(self, wanted: Mapping[str, Rows]) -> Sequence[tuple[str, str, str]]:
        keys = {name: set(rows) for name, rows in wanted.items()}
        return heal(*self._urls, self._mapping, keys, dry_run=self.how.dry_run).rows

    def _origins(self, sight: Sight, name: str, keys: Set[Key]) -> dict[Key, Origin]:
        """Whose change each row is, by when both sides' versions of it were written."""
        watched = self._tables[name]
        theirs, ours = (writers(end, watched.table, keys) for end in sight.pair.ends)
        found = {}
        for key in keys:
            mark = watched.marks.of(key)
            active = written(theirs.get(key), sight.following.active, mark.active if mark else None)
            standby = written(ours.get(key), sight.following.standby, mark.standby if mark else None)
            found[key] = origin(active, standby)
        return found


def _foreign(pair: Pair, table: Table, keys: Set[Key]) -> list[Finding]:
    """What is to be said about rows that were changed on the standby."""
    where = pair.target.called
    says = {"missing": f"was removed from {where}", "extra": f"was added on {where}"}
    return [
        replace(found, kind="foreign", side=where,
                says=f"{says.get(found.kind, f'was changed on {where}')}, where only copies are written")
        for found in pair.differing_rows(table, sorted(keys, key=str))
    ]  # fmt: skip


def _names(table: Table, keys: Iterable[Key]) -> list[tuple[str, str]]:
    return [(table.name, key_text(table.key, key)) for key in sorted(keys, key=str)]


def _tell(done: Round) -> None:
    """Lines for the log, without anybody's data."""
    if done.failed:
        _log.warning("rows could not be compared", error=done.failed)
    for finding in done.foreign:
        _log.error("a foreign writer on the standby", table=finding.table, key=finding.key, column=finding.column)
    if done.healed:
        _log.info(
            "rows changed past the proxy", healed=len(done.healed), tables=sorted({row[0] for row in done.healed})
        )
