"""What a database remembers about the rows that were written to it."""

from __future__ import annotations

from typing import Any

from migration import memory
from migration.session import connect, shown


def status(url: str) -> dict[str, Any]:
    """Runs, what is away meanwhile, and dumps; nothing is changed."""
    with connect(url) as session:
        if not memory.remembers(session):
            return {"database": shown(url), "unfinished": False, "runs": [], "away": [], "backups": []}
        found = memory.runs(session)
        return {
            "database": shown(url),
            "unfinished": bool(found) and found[0].phase == "running",
            "runs": [{**run.document(), "parts": len(memory.parts(session, run))} for run in found],
            "away": [{"table": table, "name": name} for table, name, _ in memory.held(session)],
            "backups": [
                {"taken": taken.isoformat(), "directory": directory, "rows": sum(_count(d) for d in digests.values())}
                for taken, directory, digests in memory.backups(session)
            ],
        }


def _count(stamp: str) -> int:
    return int(stamp.partition(":")[0])
