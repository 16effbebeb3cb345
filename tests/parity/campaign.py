"""The long form: rounds of reads through the edge and of writes on both sides, then every regression. It can go on."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from random import Random
from typing import Any

from proxy.config import read
from stack.cast import Cast
from stack.say import say
from tests.parity.errands import errands
from tests.parity.planting import probed, tried
from tests.parity.plants.catalogue import PLANTS
from tests.parity.reads import endless, every
from tests.parity.rows import differing
from tests.parity.stage import CONFIG, SECRET, Databases, Stage, pair
from tests.parity.through import findings, judged, send, told
from tests.parity.writing import done

READS = 2000  # in one round
COUNTED = ("verdicts", "rules", "operations", "statuses")


class Progress:
    """What was found so far, in a file: whoever starts again goes on behind the last finished round."""

    def __init__(self, file: Path, seed: int | None) -> None:
        self._file = file
        known = json.loads(file.read_text()) if file.exists() else {}
        fresh = not known or known.get("finished") or (seed is not None and seed != known["seed"])
        self.state: dict[str, Any] = _begun(seed) if fresh else known

    def add(self, name: str, counts: Counter[Any]) -> None:
        """Add to one of the sums."""
        self.state[name] = dict(Counter(self.state[name]) + Counter({str(key): n for key, n in counts.items()}))

    def save(self) -> None:
        """Write it in one step."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(self.state, indent=2, ensure_ascii=False) + "\n")
        draft.replace(self._file)


def _begun(seed: int | None) -> dict[str, Any]:
    return {
        "seed": int(time.time()) if seed is None else seed, "rounds": 0, "mirrored": 0, "written": 0,
        "unexplained": [], "plants": {}, "finished": False, "seconds": 0.0, **{name: {} for name in COUNTED},
    }  # fmt: skip


def read_round(on: Stage, progress: Progress, number: int) -> None:
    """One round of reads through the edge; the first begins with each there is."""
    cast, rng = Cast(SECRET), Random(f"{progress.state['seed']}/{number}")
    first = every(cast, rng) if number == 0 else iter(())
    before = findings(on)
    sent = asyncio.run(send(on.edge.url, chain(first, islice(endless(cast, rng), READS))))
    after = judged(on, before.verdicts.total() + sent.mirrored)
    progress.state["mirrored"] += sent.mirrored
    progress.state["unexplained"] += [told(on, [group]) for group in after.since(before)] + sent.unanswered
    for name, counts in (("verdicts", after.verdicts - before.verdicts), ("rules", after.rules - before.rules),
                         ("operations", sent.operations), ("statuses", sent.statuses)):  # fmt: skip
        progress.add(name, counts)


def write_round(databases: Databases, redis_url: str, home: Path, progress: Progress, number: int) -> None:
    """One round of writes on fresh copies; the first makes every mistake, the others a few."""
    with pair(databases, redis_url, home / f"pair-{number}") as both:
        seed = progress.state["seed"] + number
        tally = asyncio.run(done(both, errands(seed), share=1 if number == 0 else 10))
        rows = differing(both.settings.node_database, both.settings.django_database)
    progress.state["written"] += tally.exchanges
    progress.state["unexplained"] += tally.unexplained + tally.stopped
    progress.state["unexplained"] += [f"rows of {name}: {str(sides)[:400]}" for name, sides in rows.items()]
    progress.add("rules", tally.rules)
    progress.add("operations", tally.operations)


def plant_all(on: Stage, progress: Progress) -> None:
    """Every regression that was not tried yet, one at a time, and once more none."""
    cast = Cast(SECRET)
    for name, plant in PLANTS.items():
        if name not in progress.state["plants"]:
            found = tried(on, cast, plant)
            progress.state["plants"][name] = {**asdict(found), "found": found.is_found}
            progress.save()
            say("plant", f"{name}: {'found' if found.is_found else 'NOT FOUND'} on {plant.route}")
    before = findings(on)
    after = probed(on, cast, [probe for plant in PLANTS.values() for probe in plant.probes])
    progress.state["unexplained"] += [told(on, [group]) for group in after.since(before)]


def unused(progress: Progress) -> list[str]:
    """The rules that nothing needed."""
    return [rule.name for rule in read(CONFIG, {}).compare.rules if rule.name not in progress.state["rules"]]
