"""What the journal costs a write: the same writes through the same edge with the journal and without, in one run; and
how far the standby is behind at four fifths of the most that the journaled edge takes.

Run: python -m bench.writes [seconds]. Every connection writes in a lane of its own, so that nothing waits for lanes.
The active side is one that knows nothing of ids (writes travel on fresh connections), then one that does (any will do).
What this machine takes for the plainest durable row is measured along: the rest is read against it.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from bench.deployment import CASES, PLAIN, Case, Stage
from bench.load import WARM_UP, Sample, hammer, pace
from stack.paths import VAR

ROUNDS, SECONDS = 3, 4.0
AT_ONCE = (1, 4, 32, 128)
QUIET = 100  # writes a second that leave the machine mostly idle
SHARE, LAG_SECONDS = 0.8, 10.0
COMMITTING = 1.0  # seconds a round
BODY = b"x" * 1024
REPORT = VAR / "bench" / "writes.json"


class Result(NamedTuple):
    """Medians over the rounds."""

    case: str
    at_once: int  # 0: as many as come, QUIET a second
    rate: float
    p50: float  # ms
    p99: float


class Commit(NamedTuple):
    """What a plain row takes to be durable on this machine, in ms."""

    p50: float
    p99: float


class Lag(NamedTuple):
    """How old the oldest write was that the standby did not have yet, in seconds, in all rounds."""

    case: str
    rate: float  # writes a second
    median: float
    most: float


def _writes(connections: int) -> list[bytes]:
    head = b"POST /lane/%d HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %d\r\nContent-Length: %d\r\n\r\n"
    return [head % (number, number, len(BODY)) + BODY for number in range(connections)]


@dataclass
class _Measures:
    """What came of all rounds so far."""

    commits: list[float] = field(default_factory=list)  # ms
    samples: dict[tuple[Case, int], list[Sample]] = field(default_factory=dict)
    rates: dict[Case, list[float]] = field(default_factory=dict)  # at which the ages were seen
    ages: dict[Case, list[float]] = field(default_factory=dict)

    def take(self, stage: Stage, case: Case, seconds: float) -> None:
        """One round of one deployment, alone on the machine."""
        with stage.deployed(case) as port:
            for at_once in AT_ONCE:
                uvloop.run(hammer(port, _writes(at_once), at_once, WARM_UP))
                stage.level(case)
                sample = uvloop.run(hammer(port, _writes(at_once), at_once, seconds))
                self.samples.setdefault((case, at_once), []).append(sample)
                stage.level(case)
            paced = uvloop.run(pace(port, _writes(8), QUIET, seconds))
            self.samples.setdefault((case, 0), []).append(paced)
            if case.journaled:
                self._lag(stage, case, port, SHARE * sample.requests / sample.seconds)

    def _lag(self, stage: Stage, case: Case, port: int, rate: float) -> None:
        """Ask the journal four times a second, while writes come at a steady rate."""
        over, ages = threading.Event(), self.ages.setdefault(case, [])
        watching = threading.Thread(target=_watch, args=(stage.journal(case), ages, over))
        watching.start()
        try:
            sample = uvloop.run(pace(port, _writes(AT_ONCE[-1]), rate, LAG_SECONDS))
        finally:
            over.set()
            watching.join()
        self.rates.setdefault(case, []).append(sample.requests / sample.seconds)

    @property
    def lags(self) -> list[Lag]:
        return [
            Lag(case.name, statistics.median(self.rates[case]), statistics.median(ages), max(ages))
            for case, ages in self.ages.items()
        ]


def measure(directory: Path, seconds: float) -> tuple[list[Result], list[Lag], Commit]:
    """The deployments by turns, each alone: also one that nobody asks polls its database."""
    measures = _Measures()
    with Stage(directory) as stage:
        for _ in range(ROUNDS):
            measures.commits += _commits(stage.database("plain"), COMMITTING)
            for case in CASES:
                measures.take(stage, case, seconds)
    results = [_result(*case, taken) for case, taken in measures.samples.items()]
    return results, measures.lags, Commit(_at(measures.commits, 0.5), _at(measures.commits, 0.99))


def _commits(database: str, seconds: float) -> list[float]:
    """What one durable row after the other takes, in ms."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS plain (body bytea)")
        while (began := time.perf_counter()) < until:
            connection.execute("INSERT INTO plain VALUES (%s)", [BODY])
            took.append((time.perf_counter() - began) * 1000)
    return took


def _at(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def _watch(database: str, ages: list[float], over: threading.Event) -> None:
    oldest = b"SELECT coalesce(extract(epoch FROM now()) - min(at), 0) FROM cutover.journal_entry WHERE state = 'done'"
    with psycopg.connect(database, autocommit=True) as connection:
        while not over.wait(0.25):
            ((age,),) = connection.execute(oldest).fetchall()
            ages.append(float(age))


def _result(case: Case, at_once: int, samples: list[Sample]) -> Result:
    def middle(percentile: float) -> float:
        return statistics.median(s.latencies[int(len(s.latencies) * percentile)] * 1000 for s in samples)

    rate = statistics.median(s.requests / s.seconds for s in samples)
    return Result(case.name, at_once, rate, middle(0.5), middle(0.99))


def _table(results: list[Result]) -> Table:
    plain = {result.at_once: result for result in results if result.case == PLAIN.name}
    table = Table(title="A write without and with the journal; medians of the rounds", title_justify="left")
    for column in ("at once", "case", "writes/s", "p50 ms", "p99 ms", "p50 over", "p99 over", "rate ×"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for one in sorted(results, key=lambda result: result.at_once):
        base = plain[one.at_once]
        table.add_row(
            str(one.at_once or f"{QUIET}/s"), one.case,
            f"{one.rate:.0f}", f"{one.p50:.2f}", f"{one.p99:.2f}",
            f"{one.p50 - base.p50:+.2f}", f"{one.p99 - base.p99:+.2f}", f"{one.rate / base.rate:.2f}",
        )  # fmt: skip
    return table


def told(seconds: float = SECONDS) -> None:
    """Measure, print, and keep the figures."""
    with tempfile.TemporaryDirectory(prefix="cutover-bench-") as directory:
        results, lags, commit = measure(Path(directory), seconds)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "results": [result._asdict() for result in results],
        "lags": [lag._asdict() for lag in lags],
        "commit": commit._asdict(),
    }
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    Console(width=110).print(_table(results))
    for lag in lags:
        print(f"{lag.case}: at {lag.rate:.0f} writes/s behind by {lag.median:.2f} s (median), {lag.most:.2f} s (most)")
    print(f"a plain row is durable here in {commit.p50:.2f} ms (median), {commit.p99:.2f} ms (p99)")


if __name__ == "__main__":
    told(*map(float, sys.argv[1:2]))
