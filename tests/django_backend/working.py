"""A real worker on a real Redis, for the tests of jobs: who is active, what it was given, and what became of it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from celery import Celery
from celery.result import AsyncResult, denied_join_result
from django.db import connection

from common.health import CELERY_ALIVE_KEY
from common.jobs.signs import DECISIONS_KEY
from proxy.embedded import ensure_database
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
BACKEND = ROOT / "django_backend"
PATIENCE = 30.0
ROLES = """
    UPDATE cutover.control SET epoch = epoch + 1, active = %s, standby = %s, fenced_until = now() + %s::interval
"""


@dataclass(frozen=True)
class Worker:
    """The worker under test, and where it reads and writes."""

    client: Celery
    cache: redis.Redis
    cache_url: str
    control_url: str
    uploads: Path
    log: Path
    environment: dict[str, str]

    def give(self, name: str, *args: Any, **how: Any) -> AsyncResult:
        """Hand a job over, as any program may that knows its name."""
        # Without listening for the result, which is asked for where it is wanted.
        with denied_join_result():
            return self.client.send_task(name, args=args, **how)

    def done(self, name: str, *args: Any, **how: Any) -> Any:
        """What a job returns; what it raised is raised here."""
        return outcome(self.give(name, *args, **how))

    def roles(self, active: str, *, fenced: bool = False) -> None:
        """Write down who is active, as a flip does."""
        standby = "node" if active == "django" else "django"
        with psycopg.connect(self.control_url) as control:
            control.execute(ROLES, [active, standby, "1 hour" if fenced else None])

    def decisions(self) -> dict[str, int]:
        """How often each decision was made about a job of this test."""
        counted = self.cache.hgetall(DECISIONS_KEY)
        return {name.decode(): int(number) for name, number in counted.items()}  # type: ignore[union-attr]


def outcome(result: AsyncResult) -> Any:
    """What a job returned or raised, once it has ended."""
    eventually(result.ready, within=PATIENCE)
    return result.get()


def database_of_tests(server: str) -> str:
    """The URL of the database that the tests' Django uses."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{connection.settings_dict['NAME']}"))


def control_database(server: str) -> str:
    """A database of cutover's own in which this backend is active."""
    url = ensure_database(server, f"control_{secrets.token_hex(6)}")
    with psycopg.connect(url, autocommit=True) as control:
        control.execute((ROOT / "proxy" / "schema.sql").read_text())
        control.execute(
            "INSERT INTO cutover.control (epoch, active, standby, phase) VALUES (1, 'django', 'node', 'resting')"
        )
    return url


@contextmanager
def celery_running(environment: dict[str, str], log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`celery -A config` with these words, while the block runs."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "config", *words],
            cwd=BACKEND, env=environment, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def worker_running(home: Path, *, cache_url: str, database: str, control: str) -> Iterator[Worker]:
    """A worker on these servers while the block runs."""
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "SECRET_KEY": "s" * 50,
        "JWT_SECRET": os.environ["JWT_SECRET"],
        "DATABASE_URL": database,
        "REDIS_URL": cache_url,
        "ALLOWED_HOSTS": "127.0.0.1",
        "CORS_ALLOWED_ORIGINS": "https://rotc.example",
        "CUTOVER_DATABASE_URL": control,
        "UPLOAD_DIR": str(home / "uploads"),
    }
    (home / "uploads").mkdir()
    words = ("worker", "--loglevel=info", "--concurrency=2")
    with redis.Redis.from_url(cache_url) as cache, celery_running(environment, home / "log", *words) as process:
        eventually(lambda: cache.exists(CELERY_ALIVE_KEY) or process.poll() is not None, within=60)
        assert process.poll() is None, (home / "log").read_text()
        # Not the one that the jobs of this process belong to.
        client = Celery("tests", broker=cache_url, backend=cache_url, set_as_current=False)
        yield Worker(client, cache, cache_url, control, home / "uploads", home / "log", environment)
        client.close()


@pytest.fixture(scope="session")
def worker_of_session(
    django_db_setup: None, database_url: str, cache_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    """A worker for all tests; it believes the control database."""
    home = tmp_path_factory.mktemp("worker")
    # A database of Redis for itself: other tests of the session must not believe that a worker lives.
    cache_at, control = urlunsplit(urlsplit(cache_url)._replace(path="/5")), control_database(database_url)
    with redis.Redis.from_url(cache_at) as cache:
        cache.flushdb()
    with worker_running(home, cache_url=cache_at, database=database_of_tests(database_url), control=control) as worker:
        yield worker
    with psycopg.connect(database_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE {urlsplit(control).path[1:]} WITH (FORCE)")


@pytest.fixture
def worker(worker_of_session: Worker) -> Iterator[Worker]:
    """The worker, with this backend active, nothing to do, and nothing decided."""
    worker_of_session.roles("django")
    worker_of_session.cache.delete(DECISIONS_KEY)
    yield worker_of_session
    worker_of_session.client.control.purge()
