"""`make bench`: what a forwarded request costs, beside the peers that this machine has. Never part of the tests."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.forwarding import Result, measure
from stack.paths import VAR

REPORT = VAR / "bench" / "forwarding.json"


def main() -> int:
    """Measure, print, and keep the figures."""
    with tempfile.TemporaryDirectory(prefix="cutover-bench-") as directory:
        results = measure(Path(directory), lambda text: print(text, file=sys.stderr, flush=True))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps([result._asdict() for result in results], indent=2) + "\n")
    Console(width=110).print(_table(results))
    return 0


def _table(results: list[Result]) -> Table:
    first = {result.case: result for result in reversed(results)}
    table = Table(title="CPU µs per request (user + system, all processes of the proxy); medians", title_justify="left")
    for column in ("proxy", "case", "CPU µs", "× first", "requests/s", "p50 ms", "p99 ms"):
        table.add_column(column, justify="left" if column in ("proxy", "case") else "right")
    for one in results:
        figures = (one.cpu / first[one.case].cpu, one.p50, one.p99)
        times, p50, p99 = (f"{figure:.2f}" for figure in figures)
        table.add_row(one.proxy, one.case, f"{one.cpu:.0f}", times, f"{one.rate:.0f}", p50, p99)
    return table


if __name__ == "__main__":
    sys.exit(main())
