"""Pipes one database into the other: COPY on both ends, one snapshot for all tables, no file in between."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from migration import memory, sequences, statements
from migration.canon import quoted, total
from migration.digests import End
from migration.errors import RowsError, Stopped
from migration.landing import opened, refuse_if_full
from migration.mapping import RowMapping, Table
from migration.moving import Moving, Still, catalog_of, look_through, moment, opposite
from migration.progress import Progress
from migration.refusals import refused
from migration.report import Report, TableResult
from migration.session import Session, connect, line, shown
from migration.workers import spread

BLOCK = 128 * 1024
MOST_ROWS = 10_000


@dataclass(frozen=True)
class Pipe:
    """Two ends, each on a connection of its own."""

    source: Session
    target: Session


def copy(
    source: str, target: str, mapping: RowMapping, *, jobs: int = 2, dry_run: bool = False,
    progress: Progress | None = None, still: Still = nullcontext,
) -> Report:  # fmt: skip
    """Copy all rows, or go on with a copy that was interrupted: what is in and still the same stays.

    The rows are those of one moment, taken within *still*.

    Raises Stopped, with nothing written, if the target cannot represent some of them.
    """
    report = Report("copy", shown(source), shown(target), datetime.now(UTC))
    began = time.monotonic()
    with moment(source, mapping, jobs, progress, still) as moving:
        theirs = catalog_of(target)
        opposite(moving, theirs, target)
        report.findings = look_through(moving, theirs)
        if dry_run:
            refuse_if_full(target, mapping, moving.side.other)
        else:
            report.tables = _land(moving, target)
    report.seconds = time.monotonic() - began
    return report


def _land(moving: Moving, target: str) -> list[TableResult]:
    def equip(stack: ExitStack) -> Pipe:
        return Pipe(moving.session(stack), stack.enter_context(connect(target)))

    with opened(target, moving.mapping, moving.side.other) as landing:
        run = landing.begin("copy", shown(moving.snapshot.url), shown(moving.snapshot.url))
        try:
            results = spread(moving.by_size(), moving.jobs, equip, lambda pipe, table: _table(moving, run, pipe, table))
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            landing.undo(line(error))
            raise Stopped(f"{landing.where} refused a row and is empty as before", [refused(error)]) from error
        landing.finish(sequences.next_numbers(moving.snapshot.holder, moving.mapping, moving.side))
    return in_order(moving.mapping, results)


def _table(moving: Moving, run: memory.Run, pipe: Pipe, table: Table) -> TableResult:
    """One table and the word that it is in, in one transaction."""
    began = time.monotonic()
    moving.progress.begin(table.name, moving.rows_of(table))
    if not memory.claim(pipe.target, run, table.name, 0):
        # In since before the interruption, as of another moment: it stays only if it holds what this moment holds.
        if (rows := _rows_if_equal(moving, pipe, table)) is not None:
            pipe.target.connection.commit()
            moving.progress.advance(table.name, rows)
            return TableResult(table.name, rows, rows, seconds=round(time.monotonic() - began, 3))
        pipe.target.run(f"TRUNCATE {quoted(table.name)}")
    read, written = _piped(moving, pipe, table)
    if written != read:
        raise RowsError(f"{table.name}: {read} rows were read and {written} written")
    memory.counted(pipe.target, run, table.name, written)
    pipe.target.connection.commit()
    return TableResult(table.name, read, written, seconds=round(time.monotonic() - began, 3))


def _rows_if_equal(moving: Moving, pipe: Pipe, table: Table) -> int | None:
    """How many rows both ends have, None if they are not the same."""
    ends = (End(pipe.source, moving.side, ""), End(pipe.target, moving.side.other, ""))
    theirs, ours = (total(end.buckets(table).values()) for end in ends)
    return ours.count if ours == theirs else None


def _piped(moving: Moving, pipe: Pipe, table: Table) -> tuple[int, int]:
    """How many rows were read, and how many written."""
    out = statements.copy_out(table, moving.side, moving.side.other)
    read = 0
    with pipe.source.copy(out) as rows, pipe.target.copy(statements.copy_in(table, moving.side.other)) as into:
        for block, count in blocks(rows):
            into.write(block)
            read += count
            moving.progress.advance(table.name, count)
    return read, into.cursor.rowcount


def blocks(rows: Iterable[bytes | bytearray | memoryview], most_rows: int = MOST_ROWS) -> Iterator[tuple[bytes, int]]:
    """Rows in larger pieces, each with their number: one call for each row is most of the work otherwise."""
    waiting: list[bytes | bytearray | memoryview] = []
    size = 0
    for row in rows:
        waiting.append(row)
        size += len(row)
        if size >= BLOCK or len(waiting) >= most_rows:
            yield b"".join(waiting), len(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting), len(waiting)


def in_order(mapping: RowMapping, results: Iterable[TableResult]) -> list[TableResult]:
    """Results in the order of the mapping."""
    by_name = {result.table: result for result in results}
    return [by_name[table.name] for table in mapping.tables]
