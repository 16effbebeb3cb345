"""What one look at two databases came to, and what all of them came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from migration.findings import Finding

Row = tuple[str, str]
"""Table and key, as people read it."""


@dataclass
class Round:
    """One look."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    compared: int = 0
    """Tables of which every row was compared."""
    moving: int = 0
    """Rows that differed, and differed in another way or not at all a moment later."""
    waiting: int = 0
    """Rows that differ in the same way still, to which a write is under way."""
    healed: list[tuple[str, str, str]] = field(default_factory=list)
    """Table, key and action of every row that was carried over; in a dry run, that would have been."""
    foreign: list[Finding] = field(default_factory=list)
    """What was changed on the standby, told for the first time."""
    resolved: list[Row] = field(default_factory=list)
    """Rows that were changed on the standby, and are equal again."""
    unverifiable: list[Finding] = field(default_factory=list)
    """What cannot be compared at all, such as a row without a canonical form or one that is there twice."""
    more: bool = False
    """More rows differ than one look deals with."""
    open: int = 0
    """Rows changed on the standby that differ still."""
    failed: str = ""

    @property
    def ok(self) -> bool:
        """Whether both sides are equal but for what was healed, or is on its way."""
        return not (self.failed or self.open or self.unverifiable or self.more)

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to tell."""
        return self.ok and not (self.healed or self.foreign or self.resolved)

    def document(self) -> dict[str, Any]:
        """For programs; one line each time."""
        return {
            "verb": "reconcile", "ok": self.ok, "started": self.started.isoformat(),
            "seconds": round(self.seconds, 3), "compared": self.compared, "moving": self.moving,
            "waiting": self.waiting, "more": self.more, "open": self.open, "failed": self.failed,
            "healed": [{"table": table, "key": key, "action": action} for table, key, action in self.healed],
            "foreign": [finding.document() for finding in self.foreign],
            "resolved": [{"table": table, "key": key} for table, key in self.resolved],
            "unverifiable": [finding.document() for finding in self.unverifiable],
        }  # fmt: skip


@dataclass
class Totals:
    """Since the beginning: numbers that only grow, for metrics, and `open`, which does not."""

    rounds: int = 0
    failures: int = 0
    moving: int = 0
    waiting: int = 0
    healed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By table and action."""
    foreign: Counter[str] = field(default_factory=Counter)
    """Rows changed on the standby, by table."""
    open: int = 0

    def add(self, done: Round) -> None:
        """One more look."""
        self.rounds += 1
        self.failures += bool(done.failed)
        self.moving += done.moving
        self.waiting += done.waiting
        self.healed.update((table, action) for table, _, action in done.healed)
        self.foreign.update(table for table, _ in {(finding.table, finding.row) for finding in done.foreign})
        self.open = done.open

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "rounds": self.rounds, "failures": self.failures, "moving": self.moving, "waiting": self.waiting,
            "open": self.open, "foreign": dict(self.foreign),
            "healed": {f"{table}.{action}": count for (table, action), count in sorted(self.healed.items())},
        }  # fmt: skip
