"""Finds rows that differ although nobody was told, and heals them: writes that never passed the proxy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from migration import sequences
from migration.catalog import read
from migration.digests import Key
from migration.findings import Finding
from migration.fit import side_of
from migration.heal import Healed, Wanted, heal
from migration.mapping import RowMapping
from migration.report import Report
from migration.session import connect, shown
from migration.snapshot import Snapshot
from migration.verify import pair_at, verify

ROUNDS = 20


@dataclass
class Reconciled:
    """What was found, what was healed, and how the two sides compare now."""

    healed: list[Healed] = field(default_factory=list)
    moving: int = 0
    """Rows that differed and were equal a moment later: traffic, not loss."""
    last: Report | None = None

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Table, key and action of every row that was brought over."""
        return [row for healed in self.healed for row in healed.rows]

    def document(self) -> dict[str, Any]:
        """For programs."""
        assert self.last is not None
        rows = [{"table": table, "key": key, "action": action} for table, key, action in self.rows]
        return {"verb": "reconcile", "ok": self.last.ok, "healed": rows, "moving": self.moving,
                "findings": [finding.document() for finding in self.last.findings]}  # fmt: skip


def reconcile(
    source: str, target: str, mapping: RowMapping, *, tables: Sequence[str] = (), dry_run: bool = False,
    settle: float = 0.5,
) -> Reconciled:  # fmt: skip
    """Compare, look again at what differs after *settle* seconds, heal what still does, and compare again.

    With *tables* only those are compared; what hangs on their rows is healed with them all the same.
    """
    done = Reconciled()
    compared = mapping.only(tables)
    for _ in range(ROUNDS):
        done.last = verify(source, target, compared)
        wanted = rows_in(done.last.findings)
        if not wanted:
            break
        time.sleep(settle)
        still = differing_now(source, target, mapping, wanted)
        done.moving += _count(wanted) - _count(still)
        healed = heal(source, target, mapping, still, dry_run=dry_run)
        done.healed.append(healed)
        if dry_run or not healed.rows:
            break
    assert done.last is not None
    if not dry_run and any(finding.kind == "sequence" for finding in done.last.findings):
        raise_sequences(source, target, mapping)
        done.last = verify(source, target, compared)
    return done


def confirmed(report: Report, source: str, target: str, mapping: RowMapping, settle: float) -> None:
    """Leave out of a report what is equal after *settle* seconds: rows that were on their way."""
    wanted = rows_in(report.findings)
    time.sleep(settle)
    still = differing_now(source, target, mapping, wanted)
    left = [one for one in report.findings if not one.row or one.note or one.row in still.get(one.table, ())]
    whole = {one.table for one in left if one.kind in ("missing", "extra", "duplicate", "more")}
    # A count that differs means nothing where no row is missing.
    report.findings = [one for one in left if one.kind != "count" or one.table in whole]


def rows_in(findings: list[Finding]) -> Wanted:
    """The rows that findings are about."""
    wanted: dict[str, set[Key]] = {}
    for finding in findings:
        if finding.row and not finding.note:
            wanted.setdefault(finding.table, set()).add(finding.row)
    return wanted


def differing_now(source: str, target: str, mapping: RowMapping, wanted: Wanted) -> Wanted:
    """Those of some rows that differ at this moment."""
    with pair_at(source, target, mapping) as (pair, _):
        found = [
            finding
            for name, keys in wanted.items()
            for finding in pair.differing_rows(mapping.table(name), sorted(keys, key=str))
        ]
    return rows_in(found)


def raise_sequences(source: str, target: str, mapping: RowMapping) -> None:
    """Put the target's sequences past everything that exists on either side."""
    with Snapshot(source) as snapshot, connect(target) as session:
        there = side_of(mapping, read(snapshot.holder), shown(source))
        numbers = sequences.next_numbers(snapshot.holder, mapping, there)
        sequences.raise_all(session, mapping, there.other, numbers)
        session.connection.commit()


def _count(wanted: Wanted) -> int:
    return sum(map(len, wanted.values()))
