"""Everything as in production, and a handle to kill or freeze each part of it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import yaml

from proxy.embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServer, ensure_database, free_port
from stack.edge import EdgeSettings, edge_program
from stack.processes import Supervisor
from tests.faults.wire import Wire
from tests.parity.stage import CONFIG, SECRET, Pair, pair, seeded

ROLES = ("edge", "journal", "replayer", "control", "shadow")
ANSWER_WITHIN, COPY_WITHIN, LOST_AFTER = 4.0, 5.0, 8.0
DELAY = 6.0  # beyond what the edge and the replayer wait for


@dataclass
class Stage:
    """Handles to what runs."""

    home: Path
    active: str
    edges: int
    pair: Pair
    edge: EdgeSettings
    servers: dict[str, tuple[EmbeddedServer, Path]]
    wires: dict[str, Wire]

    @property
    def environment(self) -> dict[str, str]:
        """What the operator's command line must be told."""
        settings = replace(self.pair.settings, node_port=self.wires["node"].port, django_port=self.wires["django"].port)
        return self.edge.environment(settings)

    def pids(self, role: str) -> list[int]:
        """The processes of one role of cutover. A single edge has the journal writer inside."""
        if role == "journal" and self.edges == 1:
            role = "edge"
        wanted = f"proxy.app\0{role}\0"
        return [pid for pid, line in _command_lines() if wanted in line and str(self.edge.config) in line]

    def kill(self, name: str) -> None:
        """kill -9, with no time to say anything."""
        for pid in self._members(name):
            _signal(pid, signal.SIGKILL)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """SIGSTOP for the block."""
        pids = self._members(name)
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                _signal(pid, signal.SIGCONT)

    def revive(self, name: str) -> None:
        """Start again what nobody else starts again."""
        if name in self.servers:
            server, directory = self.servers[name]
            port = int(server.url.rpartition(":")[2].partition("/")[0].partition("?")[0])
            server.stop()
            server.start(directory, port)
        elif name in ("node", "django"):
            self.pair.backends.kill(name)
            self.pair.backends.start(name)

    def _members(self, name: str) -> list[int]:
        if name in ROLES:
            return self.pids(name)
        if name in self.servers:
            home = self.servers[name][0].home
            return [pid for pid in _all_pids() if _works_in(pid, home)]
        port = str(self.pair.settings.node_port if name == "node" else self.pair.settings.django_port)
        return [pid for pid in _all_pids() if f"PORT={port}".encode() in _environ(pid)]

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of cutover's own database."""
        with psycopg.connect(self.edge.database, autocommit=True, connect_timeout=5) as connection:
            return connection.execute(query.encode(), values).fetchall()


def _all_pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _command_lines() -> Iterator[tuple[int, str]]:
    for pid in _all_pids():
        try:
            yield pid, Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue


def _environ(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _works_in(pid: int, home: Path) -> bool:
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(home)
    except OSError:
        return False


def _signal(pid: int, signum: int) -> None:
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return


@contextmanager
def stage(home: Path, active: str, seed: int, watch: float = 0, edges: int = 2) -> Iterator[Stage]:
    """Both backends on equal data behind wires, stores of their own, and edges that journal.

    Nobody looks for writes past the proxy, unless every *watch* seconds: what a heal mends would go unseen.
    """
    home.mkdir(parents=True, exist_ok=True)
    for kept in ("cutover", "edge-logs", "logs"):
        shutil.rmtree(home / kept, ignore_errors=True)
    with ExitStack() as stack:
        servers: dict[str, tuple[EmbeddedServer, Path]] = {}
        for name, kind in (("postgres", EmbeddedPostgres), ("store", EmbeddedPostgres), ("redis", EmbeddedRedis)):
            server = stack.enter_context(kind(lambda _: None))
            server.start(home / name, 0)
            servers[name] = (server, home / name)
        databases = stack.enter_context(seeded(servers["postgres"][0].url, home))
        both = stack.enter_context(pair(databases, servers["redis"][0].url, home))
        wires = {}
        for name, port in (("node", both.settings.node_port), ("django", both.settings.django_port)):
            wires[name] = Wire(port, seed, DELAY)
            wires[name].start()
            stack.callback(wires[name].stop)
        edge = EdgeSettings(
            config=_configuration(home, active, watch, edges), port=free_port(), control_port=free_port(),
            database=ensure_database(servers["store"][0].url, f"cutover_{secrets.token_hex(4)}"),
            redis=servers["redis"][0].url,
            token="of-the-operator",
        )  # fmt: skip
        on = Stage(home, active, edges, both, edge, servers, wires)
        supervisor = stack.enter_context(Supervisor(home / "edge-logs"))
        program = edge_program(edge, both.settings)
        supervisor.start(replace(program, env={**program.env, **on.environment}))
        yield on


def _configuration(home: Path, active: str, watch: float, edges: int) -> Path:
    """The flagship's own file with shorter deadlines, so that a round is over in seconds."""
    document = yaml.safe_load(CONFIG.read_text())
    document["active"] = active
    document["store"] = {"directory": str(home / "cutover")}
    document["secret"] = SECRET
    document["listen"] = {"edges": edges}
    document["guard"] = {"enabled": False}
    document["rows"]["watch"] = watch
    document["log"] = {"access": False}
    document["journal"] = {
        "write_grace": ANSWER_WITHIN, "timeout": COPY_WITHIN, "max_request_age": LOST_AFTER, "forward_within": 2.0,
        "outcome_within": 5.0,
    }  # fmt: skip
    for backend in document["backends"].values():
        backend["answer_timeout"] = ANSWER_WITHIN
    path = home / "cutover.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return path


def in_background(work: Any) -> threading.Thread:
    """Run something that blocks beside the event loop."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_until(holds: Any, seconds: float) -> bool:
    """Whether it held within the time; a store that is on its way back does not hold."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if holds():
                return True
        except (psycopg.Error, OSError):
            pass
        time.sleep(0.2)
    return False
