"""`python -m tests.parity`: the long form. ROUNDS, SECONDS and SEED say how much; what was begun is gone on with."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from proxy.embedded import EmbeddedPostgres, EmbeddedRedis
from stack.paths import VAR
from stack.say import say
from tests.parity.campaign import Progress, plant_all, read_round, unused, write_round
from tests.parity.stage import seeded, stage

REPORT = VAR / "parity" / "report.json"
ROUNDS = 10


def main() -> int:
    """Run what is left of the proof; 0 only if nothing is unexplained and every regression was found."""
    seed = os.environ.get("SEED")
    progress = Progress(REPORT, int(seed) if seed else None)
    say("parity", f"seed {progress.state['seed']}, {progress.state['rounds']} rounds done before")
    with tempfile.TemporaryDirectory(prefix="cutover-parity-") as name:
        home = Path(name)
        home.chmod(0o711)
        with EmbeddedPostgres() as postgres, EmbeddedRedis() as redis:
            _prove(postgres.start(home / "postgres", 0), redis.start(home / "redis", 0), home, progress)
    progress.state["unused_rules"] = unused(progress)
    progress.save()
    Console(width=100).print(_table(progress))
    for line in progress.state["unexplained"][:20]:
        print(line)
    return 0 if _holds(progress) else 1


def _prove(postgres: str, redis: str, home: Path, progress: Progress) -> None:
    began, before = time.monotonic(), progress.state["seconds"]
    rounds, seconds = int(os.environ.get("ROUNDS") or ROUNDS), float(os.environ.get("SECONDS") or "inf")
    with seeded(postgres, home / "seed") as databases, stage(databases, redis, home / "stage") as on:
        while progress.state["rounds"] < rounds and time.monotonic() - began < seconds:
            number = progress.state["rounds"]
            read_round(on, progress, number)
            write_round(databases, redis, home, progress, number)
            progress.state["rounds"] += 1
            progress.state["seconds"] = before + time.monotonic() - began
            progress.save()
            say("parity", f"round {number + 1} of {rounds}: {_line(progress)}")
        plant_all(on, progress)
    progress.state["seconds"] = before + time.monotonic() - began
    progress.state["finished"] = progress.state["rounds"] >= rounds


def _line(progress: Progress) -> str:
    state = progress.state
    return f"{state['mirrored']:,} mirrored, {state['written']:,} written, {len(state['unexplained'])} unexplained"


def _holds(progress: Progress) -> bool:
    found = [plant["found"] for plant in progress.state["plants"].values()]
    return not progress.state["unexplained"] and all(found)


def _table(progress: Progress) -> Table:
    state = progress.state
    table = Table("measure", "value", title=f"parity, seed {state['seed']}", title_justify="left")
    found = sum(plant["found"] for plant in state["plants"].values())
    lines = {
        "rounds": state["rounds"], "seconds": f"{state['seconds']:.0f}",
        "exchanges mirrored by the edge": f"{state['mirrored']:,}", "pairs of writes": f"{state['written']:,}",
        "operations": len(state["operations"]), "verdicts": state["verdicts"],
        "unexplained": len(state["unexplained"]), "regressions found": f"{found} of {len(state['plants'])}",
        "rules used": len(state["rules"]), "rules not used": ", ".join(state["unused_rules"]) or "none",
    }  # fmt: skip
    for name, value in lines.items():
        table.add_row(name, str(value))
    return table


if __name__ == "__main__":
    sys.exit(main())
