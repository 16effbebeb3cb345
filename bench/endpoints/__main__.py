"""The command line of the benchmark."""

from __future__ import annotations

import sys
import time

import click
from rich.console import Console

from bench.endpoints.measuring import FIRST_RATE, Load, Measured, rate_for
from bench.endpoints.report import claims, keep, table
from bench.endpoints.stage import Side, busy_share, machine_seconds, stage
from stack.paths import VAR

REPORT = VAR / "bench" / "endpoints.json"
WARM_UP, QUIET = 5.0, 5.0
LOUD = 0.1
WIDTH = 130


def _say(text: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')}  {text}", err=True)


def _neighbours() -> float:
    """How busy the machine is when we do nothing."""
    before = machine_seconds()
    time.sleep(QUIET)
    share = busy_share(before)
    _say(f"without load the machine is {share:.0%} busy" + (", so these figures are no proof" if share > LOUD else ""))
    return share


def _warm(load: Load, sides: dict[str, Side], rate: float) -> None:
    for side in sides.values():
        load.run(side, rate, WARM_UP, Measured())


def _show(measured: dict[str, Measured], bound: float) -> bool:
    console = Console()
    Console(width=max(WIDTH, console.width)).print(table(measured, bound))
    for name, one in measured.items():
        click.echo(f"{name}: " + ", ".join(f"{what} {figure:g}" for what, figure in one.summary().items()))
        for surprise in list(one.tally.surprises)[-5:]:
            click.echo(f"  wrong: {surprise.operation}: {surprise.what}")
    found = claims(measured, bound)
    for claim in found:
        click.echo(f"{'held' if claim.held else 'NOT HELD'}: {claim.text}")
    return all(claim.held for claim in found)


@click.command()
@click.option("--scale", default=100, show_default=True, type=click.IntRange(1, 1000), help="Times production size.")
@click.option("--seconds", default=600.0, show_default=True, help="How long each backend is measured, in all.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="How often they take turns.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Requests a second.  [default: found by trying]")
@click.option("--cpu", default=0.7, show_default=True, help="The share of the machine to be busy, without --rate.")
@click.option("--think", default=1.0, show_default=True, help="Seconds that people think before a step.")
@click.option("--bound", default=500.0, show_default=True, help="The greatest p95 of an operation, in milliseconds.")
def main(scale: int, seconds: float, rounds: int, rate: float | None, cpu: float, think: float, bound: float) -> None:
    """Measure, print, keep the figures, and say whether what we claim holds."""
    load = Load(think)
    _say(f"seeding the sample times {scale}")
    with stage(scale) as sides:
        measured = {name: Measured() for name in sides}
        neighbours = _neighbours()
        _warm(load, sides, rate or FIRST_RATE)
        rate = rate or rate_for(load, sides, cpu, _say)
        options = {"scale": scale, "seconds": seconds, "rounds": rounds, "rate": rate, "think": think, "bound": bound}
        options["busy_without_load"] = round(neighbours, 3)
        for number in range(1, rounds + 1):
            for name, side in sides.items():
                share = load.run(side, rate, seconds / rounds, measured[name])
                wrong = measured[name].tally.total.unexpected
                _say(f"round {number} of {rounds}: {name}, machine {share:.0%} busy, {wrong} wrong answers so far")
            keep(REPORT, measured, options, claims(measured, bound))
    sys.exit(0 if _show(measured, bound) else 1)


if __name__ == "__main__":
    main()
