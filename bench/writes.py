"""What the journal costs a write: the same writes through the same edge with the journal and without, in one run; and
how far the standby is behind at four fifths of the most that the journaled edge takes.

Run: python -m bench.writes [seconds]. Every connection writes in a lane of its own, so that nothing waits for lanes.
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
BODY = b"x" * 1024
REPORT = VAR / "bench" / "writes.json"


class Result(NamedTuple):
    """Medians over the rounds."""

    journaled: bool
    at_once: int  # 0: as many as come, QUIET a second
    rate: float
    p50: float  # ms
    p99: float


class Lag(NamedTuple):
    """How old the oldest write was that the standby did not have yet, in seconds."""

    rate: float  # writes a second
    median: float
    most: float


def _writes(connections: int) -> list[bytes]:
    head = b"POST /lane/%d HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %d\r\nContent-Length: %d\r\n\r\n"
    return [head % (number, number, len(BODY)) + BODY for number in range(connections)]


def _configuration(directory: Path, backends: tuple[int, int], database: str, redis: str, journaled: bool) -> Path:
    path = directory / "cutover.yaml"
    path.write_text(
        f"""backends:
  a: {{ url: "http://127.0.0.1:{backends[0]}" }}
  b: {{ url: "http://127.0.0.1:{backends[1]}", cooperates: true }}
active: a
routes: [ {{ match: "POST /lane/{{id}}", lanes: ["lane/{{id}}"] }} ]
journal: {{ enabled: {str(journaled).lower()} }}
listen: {{ host: 127.0.0.1, edges: 1 }}
log: {{ level: warning, access: false }}
store: {{ directory: "{directory}", database: "{database}", redis: "{redis}" }}
"""
    )
    return path


def _database(journaled: bool) -> str:
    return f"cutover_{'with' if journaled else 'without'}"


@contextmanager
def _deployment(directory: Path, backends: tuple[int, int], servers: tuple[str, str], journaled: bool) -> Iterator[int]:
    """The edge's port, of a deployment that copies."""
    directory.mkdir(parents=True, exist_ok=True)
    database = ensure_database(servers[0], _database(journaled))
    path = _configuration(directory, backends, database, servers[1], journaled)
    port, control = free_port(), free_port()
    environment = {"PORT": str(port), "CUTOVER_CONTROL_PORT": str(control), "CUTOVER_TOKEN": "bench"}
    command = [sys.executable, "-m", "proxy.cli.main", "serve", "--config", str(path)]
    with running(command, environment, port, directory / "serve.log", control):
        start = [sys.executable, "-m", "proxy.cli.main", "start", "--empty", "--config", str(path)]
        subprocess.run(start, check=True, env=os.environ | environment, stdout=subprocess.DEVNULL)
        time.sleep(1.0)  # until every edge has heard of it
        yield port


def measure(directory: Path, seconds: float) -> tuple[list[Result], Lag]:
    """Both deployments by turns; then the journaled one alone, for how far its standby is behind."""
    with ExitStack() as stack:
        postgres = stack.enter_context(EmbeddedPostgres()).start(directory / "postgres")
        redis = stack.enter_context(EmbeddedRedis()).start(directory / "redis")
        backends = (free_port(), free_port())
        for port in backends:
            command = [sys.executable, "-m", "bench.backend", str(port)]
            stack.enter_context(running(command, {}, port, directory / f"backend-{port}.log"))
        ports = {
            journaled: stack.enter_context(
                _deployment(directory / str(journaled), backends, (postgres, redis), journaled)
            )
            for journaled in (False, True)
        }
        samples: dict[tuple[bool, int], list[Sample]] = {}
        for _ in range(ROUNDS):
            for at_once in AT_ONCE:
                for journaled, port in ports.items():
                    uvloop.run(hammer(port, _writes(at_once), at_once, WARM_UP))
                    sample = uvloop.run(hammer(port, _writes(at_once), at_once, seconds))
                    samples.setdefault((journaled, at_once), []).append(sample)
            for journaled, port in ports.items():
                _level(ensure_database(postgres, _database(True)))
                sample = uvloop.run(pace(port, _writes(8), QUIET, seconds))
                samples.setdefault((journaled, 0), []).append(sample)
        results = [_result(*case, taken) for case, taken in samples.items()]
        most = max(result.rate for result in results if result.journaled)
        _level(database := ensure_database(postgres, _database(True)))
        return results, _lag(ports[True], database, SHARE * most)


def _level(database: str) -> None:
    """Wait until the standby has everything."""
    with psycopg.connect(database, autocommit=True) as connection:
        while connection.execute("SELECT FROM cutover.journal_entry WHERE state = 'done' LIMIT 1").rowcount:
            time.sleep(0.1)


def _lag(port: int, database: str, rate: float) -> Lag:
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
    return Lag(sample.requests / sample.seconds, statistics.median(ages), max(ages))


def _result(journaled: bool, at_once: int, samples: list[Sample]) -> Result:
    def middle(percentile: float) -> float:
        return statistics.median(s.latencies[int(len(s.latencies) * percentile)] * 1000 for s in samples)

    rate = statistics.median(s.requests / s.seconds for s in samples)
    return Result(journaled, at_once, rate, middle(0.5), middle(0.99))


def _table(results: list[Result]) -> Table:
    plain = {result.at_once: result for result in results if not result.journaled}
    table = Table(title="A write without and with the journal; medians of the rounds", title_justify="left")
    for column in ("at once", "journal", "writes/s", "p50 ms", "p99 ms", "p50 over", "p99 over", "rate ×"):
        table.add_column(column, justify="right")
    for one in sorted(results):
        base = plain[one.at_once]
        table.add_row(
            str(one.at_once or f"{QUIET}/s"), "yes" if one.journaled else "no",
            f"{one.rate:.0f}", f"{one.p50:.2f}", f"{one.p99:.2f}",
            f"{one.p50 - base.p50:+.2f}", f"{one.p99 - base.p99:+.2f}", f"{one.rate / base.rate:.2f}",
        )  # fmt: skip
    return table


def told(seconds: float = SECONDS) -> None:
    """Measure, print, and keep the figures."""
    with tempfile.TemporaryDirectory(prefix="cutover-bench-") as directory:
        results, lag = measure(Path(directory), seconds)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    report = {"results": [result._asdict() for result in results], "lag": lag._asdict()}
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    Console(width=110).print(_table(results))
    print(f"behind at {lag.rate:.0f} writes/s: {lag.median:.2f} s (median), {lag.most:.2f} s at the most")


if __name__ == "__main__":
    told(*map(float, sys.argv[1:2]))
