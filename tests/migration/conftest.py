"""Databases in the schemas of both backends: empty, or with one school in them. Each test has its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from migration.copy import copy
from migration.mappings import ROTC
from proxy.cli.main import cutover
from proxy.embedded import ensure_database
from stack.seed import seed
from tests.migration.databases import Databases, HastyPostgres
from tests.migration.people import Make, Typed

ROOT = Path(__file__).resolve().parents[2]
DJANGO_BACKEND = ROOT / "django_backend"
NODE_SCHEMA = ROOT / "node_backend" / "db" / "schema.sql"


@pytest.fixture(scope="session")
def databases(server_directory: Path) -> Iterator[Databases]:
    """Where databases come from: a server of their own."""
    with HastyPostgres() as server:
        yield Databases(server.start(server_directory / "hasty", 0))


@pytest.fixture(scope="session")
def node_template(databases: Databases) -> str:
    """The name of a database in Node's schema."""
    with psycopg.connect(ensure_database(databases.server, "template_node")) as connection:
        connection.execute(NODE_SCHEMA.read_bytes())
    databases.recyclable("template_node")
    return "template_node"


@pytest.fixture(scope="session")
def django_template(databases: Databases) -> str:
    """The name of a database in Django's schema, as its own migrations make it."""
    url = ensure_database(databases.server, "template_django")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "DATABASE_URL": url}
    argv = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(argv, cwd=DJANGO_BACKEND, env=environment, check=True, timeout=120)
    databases.recyclable("template_django")
    return "template_django"


@pytest.fixture(scope="session")
def school(databases: Databases, node_template: str) -> str:
    """Node's database with one school in it; it is only read."""
    url = databases.new(node_template)
    seed(url, None)
    return url


@pytest.fixture(scope="session")
def moved_school(databases: Databases, school: str, django_template: str) -> str:
    """The name of a database of Django's to which the school was copied."""
    url = databases.new(django_template)
    copy(school, url, ROTC)
    return url.rpartition("/")[2]


@pytest.fixture
def make(databases: Databases) -> Iterator[Make]:
    """Call it with a template's name for the URL of a database of this test's own."""
    made: list[tuple[str, str]] = []

    def new(template: str) -> str:
        made.append((template, databases.get(template)))
        return made[-1][1]

    yield new
    for template, url in made:
        databases.put(template, url)


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


@pytest.fixture
def typed(node: str, django: str, tmp_path: Path) -> Iterator[Typed]:
    """`cutover …` where a configuration names both databases; Node's is the active one."""
    backends = {
        "node": {"url": "http://127.0.0.1:3001", "database": node},
        "django": {"url": "http://127.0.0.1:8000", "database": django},
    }
    (tmp_path / "cutover.yaml").write_text(json.dumps({"backends": backends, "active": "node"}))
    with chdir(tmp_path):
        yield lambda *words: CliRunner().invoke(cutover, words, prog_name="cutover")
