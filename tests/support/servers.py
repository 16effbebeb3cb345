"""Pytest plugin: one embedded PostgreSQL and Redis for the whole session, and a fresh database for each test."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from proxy.embedded import EmbeddedPostgres, EmbeddedRedis, ensure_database


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """A scratch directory that a server's plain user can reach (pytest's own are closed to everyone but us)."""
    with tempfile.TemporaryDirectory(prefix="cutover-tests-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory


@pytest.fixture(scope="session")
def server_directory() -> Iterator[Path]:
    """Where this session's servers keep their data."""
    with reachable_directory() as directory:
        yield directory


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """The same for one test that starts servers of its own."""
    with reachable_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def postgres_url(server_directory: Path) -> Iterator[str]:
    """The URL of a real PostgreSQL (superuser, database ``postgres``)."""
    with EmbeddedPostgres() as server:
        yield server.start(server_directory / "postgres", 0)


@pytest.fixture(scope="session")
def redis_url(server_directory: Path) -> Iterator[str]:
    """The URL of a real Redis; a test that needs it empty calls FLUSHDB itself."""
    with EmbeddedRedis() as server:
        yield server.start(server_directory / "redis", 0)


@pytest.fixture
def fresh_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Call it for the URL of a new, empty database (any number per test); all are dropped after the test."""
    names: list[str] = []

    def make() -> str:
        names.append(f"test_{secrets.token_hex(6)}")
        return ensure_database(postgres_url, names[-1])

    yield make
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
