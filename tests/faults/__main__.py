"""`make faults`: rounds of kill -9 and frozen parts under load, in both directions, with the journal writer beside two
edges and inside a single one. Goes on where it was stopped.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from itertools import product

import click

from stack.paths import VAR
from stack.story.operator import Operator
from tests.faults.rounds import Round, by_chance, play
from tests.faults.stage import Stage, stage

REPORT = VAR / "faults" / "rounds.jsonl"


@click.command()
@click.option("--rounds", default=200, show_default=True, help="In all, as many of each kind.")
@click.option("--seconds", default=8.0, show_default=True, help="Of load in each round.")
@click.option("--mishaps", default=2, show_default=True, help="In each round.")
@click.option("--seed", default=1, show_default=True)
@click.option("--active", type=click.Choice(["node", "django"]), help="This direction only.")
@click.option("--edges", type=click.IntRange(1), help="With so many edges only.")
@click.option("--fresh", is_flag=True, help="Forget earlier rounds.")
@click.option("--stop", "stops", is_flag=True, help="Stop at the first broken promise, and leave the logs.")
def main(
    rounds: int,
    seconds: float,
    mishaps: int,
    seed: int,
    active: str | None,
    edges: int | None,
    fresh: bool,
    stops: bool,
) -> None:
    """Play the rounds that are not played yet. Exit status 1 if a promise was broken in any of them."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    if fresh:
        REPORT.unlink(missing_ok=True)
    played = [json.loads(line) for line in REPORT.read_text().splitlines()] if REPORT.exists() else []
    kinds = list(product([active] if active else ["node", "django"], [edges] if edges else [2, 1]))
    share = max(1, rounds // len(kinds))
    for side, many in kinds:
        done = sum((one["active"], one.get("edges", 2)) == (side, many) for one in played)
        if done < share:
            played += asyncio.run(_kind(side, many, range(done + 1, share + 1), seconds, mishaps, seed, stops))
    broken = [one for one in played if one["broken"]]
    print(f"{len(played)} rounds, {sum(one['acknowledged'] for one in played)} writes, {len(broken)} rounds broken")
    sys.exit(1 if broken else 0)


async def _kind(
    active: str, edges: int, numbers: range, seconds: float, mishaps: int, seed: int, stops: bool
) -> list[dict[str, object]]:
    found = []
    with stage(VAR / "faults" / active, active, seed, edges=edges) as on:
        await begin(on)
        for number in numbers:
            name = f"{seed}-{active}-{edges}-{number}"
            played = await play(on, number, name, seconds=seconds, chosen=by_chance(name, mishaps))
            print(f"{active} active, {edges} edges, {played.line()}", flush=True)
            found.append(_kept(on, played))
            if played.broken and stops:
                break
    return found


async def begin(on: Stage) -> None:
    """Both sides are equal: let the release copy, and half of the clients read from the standby."""
    operator = Operator(on.environment, lambda _: None)
    await operator.run("start", "--empty", "--reason", "faults")
    standby = "django" if on.active == "node" else "node"
    await operator.run("weight", f"{standby}=50", "--reason", "faults")
    await asyncio.sleep(1.0)


def _kept(on: Stage, played: Round) -> dict[str, object]:
    line = {"active": on.active, "edges": on.edges, **asdict(played)}
    with REPORT.open("a") as file:
        file.write(json.dumps(line) + "\n")
    return line


if __name__ == "__main__":
    main()
