"""The table, the file, and what must hold."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from bench.endpoints.measuring import Measured
from stack.backends import DJANGO, NODE

# With fewer answers a percentile says nothing.
FEWEST = 20
WRONG_SHARE = 0.01
NAMED = 5


class Claim(NamedTuple):
    """What must hold, and whether it does."""

    text: str
    held: bool


def claims(measured: Mapping[str, Measured], bound: float) -> list[Claim]:
    """About Django alone; the legacy is there to compare with."""
    ours = measured[DJANGO].figures()
    slowest = max(ours, key=lambda name: ours[name].p95)
    few = [name for name, one in ours.items() if one.answers < FEWEST]
    named = ", ".join(few[:NAMED]) + (f" and {len(few) - NAMED} others" if len(few) > NAMED else "")
    answers, wrong = sum(one.answers for one in ours.values()), sum(one.wrong for one in ours.values())
    return [
        Claim(f"the slowest p95 is {ours[slowest].p95:.0f} ms, of {slowest} (at most {bound:.0f})",
              ours[slowest].p95 <= bound),
        Claim(f"each of {len(ours)} operations has {FEWEST} answers ({named or 'none'} short of it)", not few),
        Claim(f"{wrong} of {answers} answers were wrong (at most {WRONG_SHARE:.0%})", wrong <= WRONG_SHARE * answers),
    ]  # fmt: skip


def table(measured: Mapping[str, Measured], bound: float) -> Table:
    """One line for each operation, the slowest on Django first."""
    ours, theirs = measured[DJANGO].figures(), measured[NODE].figures()
    shown = Table(title="milliseconds from the moment due; × legacy compares the p95", title_justify="left")
    for column in ("operation", "answers", "wrong", "p50", "p95", "p99", "legacy p95", "× legacy", ""):
        shown.add_column(column, justify="left" if column == "operation" else "right", no_wrap=True)
    for name, one in sorted(ours.items(), key=lambda entry: -entry[1].p95):
        other = theirs[name]
        ratio = f"{one.p95 / other.p95:.2f}" if one.p95 and other.p95 else ""
        mark = "SLOW" if one.p95 > bound else "few" if one.answers < FEWEST else ""
        figures = (f"{each:.1f}" for each in (one.p50, one.p95, one.p99, other.p95))
        shown.add_row(name, str(one.answers), str(one.wrong or ""), *figures, ratio, mark)
    return shown


def keep(path: Path, measured: Mapping[str, Measured], options: Mapping[str, float], held: list[Claim]) -> None:
    """Write all figures as JSON; what was measured so far if it is not the end."""
    sides = {
        name: {**one.summary(), "operations": {what: asdict(each) for what, each in one.figures().items()}}
        for name, one in measured.items()
    }
    found = {"options": options, "cores": os.cpu_count(), "sides": sides, "claims": [each._asdict() for each in held]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")
