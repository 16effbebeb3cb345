"""What the benchmark runs on: servers of its own, and both backends on the same sample."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy.embedded import EmbeddedPostgres, EmbeddedRedis, ensure_database, free_port
from stack import faults
from stack.backends import DJANGO, NODE, Backends, BackendSettings
from stack.background import start_background
from stack.processes import Supervisor

SECRET = "the benchmark's own token secret, at least 32 bytes"  # noqa: S105
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Side:
    """One backend."""

    name: str
    url: str
    sockets_url: str
    pid: int


@contextmanager
def stage(scale: int) -> Iterator[dict[str, Side]]:
    """Everything but the load, gone at the end with all that it wrote. PostgreSQL has durable settings."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-endpoints-") as name, EmbeddedPostgres() as postgres,
        EmbeddedRedis() as redis, Supervisor(Path(name) / "logs") as supervisor,
    ):  # fmt: skip
        home = Path(name)
        # The server may run as somebody else.
        home.chmod(0o711)
        settings = _settings(home, postgres.start(home / "postgres", 0), redis.start(home / "redis", 0))
        faults.wish(settings.faults_file)
        backends = Backends(supervisor, settings)
        backends.prepare()
        backends.seed(scale=scale)
        backends.start_all()
        # Reports are made there, and an answer about one that is never ready would be no measure.
        start_background(supervisor, settings, home)
        node, django = (supervisor.processes[each].pid for each in (NODE, DJANGO))
        yield {
            DJANGO: Side(DJANGO, settings.django_url, settings.channels_url, django),
            NODE: Side(NODE, settings.node_url, settings.node_url, node),
        }


def _settings(home: Path, server: str, cache: str) -> BackendSettings:
    return BackendSettings(
        node_port=free_port(), django_port=free_port(), django_ws_port=free_port(),
        node_database=ensure_database(server, "bench_node"), django_database=ensure_database(server, "bench_django"),
        redis_url=cache, jwt_secret=SECRET, secret_key=SECRET, faults_file=home / "faults.json",
        django_workers=max(2, os.cpu_count() or 1),
    )  # fmt: skip


def machine_seconds() -> tuple[float, float]:
    """The busy and the whole time of all cores since the machine started (Linux)."""
    user, nice, system, idle, waiting, *rest = map(float, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    busy = user + nice + system + sum(rest)
    return busy, busy + idle + waiting


def busy_share(before: tuple[float, float]) -> float:
    """The share of all cores' time that was not idle since *before*."""
    (busy, whole), (later_busy, later_whole) = before, machine_seconds()
    return (later_busy - busy) / max(later_whole - whole, 1e-9)


def tree_seconds(pid: int) -> float:
    """User and system time of a process and all below it, those included that ended and were waited for (Linux).

    What is gone counts nothing here: workers come and go, and their time is then their parent's.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + sum(tree_seconds(int(child)) for child in children)
