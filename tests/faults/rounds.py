"""One round: everybody writes while things go wrong; then it must all come right by itself, with nothing lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg

from stack.story.operator import Operator, OperatorError
from tests.faults.crowd import Crowd, Told
from tests.faults.mishaps import MISHAPS, Mishap
from tests.faults.stage import Stage, wait_until
from tests.faults.wire import Mood
from tests.parity.stage import SECRET

CALM_WITHIN = 60.0
_IS_OPEN = "state IN ('intent', 'unknown', 'done', 'parked')"
_OPEN = f"SELECT state, count(*) FROM cutover.journal_entry WHERE {_IS_OPEN} GROUP BY 1"
_KEPT = """
SELECT e.client_key, e.state FROM cutover.journal_entry e WHERE e.client_key IS NOT NULL AND e.number > %s
"""
_STORED = {"cadets": "SELECT address FROM cadets WHERE id = %s", "grades": "SELECT remarks FROM grades WHERE id = %s"}


@dataclass
class Round:
    """What happened in one round, and every promise that was broken."""

    number: int
    seed: str
    mishaps: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    acknowledged: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    calm_after: float = 0.0
    seconds: float = 0.0

    def line(self) -> str:
        """For people."""
        what = ", ".join(self.mishaps) or "nothing went wrong"
        held = "held" if not self.broken else "BROKEN: " + "; ".join(self.broken)
        return (
            f"round {self.number}: {what}; {self.acknowledged} acknowledged, calm after {self.calm_after:.1f} s, "
            f"{json.dumps(self.states)}: {held}"
        )


def by_chance(seed: str, mishaps: int) -> list[Mishap]:
    """So many different mishaps."""
    return Random(f"mishaps {seed}").sample(MISHAPS, mishaps)


async def play(stage: Stage, number: int, seed: str, *, seconds: float, chosen: Sequence[Mishap]) -> Round:
    """Play one round. The release copies already."""
    done, rng, began = Round(number, seed), Random(seed), time.monotonic()
    ((newest,),) = stage.ask("SELECT number FROM cutover.journal_position")
    crowd = Crowd(stage.edge.url, SECRET, seed)
    await crowd.start()
    moments = sorted(rng.uniform(0.1, 0.8) * seconds for _ in chosen)
    for moment, mishap in zip(moments, chosen, strict=True):
        await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
        done.mishaps.append(mishap.__name__)
        await mishap(stage, rng)
    await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    for wire in stage.wires.values():
        wire.be(Mood.FAITHFUL)
    told = await crowd.stop()
    await judge(stage, done, told, newest)
    done.seconds = round(time.monotonic() - began, 1)
    return done


async def judge(stage: Stage, done: Round, told: Told, newest: int) -> None:
    """Everything that must hold once the faults are gone."""
    done.acknowledged, done.statuses = len(told.acknowledged), told.statuses
    waited = time.monotonic()
    calm = await asyncio.to_thread(wait_until, lambda: not stage.ask(_OPEN), CALM_WITHIN)
    done.calm_after = round(time.monotonic() - waited, 1)
    done.states = dict(
        stage.ask("SELECT state, count(*) FROM cutover.journal_entry WHERE number > %s GROUP BY 1 ORDER BY 1", newest)
    )
    if not calm:
        why = stage.ask(
            f"SELECT number, state, route, reason FROM cutover.journal_entry WHERE {_IS_OPEN} ORDER BY number LIMIT 5"
        )
        done.broken.append(f"L1: not settled within {CALM_WITHIN:g} s: {dict(stage.ask(_OPEN))}, such as {why}")
    done.broken += _kept(stage, told, newest)
    done.broken += [f"I14: {missed}" for missed in told.missed[:3]]
    done.broken += _said_once(stage, told)
    done.broken += [f"I6: {lost}" for lost in told.last.lost(_stored(stage, told))[:3]]
    done.broken += await _verified(stage)


def _kept(stage: Stage, told: Told, newest: int) -> list[str]:
    """I1: what was acknowledged is in the journal as done, or as what may follow it. I5: what failed was not."""
    states = {key.rpartition(":")[2]: state for key, state in stage.ask(_KEPT, newest)}
    missing = [key for key in told.acknowledged if key not in states]
    wrong = Counter(states[key] for key in told.acknowledged if states.get(key) in ("failed", "intent", "abandoned"))
    broken = [f"I1: {len(missing)} acknowledged writes are not in the journal"] if missing else []
    return broken + ([f"I1: acknowledged writes are {dict(wrong)}"] if wrong else [])


def _said_once(stage: Stage, told: Told) -> list[str]:
    """I3: what was said is there exactly once, on both sides; nothing at all is there twice."""
    broken = []
    settings = stage.pair.settings
    for side, url in (("node", settings.node_database), ("django", settings.django_database)):
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "SELECT content, count(*) FROM messages WHERE content LIKE 'said %' GROUP BY 1"
            ).fetchall()
        count: dict[str, int] = {content: times for content, times in rows}
        lost = [text for text in told.said if text not in count]
        twice = [text for text, times in count.items() if times > 1]
        broken += [f"I6: {side} lacks {len(lost)} messages, such as {lost[0]!r}"] if lost else []
        broken += [f"I3: {side} has {len(twice)} messages twice, such as {twice[0]!r}"] if twice else []
    return broken


def _stored(stage: Stage, told: Told) -> dict[str, Any]:
    """What the active side holds for the targets that several people wrote to."""
    settings, found = stage.pair.settings, {}
    url = settings.node_database if stage.active == "node" else settings.django_database
    with psycopg.connect(url) as connection:
        for target in told.last.targets():
            kind, _, key = target.partition("/")
            if kind in _STORED and key.isdigit():
                row = connection.execute(_STORED[kind].encode(), [int(key)]).fetchone()
                found[target] = row[0] if row else None
            else:
                found[target] = told.last._writes[target][-1].value
    return found


async def _verified(stage: Stage) -> list[str]:
    """Both databases equal, by the product's own eye."""
    try:
        report = await Operator(stage.environment, lambda _: None).run("verify", quiet=True)
    except OperatorError as error:
        try:
            report = json.loads(str(error))
        except ValueError:
            return [f"verify: {str(error)[:600]}"]
    # A copy takes the ids of the original and leaves its side's sequence behind: raised when the roles change.
    real = [finding for finding in report["findings"] if not finding.get("note") and finding["kind"] != "sequence"]
    unequal = [table["table"] for table in report["tables"] if not table["equal"]]
    return [f"verify: {unequal} {[str(finding)[:300] for finding in real[:4]]}"] if real or unequal else []
