"""What copying and exporting have in common: one moment of the source, settled and looked through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

from migration.canon import literal, quoted
from migration.catalog import Catalog, read
from migration.checks import left_behind
from migration.digests import End
from migration.errors import RowsError, Stopped
from migration.findings import Finding, errors
from migration.fit import side_of
from migration.kinds import Side
from migration.mapping import RowMapping, Table
from migration.progress import Progress, Silent
from migration.scan import Scan
from migration.session import Session, connect, shown
from migration.snapshot import Snapshot
from migration.workers import spread

Still = Callable[[], AbstractContextManager[int | None]]
"""A block in which nothing changes the rows; what it gives is the journal's position there, None where none is kept."""


@dataclass(frozen=True)
class Moving:
    """One moment of one side, and how it is to be read."""

    mapping: RowMapping
    side: Side
    catalog: Catalog
    snapshot: Snapshot
    jobs: int
    progress: Progress
    position: int | None
    """Of the journal, at the moment of the rows."""

    def session(self, stack: ExitStack) -> Session:
        """A session on this moment, for as long as *stack* lasts."""
        return stack.enter_context(self.snapshot.session())

    def by_size(self) -> list[Table]:
        """The tables, the largest first, so that no thread is left with it at the end."""

        def size(table: Table) -> int:
            return int(self.snapshot.holder.one(f"SELECT pg_relation_size({literal(quoted(table.name))})")[0])

        return sorted(self.mapping.tables, key=size, reverse=True)

    def rows_of(self, table: Table) -> int:
        """About how many rows a table has: for a bar, not for a proof."""
        known = self.snapshot.holder.one(
            f"SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = {literal(quoted(table.name))}::regclass"
        )
        return int(known[0])


@contextmanager
def moment(
    url: str, mapping: RowMapping, jobs: int, progress: Progress | None, still: Still = nullcontext
) -> Iterator[Moving]:
    """The source as it is now, or as it is at a moment within *still*, where nothing changes it."""
    with ExitStack() as stack:
        with still() as position:
            snapshot = stack.enter_context(Snapshot(url))
        catalog = read(snapshot.holder)
        side = side_of(mapping, catalog, shown(url))
        yield Moving(mapping, side, catalog, snapshot, jobs, progress or Silent(), position)


def catalog_of(url: str) -> Catalog:
    """What a database says about its tables."""
    with connect(url) as session:
        return read(session)


def opposite(moving: Moving, target: Catalog, url: str) -> None:
    """Refuse a target that is not the other side."""
    if side_of(moving.mapping, target, shown(url)) is moving.side:
        called = moving.mapping.called(moving.side)
        raise RowsError(f"both databases are {called}'s: one of each side is needed")


def look_through(moving: Moving, target: Catalog | None) -> list[Finding]:
    """Notes about the rows; Stopped if there is anything that would be lost or changed."""

    def scan(session: Session, table: Table) -> list[Finding]:
        return list(Scan(session, table, moving.side).findings(moving.catalog, target))

    holder = End(moving.snapshot.holder, moving.side, moving.mapping.called(moving.side))
    found = list(left_behind(holder, moving.mapping, moving.catalog))
    for findings in spread(moving.by_size(), moving.jobs, moving.session, scan):
        found.extend(findings)
    if wrong := errors(found):
        raise Stopped(f"{len(wrong)} things cannot be carried; nothing was written", found)
    return found
