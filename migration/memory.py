"""What a target remembers: runs, finished parts, what was taken away meanwhile, and dumps of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from migration.session import Session

_RUN = "SELECT id, kind, mark, source, phase, started, ended, says FROM cutover_rows.run"


@dataclass(frozen=True)
class Run:
    """One attempt to fill a database; it is complete in `phase` only, once every constraint is back and holds."""

    id: int
    kind: str
    mark: str
    source: str
    phase: str
    started: datetime
    ended: datetime | None
    says: str | None

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "id": self.id, "kind": self.kind, "phase": self.phase, "source": self.source, "says": self.says,
            "started": self.started.isoformat(), "ended": self.ended and self.ended.isoformat(),
        }  # fmt: skip


def remembers(session: Session) -> bool:
    """Whether this database was ever written to by us."""
    return session.one("SELECT to_regclass('cutover_rows.backup') IS NOT NULL")[0] is True


def prepare(session: Session) -> None:
    """Make the tables of the memory where they are missing."""
    if not remembers(session):
        session.run((files("migration") / "schema.sql").read_text(encoding="utf-8"))


def last_run(session: Session) -> Run | None:
    """The newest run."""
    found = session.all(f"{_RUN} ORDER BY id DESC LIMIT 1")
    return Run(*found[0]) if found else None


def runs(session: Session) -> list[Run]:
    """Every run, the newest first."""
    return [Run(*row) for row in session.all(f"{_RUN} ORDER BY id DESC")]


def begin(session: Session, kind: str, mark: str, source: str) -> Run:
    """A new run; an older one that never ended is over."""
    over = "UPDATE cutover_rows.run SET phase = 'undone', ended = now(), says = 'begun again' WHERE phase = 'running'"
    session.run(over)
    statement = "INSERT INTO cutover_rows.run (kind, mark, source, phase) VALUES (%s, %s, %s, 'running') RETURNING id"
    number = session.one(statement, [kind, mark, source])[0]
    return Run(*session.one(f"{_RUN} WHERE id = %s", [number]))


def end(session: Session, run: Run, phase: str, says: str) -> None:
    """The run is over."""
    session.run("UPDATE cutover_rows.run SET phase = %s, ended = now(), says = %s WHERE id = %s", [phase, says, run.id])


def claim(session: Session, run: Run, part: str, rows: int) -> bool:
    """Say, in the transaction that does it, that a part is done; False if it was done before.

    Where a killed run's server process still holds the part, this waits for its end.
    """
    statement = "INSERT INTO cutover_rows.part (run, name, rows) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
    return session.run(statement, [run.id, part, rows]) == 1


def counted(session: Session, run: Run, part: str, rows: int) -> None:
    """Say how many rows a part turned out to have."""
    session.run("UPDATE cutover_rows.part SET rows = %s WHERE run = %s AND name = %s", [rows, run.id, part])


def parts(session: Session, run: Run) -> dict[str, int]:
    """The parts that are done, with their rows."""
    return dict(session.all("SELECT name, rows FROM cutover_rows.part WHERE run = %s", [run.id]))


def hold(session: Session, table: str, name: str, statement: str) -> None:
    """Remember how to bring back what is taken away in the same transaction."""
    values = [table, name, statement]
    session.run("INSERT INTO cutover_rows.held (table_name, name, statement) VALUES (%s, %s, %s)", values)


def held(session: Session) -> list[tuple[str, str, str]]:
    """Table, name and statement of all that is away."""
    found = session.all("SELECT table_name, name, statement FROM cutover_rows.held ORDER BY id")
    return [(table, name, statement) for table, name, statement in found]


def released(session: Session) -> None:
    """Everything is back."""
    session.run("DELETE FROM cutover_rows.held")


def record_backup(session: Session, directory: str, mark: str, digests: Mapping[str, str]) -> None:
    """Remember that these rows were dumped."""
    statement = "INSERT INTO cutover_rows.backup (directory, mark, digests) VALUES (%s, %s, %s)"
    session.run(statement, [directory, mark, json.dumps(dict(digests))])


def backups(session: Session) -> list[tuple[datetime, str, dict[str, str]]]:
    """When, where, and the digest of every table; the newest first."""
    found = session.all("SELECT taken, directory, digests FROM cutover_rows.backup ORDER BY id DESC")
    return [(taken, directory, digests) for taken, directory, digests in found]
