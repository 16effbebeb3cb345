"""Imports an export: in pieces, each done once and for all, so that a killed import goes on where it was."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from migration import manifest as manifests
from migration import memory, parts, statements
from migration.canon import total
from migration.catalog import read as read_catalog
from migration.checks import orphans
from migration.digests import End
from migration.errors import RowsError, Stopped
from migration.findings import Finding
from migration.fit import side_of
from migration.kinds import Side
from migration.landing import Landing, opened
from migration.manifest import Manifest, Part
from migration.mapping import RowMapping, Table
from migration.progress import Progress, Silent
from migration.refusals import refused
from migration.report import Report, TableResult
from migration.session import Session, connect, line, shown
from migration.workers import spread


def load(
    directory: Path, target: str, mapping: RowMapping, *, jobs: int = 2, dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:  # fmt: skip
    """Import an export, or go on with its import. Raises Stopped, with the target as it was, if rows do not hold."""
    report = Report("import", str(directory), shown(target), datetime.now(UTC))
    began = time.monotonic()
    manifest = manifests.read(directory)
    manifests.check(manifest, directory, mapping)
    applied = manifest.applied(mapping)
    side = _side(manifest, applied, target)
    with opened(target, applied, side) as landing:
        loading = _Loading(landing, manifest, directory, jobs, progress or Silent())
        if not dry_run and not loading.done_before():
            loading.load()
        elif dry_run and not loading.goes_on():
            landing.refuse_unless_empty_or_dumped()
    report.tables = [] if dry_run else loading.results()
    report.seconds = time.monotonic() - began
    return report


def _side(manifest: Manifest, mapping: RowMapping, target: str) -> Side:
    shape = manifests.shape_of(manifest, mapping)
    with connect(target) as session:
        side = side_of(mapping, read_catalog(session), shown(target))
    if side is not shape:
        raise RowsError(f"the export is made for {manifest.shape}, and {shown(target)} is {mapping.called(side)}'s")
    return side


@dataclass
class _Loading:
    landing: Landing
    manifest: Manifest
    directory: Path
    jobs: int
    progress: Progress

    def done_before(self) -> bool:
        """Whether this export is in already, and nobody has touched it since."""
        last = memory.last_run(self.landing.session)
        done = last is not None and (last.phase, last.mark) == ("complete", self.manifest.mark)
        return done and not self.differing()

    def goes_on(self) -> bool:
        """Whether this import was begun before."""
        last = memory.last_run(self.landing.session)
        return last is not None and last.phase == "running"

    def load(self) -> None:
        """All parts that are not in yet; then everything is compared with the manifest, then made final."""
        run = self.landing.begin("import", self.manifest.mark, str(self.directory))
        done = memory.parts(self.landing.session, run)
        try:
            self._parts(run, done)
            self._compare()
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            self.landing.undo(line(error))
            why = f"{self.landing.where} refused a row and is empty as before"
            raise Stopped(why, [refused(error)]) from error
        numbers = {table.name: table.next for table in self.manifest.tables if table.next is not None}
        self.landing.finish(numbers)

    def _parts(self, run: memory.Run, done: dict[str, int]) -> None:
        waiting: list[tuple[Table, Part]] = []
        for exported in sorted(self.manifest.tables, key=lambda table: -table.rows):
            self.progress.begin(exported.name, exported.rows)
            for part in exported.parts:
                if part.file in done:
                    self.progress.advance(exported.name, part.rows)
                else:
                    waiting.append((self.landing.mapping.table(exported.name), part))

        def equip(stack: ExitStack) -> Session:
            return stack.enter_context(connect(self.landing.url))

        spread(waiting, self.jobs, equip, lambda session, item: self._part(session, run, *item))

    def _part(self, session: Session, run: memory.Run, table: Table, part: Part) -> None:
        """One part and the word that it is done, in one transaction."""
        try:
            if memory.claim(session, run, part.file, part.rows):
                with session.copy(statements.copy_in(table, self.landing.side)) as into:
                    for block in parts.read(self.directory, part):
                        into.write(block)
                if into.cursor.rowcount != part.rows:
                    raise RowsError(f"{part.file}: {part.rows} rows were expected and {into.cursor.rowcount} written")
            session.connection.commit()
        except BaseException:
            session.connection.rollback()
            raise
        self.progress.advance(table.name, part.rows)

    def differing(self) -> list[Finding]:
        """The tables that do not hold what the export held."""
        found = []
        for exported, digest in zip(self.manifest.tables, self._digests(), strict=True):
            if digest != exported.stamp:
                says = f"count and digest are {digest}, and were {exported.stamp} when it was exported"
                found.append(Finding(exported.name, "digest", says))
        return found

    def _digests(self) -> list[str]:
        def equip(stack: ExitStack) -> End:
            session = stack.enter_context(connect(self.landing.url))
            return End(session, self.landing.side, self.landing.mapping.called(self.landing.side))

        def digest(end: End, table: Table) -> tuple[str, str]:
            found = total(end.buckets(table).values())
            return table.name, f"{found.count}:{found}"

        tables = sorted(self.landing.mapping.tables, key=lambda t: -manifests.find(self.manifest, t).rows)
        found = dict(spread(tables, self.jobs, equip, digest))
        return [found[exported.name] for exported in self.manifest.tables]

    def _compare(self) -> None:
        if found := self.differing():
            end = End(self.landing.session, self.landing.side, self.landing.mapping.called(self.landing.side))
            lost = [finding for table in self.landing.mapping.tables for finding in orphans(end, table)]
            self.landing.undo(f"{len(found)} tables are not what was exported")
            raise Stopped(f"the rows are not those that were exported; {self.landing.where} is empty as before",
                          [*found, *lost])  # fmt: skip

    def results(self) -> list[TableResult]:
        """Every table, as it was exported and as it is here: they were compared."""
        return [
            TableResult(table.name, table.rows, table.rows, table.digest, table.digest)
            for table in self.manifest.tables
        ]
