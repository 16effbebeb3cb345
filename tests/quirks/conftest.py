"""One deployment for all these tests: real PostgreSQL, the real Node on seeded rows, the edge in front of it."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from redis import Redis

from proxy.embedded import ensure_database
from stack import node
from stack.paths import NODE_BACKEND
from stack.seed import seed
from tests.quirks.front import Front, serving
from tests.stack.settings import settings_for

Serving = Callable[[str], AbstractContextManager[Front]]


@contextmanager
def database(server: str, template: str = "template1") -> Iterator[str]:
    """The name of a new database, while the block runs."""
    name = sql.Identifier(named := f"quirks_{secrets.token_hex(6)}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(template)))
    try:
        yield named
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="package")
def seeded(postgres_url: str) -> Iterator[str]:
    """A database with Node's schema, the sample and every wart, for others to be copied from."""
    node.install()
    with database(postgres_url) as name:
        settings = settings_for(ensure_database(postgres_url, name), "")
        argv = [node.find_node().program, "db/migrate.js"]
        environment = settings.node_environment()
        subprocess.run(argv, cwd=NODE_BACKEND, env=environment, check=True, capture_output=True, timeout=60)
        seed(settings.node_database, None, warts=True)
        yield name


@pytest.fixture(scope="package")
def serve(postgres_url: str, redis_url: str, seeded: str, tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """Call it with a time zone for a deployment of one's own."""

    @contextmanager
    def started(zone: str) -> Iterator[Front]:
        home: Path = tmp_path_factory.mktemp("quirks")
        with database(postgres_url, seeded) as rows, database(postgres_url) as own, Redis.from_url(redis_url) as redis:
            redis.flushdb()
            rows_url, own_url = ensure_database(postgres_url, rows), ensure_database(postgres_url, own)
            with serving(rows_url, (own_url, redis_url), home, zone) as front:
                yield front

    return started


@pytest.fixture(scope="package")
def front(serve: Serving) -> Iterator[Front]:
    """Node as it runs in production: its clock is in UTC."""
    with serve("UTC") as one:
        yield one


@pytest.fixture(scope="module")
def in_manila(serve: Serving) -> Iterator[Front]:
    """Node as it ran on the office laptop."""
    with serve("Asia/Manila") as one:
        yield one
