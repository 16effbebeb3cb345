"""The deployments whose writes are measured: one without the journal, two with it, and a peer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import psycopg

from bench.peers import running
from proxy.embedded import EmbeddedPostgres, EmbeddedRedis, ensure_database, free_port


class Case(NamedTuple):
    """A deployment."""

    name: str
    journaled: bool
    ids: bool = False  # the active side knows a write by its id
    is_peer: bool = False  # not one of ours, and for comparison: how fast is this machine?


CASES = (
    Case("naive aiohttp", journaled=False, is_peer=True),
    Case("no journal", journaled=False),
    Case("journal", journaled=True),
    Case("journal, ids", journaled=True, ids=True),
)
PLAIN = CASES[1]


class Stage:
    """The servers that all of them use: PostgreSQL, Redis and two backends. Use it as a context manager."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._postgres = stack.enter_context(EmbeddedPostgres()).start(self._directory / "postgres")
            self._redis = stack.enter_context(EmbeddedRedis()).start(self._directory / "redis")
            self._backends = (free_port(), free_port())
            for port in self._backends:
                command = [sys.executable, "-m", "bench.backend", str(port)]
                stack.enter_context(running(command, {}, port, self._directory / f"backend-{port}.log"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def database(self, name: str) -> str:
        """The URL of a database of this name."""
        return ensure_database(self._postgres, name)

    def journal(self, case: Case) -> str:
        """The URL of a deployment's own database."""
        return self.database(f"cutover_{CASES.index(case)}")

    @contextmanager
    def deployed(self, case: Case) -> Iterator[int]:
        """Run the deployment, copying; its edge's port. What it has written stays until it runs again."""
        if case.is_peer:
            with self._peer() as port:
                yield port
            return
        directory = self._directory / str(CASES.index(case))
        is_new = not directory.exists()
        directory.mkdir(exist_ok=True)
        path = self._configuration(directory, case)
        port, control = free_port(), free_port()
        environment = {"PORT": str(port), "CUTOVER_CONTROL_PORT": str(control), "CUTOVER_TOKEN": "bench"}
        command = [sys.executable, "-m", "proxy.cli.main", "serve", "--config", str(path)]
        with running(command, environment, port, directory / "serve.log", control):
            if is_new:
                start = [sys.executable, "-m", "proxy.cli.main", "start", "--empty", "--config", str(path)]
                subprocess.run(start, check=True, env=os.environ | environment, stdout=subprocess.DEVNULL)
            time.sleep(1.0)  # until every edge has heard of it
            yield port

    @contextmanager
    def _peer(self) -> Iterator[int]:
        port = free_port()
        command = [sys.executable, "-m", "bench.naive", str(port), str(self._backends[0])]
        with running(command, {}, port, self._directory / "naive.log"):
            yield port

    def _configuration(self, directory: Path, case: Case) -> Path:
        path = directory / "cutover.yaml"
        path.write_text(
            f"""backends:
  a: {{ url: "http://127.0.0.1:{self._backends[0]}", cooperates: {str(case.ids).lower()} }}
  b: {{ url: "http://127.0.0.1:{self._backends[1]}", cooperates: true }}
active: a
routes: [ {{ match: "POST /lane/{{id}}", lanes: ["lane/{{id}}"] }} ]
journal: {{ enabled: {str(case.journaled).lower()} }}
listen: {{ host: 127.0.0.1, edges: 1 }}
log: {{ level: warning, access: false }}
store: {{ directory: "{directory}", database: "{self.journal(case)}", redis: "{self._redis}" }}
"""
        )
        return path

    def level(self, case: Case) -> None:
        """Wait until the standby has everything, so that earlier writes' copies are not measured along."""
        if not case.journaled:
            return
        with psycopg.connect(self.journal(case), autocommit=True) as connection:
            while connection.execute("SELECT FROM cutover.journal_entry WHERE state = 'done' LIMIT 1").rowcount:
                time.sleep(0.1)
