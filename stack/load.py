"""`python -m stack.load`: the load generator at the command line, and its tables."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from stack.coverage import coverage_table
from stack.generator import PROFILES, READS, LoadGenerator
from stack.pace import Spike
from stack.recording import RecordingError
from stack.tally import CLASSES


def live_line(snapshot: dict[str, Any]) -> str:
    """One line on how it goes."""
    classes = " ".join(f"{name} {count}" for name, count in snapshot["classes"].items() if count)
    latency = snapshot["latency_ms"]
    return (
        f"{snapshot['seconds']:6.1f} s  sent {snapshot['sent']}  {classes}  unexpected {snapshot['unexpected']}  "
        f"p50 {latency['p50']:.0f} ms  p95 {latency['p95']:.0f} ms"
    )


def table(snapshot: dict[str, Any]) -> Table:
    """The final table."""
    seen = [name for name in CLASSES if snapshot["classes"][name]]
    result = Table(title="latencies in milliseconds from the intended start")
    result.add_column("operation", no_wrap=True)
    for name in (*seen, "unexpected", "p50", "p95", "p99", "max"):
        result.add_column(name, justify="right")
    lines = {**snapshot["operations"], "all": snapshot}
    for name, line in lines.items():
        counts = [str(line["classes"].get(kind, 0) or "") for kind in seen]
        latencies = (f"{ms:.1f}" for ms in line["latency_ms"].values())
        result.add_row(name, *counts, str(line["unexpected"] or ""), *latencies)
    return result


async def _run(generator: LoadGenerator, seconds: float | None, quiet: bool) -> None:
    """For that long, or until a replay is through."""
    await generator.start()
    ends = time.monotonic() + seconds if seconds is not None else float("inf")
    replay = asyncio.create_task(generator.finished())
    try:
        while (left := ends - time.monotonic()) > 0 and not replay.done():
            await asyncio.wait({replay}, timeout=min(1.0, left))
            if not quiet:
                # On a terminal the line is written over, in a log each second has its own.
                start, end = ("\r\033[K", "") if sys.stderr.isatty() else ("", "\n")
                print(start + live_line(generator.snapshot()), end=end, file=sys.stderr, flush=True)
    finally:
        await generator.stop()
        await asyncio.gather(replay, return_exceptions=True)


def _spike(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[Spike, ...]:
    try:
        return tuple(map(Spike.parse, texts))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _report(generator: LoadGenerator, as_json: bool) -> None:
    snapshot = generator.snapshot()
    if as_json:
        print(json.dumps(snapshot, indent=2))
        return
    print(file=sys.stderr)
    console = Console()
    console.print(table(snapshot))
    if generator.covers:
        console.print(coverage_table(snapshot["coverage"]))
    for surprise in list(generator.tally.surprises)[-5:]:
        console.print(f"unexpected: {surprise.operation}: {surprise.what}", markup=False)


@click.command()
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Where to send.")
@click.option("--sockets-url", help="Where WebSockets are, if elsewhere.")
@click.option("--profile", default=READS, show_default=True, type=click.Choice(PROFILES), help="What is sent.")
@click.option(
    "--rate",
    default=50.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Requests per second (about so many with 'whole', whose errands are of different lengths).",
)
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="How long.  [default: 30; a replay: its own]")
@click.option("--seed", default=1, show_default=True, help="Same seed, same requests.")
@click.option(
    "--spike",
    "spikes",
    multiple=True,
    callback=_spike,
    metavar="5x@20s+5s",
    help="Five times the rate from second 20 for five seconds; may be given more than once.",
)
@click.option(
    "--bad-share",
    default=0.03,
    show_default=True,
    type=click.FloatRange(0, 0.9),
    help="The share of bad input among all requests ('whole').",
)
@click.option(
    "--think",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds that people think before a step, in the mean ('whole').",
)
@click.option(
    "--replay",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send what this file holds, in its own rhythm.",
)
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="Write what is sent to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON, and no live line.")
def main(seconds: float | None, as_json: bool, **options: Any) -> None:
    """Send what users send; JWT_SECRET must be the backends'."""
    secret = os.environ.get("JWT_SECRET")
    if not secret:
        raise click.ClickException("set JWT_SECRET to the backends' secret")
    generator = LoadGenerator(jwt_secret=secret, **options)
    if seconds is None and options["replay"] is None:
        seconds = 30.0
    try:
        asyncio.run(_run(generator, seconds, as_json))
    except RecordingError as error:
        raise click.ClickException(str(error)) from error
    _report(generator, as_json)


__all__ = ["LoadGenerator", "live_line", "main", "table"]

if __name__ == "__main__":
    main()
