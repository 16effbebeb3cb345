"""What the journal costs a write: the same writes through the same edge with the journal and without, in one run; and
how far the standby is behind at four fifths of the most that the journaled edge takes.

Run: python -m bench.writes [seconds]. Every connection writes in a lane of its own, so that nothing waits for lanes.
The active side is one that knows nothing of ids (writes travel on fresh connections), then one that does (any will do).
What this machine takes for the plainest durable row is measured along: the rest is read against it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
import uvloop
from rich.console import Console
from rich.table import Table

from bench.load import WARM_UP, Sample, hammer, pace
from bench.peers import running
from proxy.embedded import EmbeddedPostgres, EmbeddedRedis, ensure_database, free_port
from stack.paths import VAR

ROUNDS, SECONDS = 3, 4.0
AT_ONCE = (1, 4, 32, 128)
QUIET = 100  # writes a second that leave the machine mostly idle
SHARE, LAG_SECONDS = 0.8, 20.0
COMMITTING = 1.0  # seconds a round
BODY = b"x" * 1024
REPORT = VAR / "bench" / "writes.json"


class Case(NamedTuple):
    """A deployment that is measured."""

    name: str
    journaled: bool
    ids: bool = False  # the active side knows a write by its id


CASES = (
    Case("no journal", journaled=False),
    Case("journal", journaled=True),
    Case("journal, ids", journaled=True, ids=True),
)
PLAIN = CASES[0]


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
    """How old the oldest write was that the standby did not have yet, in seconds."""

    case: str
    rate: float  # writes a second
    median: float
    most: float


def _writes(connections: int) -> list[bytes]:
    head = b"POST /lane/%d HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %d\r\nContent-Length: %d\r\n\r\n"
    return [head % (number, number, len(BODY)) + BODY for number in range(connections)]


def _configuration(directory: Path, backends: tuple[int, int], database: str, redis: str, case: Case) -> Path:
    path = directory / "cutover.yaml"
    path.write_text(
        f"""backends:
  a: {{ url: "http://127.0.0.1:{backends[0]}", cooperates: {str(case.ids).lower()} }}
  b: {{ url: "http://127.0.0.1:{backends[1]}", cooperates: true }}
active: a
routes: [ {{ match: "POST /lane/{{id}}", lanes: ["lane/{{id}}"] }} ]
journal: {{ enabled: {str(case.journaled).lower()} }}
listen: {{ host: 127.0.0.1, edges: 1 }}
log: {{ level: warning, access: false }}
store: {{ directory: "{directory}", database: "{database}", redis: "{redis}" }}
"""
    )
    return path


def _database(server: str, case: Case) -> str:
    return ensure_database(server, f"cutover_{CASES.index(case)}")


@contextmanager
def _deployment(directory: Path, backends: tuple[int, int], servers: tuple[str, str], case: Case) -> Iterator[int]:
    """The edge's port, of a deployment that copies."""
    directory.mkdir(parents=True, exist_ok=True)
    path = _configuration(directory, backends, _database(servers[0], case), servers[1], case)
    port, control = free_port(), free_port()
    environment = {"PORT": str(port), "CUTOVER_CONTROL_PORT": str(control), "CUTOVER_TOKEN": "bench"}
    command = [sys.executable, "-m", "proxy.cli.main", "serve", "--config", str(path)]
    with running(command, environment, port, directory / "serve.log", control):
        start = [sys.executable, "-m", "proxy.cli.main", "start", "--empty", "--config", str(path)]
        subprocess.run(start, check=True, env=os.environ | environment, stdout=subprocess.DEVNULL)
        time.sleep(1.0)  # until every edge has heard of it
        yield port


def measure(directory: Path, seconds: float) -> tuple[list[Result], list[Lag], Commit]:
    """The deployments by turns; then each journaled one alone, for how far its standby is behind."""
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres()).start(directory / "postgres")
        redis = stack.enter_context(EmbeddedRedis()).start(directory / "redis")
        backends = (free_port(), free_port())
        for port in backends:
            command = [sys.executable, "-m", "bench.backend", str(port)]
            stack.enter_context(running(command, {}, port, directory / f"backend-{port}.log"))
        ports = {
            case: stack.enter_context(
                _deployment(directory / str(number), backends, (postgres, redis), case)
            )
            for number, case in enumerate(CASES)
        }  # fmt: skip
        samples: dict[tuple[Case, int], list[Sample]] = {}
        commits: list[float] = []
        for _ in range(ROUNDS):
            commits += _commits(ensure_database(postgres, "plain"), COMMITTING)
            for at_once in AT_ONCE:
                for case, port in ports.items():
                    uvloop.run(hammer(port, _writes(at_once), at_once, WARM_UP))
                    sample = uvloop.run(hammer(port, _writes(at_once), at_once, seconds))
                    samples.setdefault((case, at_once), []).append(sample)
                    _level(_database(postgres, case))
            for case, port in ports.items():
                sample = uvloop.run(pace(port, _writes(8), QUIET, seconds))
                samples.setdefault((case, 0), []).append(sample)
                _level(_database(postgres, case))
        results = [_result(*case, taken) for case, taken in samples.items()]
        lags = [
            _lag(case, ports[case], _database(postgres, case), SHARE * _most(results, case))
            for case in CASES if case.journaled
        ]  # fmt: skip
        return results, lags, Commit(_at(commits, 0.5), _at(commits, 0.99))


def _most(results: list[Result], case: Case) -> float:
    return max(result.rate for result in results if result.case == case.name)


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


def _level(database: str) -> None:
    """Wait until the standby has everything."""
    with psycopg.connect(database, autocommit=True) as connection:
        while connection.execute("SELECT FROM cutover.journal_entry WHERE state = 'done' LIMIT 1").rowcount:
            time.sleep(0.1)


def _lag(case: Case, port: int, database: str, rate: float) -> Lag:
    """Ask the journal four times a second, while writes come at a steady rate."""
    ages: list[float] = []
    over = threading.Event()

    def watch() -> None:
        oldest = (
            "SELECT coalesce(extract(epoch FROM now()) - min(at), 0) FROM cutover.journal_entry WHERE state = 'done'"
        )
        with psycopg.connect(database, autocommit=True) as connection:
            while not over.wait(0.25):
                ((age,),) = connection.execute(oldest.encode()).fetchall()
                ages.append(float(age))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        sample = uvloop.run(pace(port, _writes(AT_ONCE[-1]), rate, LAG_SECONDS))
    finally:
        over.set()
        watching.join()
    return Lag(case.name, sample.requests / sample.seconds, statistics.median(ages), max(ages))


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
