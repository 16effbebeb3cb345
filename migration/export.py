"""Writes all rows of one moment to compressed files, with a manifest that proves them complete."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from migration import memory, parts, sequences, statements
from migration.canon import total
from migration.copy import blocks
from migration.digests import End
from migration.errors import RowsError
from migration.kinds import Side
from migration.landing import opened
from migration.manifest import FILE, Exported, Manifest, column_document, tool
from migration.mapping import RowMapping, Table
from migration.moving import Moving, Still, look_through, moment
from migration.progress import Progress
from migration.report import Report, TableResult
from migration.session import Session, shown
from migration.workers import spread


def export(
    source: str, directory: Path, mapping: RowMapping, *, jobs: int = 2, dry_run: bool = False,
    part_rows: int = parts.ROWS_IN_PART, progress: Progress | None = None, still: Still = nullcontext,
) -> Report:  # fmt: skip
    """Export for the other side the rows of one moment, taken within *still*.

    Raises Stopped, with nothing written, if that side cannot represent some rows.
    """
    _refuse_another(directory)
    with moment(source, mapping, jobs, progress, still) as moving, _timed("export", source, directory) as report:
        report.position = moving.position
        report.findings = look_through(moving, None)
        if not dry_run:
            report.tables = _results(_write(moving, moving.side.other, directory, part_rows))
    return report


def backup(
    url: str, directory: Path, mapping: RowMapping, *, jobs: int = 2, dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:  # fmt: skip
    """Dump a database for itself, and let it remember that: from then on a copy may replace these very rows."""
    _refuse_another(directory)
    with moment(url, mapping, jobs, progress) as moving, _timed("backup", url, directory) as report:
        if dry_run:
            report.tables = _counted(moving)
            return report
        manifest = _write(moving, moving.side, directory, parts.ROWS_IN_PART)
        report.tables = _results(manifest)
        stamps = {table.name: table.stamp for table in manifest.tables}
        with opened(url, mapping, moving.side) as landing:
            memory.record_backup(landing.session, str(directory.absolute()), manifest.mark, stamps)
    return report


@contextmanager
def _timed(verb: str, source: str, directory: Path) -> Iterator[Report]:
    began = time.monotonic()
    report = Report(verb, shown(source), str(directory), datetime.now(UTC))
    yield report
    report.seconds = time.monotonic() - began


def _results(manifest: Manifest) -> list[TableResult]:
    return [
        TableResult(table.name, table.rows, sum(part.rows for part in table.parts), table.digest, table.digest)
        for table in manifest.tables
    ]


def _counted(moving: Moving) -> list[TableResult]:
    """What a dump would hold."""
    end = End(moving.snapshot.holder, moving.side, "")
    counts = {table.name: end.count(table) for table in moving.mapping.tables}
    return [TableResult(name, count, count) for name, count in counts.items()]


@dataclass(frozen=True)
class _Writing:
    moving: Moving
    shape: Side
    directory: Path
    part_rows: int
    numbers: dict[str, int]

    def table(self, session: Session, table: Table) -> Exported:
        """One table: its files, and its digest as the source itself computes it at the same moment."""
        side, progress = self.moving.side, self.moving.progress
        progress.begin(table.name, self.moving.rows_of(table))
        written = []
        with session.copy(statements.copy_out(table, side, self.shape, ordered=True)) as rows:
            for part in parts.write(self.directory, table.name, blocks(rows, self.part_rows), self.part_rows):
                written.append(part)
                progress.advance(table.name, part.rows)
        digest = total(End(session, side, "").buckets(table).values())
        if digest.count != sum(part.rows for part in written):
            raise RowsError(f"{table.name}: {digest.count} rows were there and {sum(p.rows for p in written)} came out")
        stored = self.moving.catalog.columns[table.name]
        columns = tuple(column_document(column, stored[column.on(side)].type) for column in table.columns)
        number = self.numbers.get(table.name)
        return Exported(table.name, columns, digest.count, str(digest), number, tuple(written))


def _refuse_another(directory: Path) -> None:
    if (directory / FILE).exists():
        raise RowsError(f"{directory} holds an export already: choose another directory")


def _write(moving: Moving, shape: Side, directory: Path, part_rows: int) -> Manifest:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    mapping, holder = moving.mapping, moving.snapshot.holder
    # Read after the rows were fixed: a sequence has no past, so it may be ahead of them and never behind.
    writing = _Writing(moving, shape, directory, part_rows, sequences.next_numbers(holder, mapping, moving.side))
    exported = {table.name: table for table in spread(moving.by_size(), moving.jobs, moving.session, writing.table)}
    manifest = Manifest(
        mapping.name, mapping.called(moving.side), mapping.called(shape), shown(moving.snapshot.url),
        str(holder.one("SHOW server_version")[0]), datetime.now(UTC).isoformat(),
        tuple(exported[table.name] for table in mapping.tables), tool(), position=moving.position,
    )  # fmt: skip
    _store(directory / FILE, manifest.text())
    return manifest


def _store(path: Path, text: str) -> None:
    """Last of all, and whole: an export with a manifest is complete."""
    unfinished = path.with_suffix(".unfinished")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
