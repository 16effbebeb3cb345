"""`make bench`: what a forwarded request and a copied row cost, beside the peers that this machine has, and what the
journal costs a write.

Never part of the tests. `SCALE=100` copies a hundred times production size; ten times is the default.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench import rows, writes
from bench.forwarding import Result, measure
from stack.paths import VAR

REPORT = VAR / "bench" / "forwarding.json"


@click.command()
@click.option("--scale", default=10, show_default=True, type=click.IntRange(10), help="Of the rows: times production.")
def main(scale: int) -> None:
    """Measure, print, and keep the figures. Exit status 1 if a claim about rows does not hold."""
    _forwarding()
    writes.told()
    if not rows.told(scale, rounds=2):
        raise click.ClickException("a claim about rows did not hold")


def _forwarding() -> None:
    with tempfile.TemporaryDirectory(prefix="cutover-bench-") as directory:
        results = measure(Path(directory), lambda text: print(text, file=sys.stderr, flush=True))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps([result._asdict() for result in results], indent=2) + "\n")
    Console(width=110).print(_table(results))


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
    main()
