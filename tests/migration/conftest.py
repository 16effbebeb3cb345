"""Databases in the schemas of both backends: empty, or with one school in them. Each test has its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migration.copy import copy
from migration.mappings import ROTC
from proxy.embedded import database_url, ensure_database
from stack.seed import seed
from tests.migration.people import Make

ROOT = Path(__file__).resolve().parents[2]
DJANGO_BACKEND = ROOT / "django_backend"
DROPPED_AT_ONCE = 25
NODE_SCHEMA = ROOT / "node_backend" / "db" / "schema.sql"


def _statement(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


def _new(server: str, template: str) -> str:
    name = f"rows_{secrets.token_hex(6)}"
    _statement(server, "CREATE DATABASE {} TEMPLATE {}", name, template)
    return database_url(server, name)


@pytest.fixture(scope="session")
def node_template(postgres_url: str) -> str:
    """The name of a database in Node's schema."""
    with psycopg.connect(ensure_database(postgres_url, "template_node")) as connection:
        connection.execute(NODE_SCHEMA.read_bytes())
    return "template_node"


@pytest.fixture(scope="session")
def django_template(postgres_url: str) -> str:
    """The name of a database in Django's schema, as its own migrations make it."""
    url = ensure_database(postgres_url, "template_django")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "DATABASE_URL": url}
    argv = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(argv, cwd=DJANGO_BACKEND, env=environment, check=True, timeout=120)
    return "template_django"


@pytest.fixture(scope="session")
def school(postgres_url: str, node_template: str) -> str:
    """Node's database with one school in it; it is only read."""
    url = _new(postgres_url, node_template)
    seed(url, None)
    return url


@pytest.fixture(scope="session")
def moved_school(postgres_url: str, school: str, django_template: str) -> str:
    """The name of a database of Django's to which the school was copied."""
    url = _new(postgres_url, django_template)
    copy(school, url, ROTC)
    return url.rpartition("/")[2]


@pytest.fixture(scope="session")
def used() -> list[str]:
    """Databases that no test needs any more."""
    return []


@pytest.fixture
def make(postgres_url: str, used: list[str]) -> Iterator[Callable[[str], str]]:
    """Call it with a template's name for the URL of a new database."""
    urls: list[str] = []

    def new(template: str) -> str:
        urls.append(_new(postgres_url, template))
        return urls[-1]

    yield new
    used.extend(urls)
    # Each drop waits for a checkpoint, and many in a row for one. The last ones go with the server.
    if len(used) >= DROPPED_AT_ONCE:
        for url in used:
            _statement(postgres_url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", url.rpartition("/")[2])
        used.clear()


@pytest.fixture
def node(make: Make, node_template: str) -> str:
    """Node's database, empty."""
    return make(node_template)


@pytest.fixture
def django(make: Make, django_template: str) -> str:
    """Django's database, empty."""
    return make(django_template)


@pytest.fixture
def moved(make: Make, moved_school: str) -> str:
    """Django's database with the school in it, for this test to change."""
    return make(moved_school)
