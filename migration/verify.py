"""Proves that two databases hold the same rows, or says which rows and columns they do not.

Nothing is taken on trust: no count that a copy left behind, no file. Both sides hash their own rows, at one moment
each. What cannot be compared is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import psycopg

from migration import statements
from migration.canon import Digest, total
from migration.catalog import Catalog, read
from migration.checks import left_behind, soundness
from migration.compare import LISTED, Drill, Pair
from migration.digests import Buckets, End
from migration.findings import Finding
from migration.fit import side_of
from migration.mapping import RowMapping, Table
from migration.moving import Still
from migration.progress import Progress, Silent
from migration.report import Report, TableResult
from migration.session import shown
from migration.snapshot import Snapshot
from migration.urls import Asking, check_urls


@dataclass
class Walk:
    """What one side came to."""

    buckets: dict[str, Buckets] = field(default_factory=dict)
    unreadable: dict[str, list[Finding]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def digest(self, table: Table) -> Digest:
        """The digest of one table."""
        return total(self.buckets[table.name].values())


@contextmanager
def pair_at(
    source: str, target: str, mapping: RowMapping, still: Still = nullcontext
) -> Iterator[tuple[Pair, dict[str, Catalog]]]:
    """Both databases, at a moment each, both within *still*; which side either is, it is asked."""
    with ExitStack() as stack:
        ends, catalogs = [], {}
        with still():
            snapshots = [stack.enter_context(Snapshot(url)) for url in (source, target)]
        for role, snapshot in zip(("source", "target"), snapshots, strict=True):
            url, session = snapshot.url, stack.enter_context(snapshot.session())
            catalogs[role] = read(session)
            side = side_of(mapping, catalogs[role], shown(url))
            ends.append(End(session, side, mapping.called(side)))
        if ends[0].side is ends[1].side:
            ends = [End(end.session, end.side, f"the {role}") for end, role in zip(ends, catalogs, strict=True)]
        yield Pair(*ends), catalogs


def verify(
    source: str, target: str, mapping: RowMapping, *, listed: int = LISTED, urls: Asking | None = None,
    progress: Progress | None = None, still: Still = nullcontext,
) -> Report:  # fmt: skip
    """Compare everything, as it is at a moment within *still*.

    The report is `ok` only if every row of both sides was read and is equal.
    """
    report = Report("verify", shown(source), shown(target), datetime.now(UTC))
    began = time.monotonic()
    with pair_at(source, target, mapping, still) as (pair, catalogs):
        groups = {table.name: _groups(pair, table) for table in mapping.tables}
        walker = _Walker(mapping, groups, progress or Silent())
        with ThreadPoolExecutor(2, thread_name_prefix="verify") as pool:
            walks = [pool.submit(walker.walk, end, catalogs[role], role == "source")
                     for role, end in (("source", pair.source), ("target", pair.target))]  # fmt: skip
        theirs, ours = (walk.result() for walk in walks)
        report.findings = [*left_behind(pair.source, mapping, catalogs["source"]), *theirs.findings, *ours.findings]
        for table in mapping.tables:
            report.tables.append(_result(table, theirs, ours))
            report.findings.extend(_differences(pair, table, groups[table.name], theirs, ours, listed))
        if urls is not None:
            report.findings.extend(check_urls(pair.target, mapping, urls))
    report.seconds = time.monotonic() - began
    return report


def _groups(pair: Pair, table: Table) -> int:
    return statements.groups_for(max(pair.source.count(table), pair.target.count(table)))


@dataclass(frozen=True)
class _Walker:
    mapping: RowMapping
    groups: dict[str, int]
    progress: Progress

    def walk(self, end: End, catalog: Catalog, told: bool) -> Walk:
        """All tables of one side, and what must hold there."""
        walk = Walk()
        for table in self.mapping.tables:
            began = time.monotonic()
            if told:
                self.progress.begin(table.name, 0)
            self._digest(end, table, walk)
            if told:
                self.progress.advance(table.name, walk.digest(table).count)
            walk.seconds[table.name] = round(time.monotonic() - began, 3)
        # What was wrong before anything was carried is worth knowing; it is not the target's loss.
        found = soundness(end, self.mapping, catalog)
        walk.findings.extend(replace(finding, note=True) if told else finding for finding in found)
        return walk

    def _digest(self, end: End, table: Table, walk: Walk) -> None:
        groups = self.groups[table.name]
        try:
            walk.buckets[table.name] = end.buckets(table, groups)
        except psycopg.DataError:
            walk.unreadable[table.name], walk.buckets[table.name] = end.unreadable(table, groups)


def _result(table: Table, theirs: Walk, ours: Walk) -> TableResult:
    was, is_ = theirs.digest(table), ours.digest(table)
    seconds = max(theirs.seconds[table.name], ours.seconds[table.name])
    return TableResult(table.name, was.count, is_.count, str(was), str(is_), seconds)


def _differences(pair: Pair, table: Table, groups: int, theirs: Walk, ours: Walk, listed: int) -> Iterator[Finding]:
    was, is_ = theirs.buckets[table.name], ours.buckets[table.name]
    unreadable = [*theirs.unreadable.get(table.name, ()), *ours.unreadable.get(table.name, ())]
    yield from unreadable
    count, counted = theirs.digest(table).count, ours.digest(table).count
    if count != counted:
        says = f"{count} rows on {pair.source.called}, {counted} on {pair.target.called}"
        yield Finding(table.name, "count", says)
    if was != is_:
        without = {finding.row for finding in unreadable}
        yield from Drill(pair, table, groups, without, listed).findings(was, is_)
