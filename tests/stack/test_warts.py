"""Every wart by name: Node's database has it, and Django's schema makes of it what the list says."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import psycopg
import pytest
from psycopg import sql

from proxy.embedded import ensure_database
from stack import node
from stack.backends import NODE, Backends
from stack.paths import DJANGO_BACKEND, NODE_BACKEND
from stack.processes import Supervisor
from stack.sample.passwords import stored_by_django
from stack.sample.tables import TABLES
from stack.sample.wart import HOST, Held, Values, Wart, rows_of
from stack.sample.warts import WARTS, insert
from stack.sample.warts_accounts import NO_HASHES, ODD_PASSWORDS
from stack.seed import seed
from tests.stack.settings import settings_for

Connection = psycopg.Connection[tuple[Any, ...]]
UTC = "-c timezone=UTC"


def migrate(blue_url: str, green_url: str) -> None:
    """Bring both schemas up to date; one URL twice is Node's alone."""
    settings = settings_for(blue_url, green_url)
    argv = [node.find_node().program, "db/migrate.js"]
    subprocess.run(argv, cwd=NODE_BACKEND, env=settings.node_environment(), check=True, capture_output=True, timeout=60)
    if green_url != blue_url:
        argv = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        env = settings.django_environment()
        subprocess.run(argv, cwd=DJANGO_BACKEND, env=env, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def databases(postgres_url: str) -> Iterator[tuple[str, str]]:
    """Both sides, seeded with warts, for all tests of this file: none of them changes anything."""
    names = [f"warts_{secrets.token_hex(6)}" for _ in range(2)]
    blue, green_url = (ensure_database(postgres_url, name) for name in names)
    migrate(blue, green_url)
    seed(blue, green_url, warts=True)
    yield blue, green_url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def blue(databases: tuple[str, str]) -> Iterator[Connection]:
    """Node's database."""
    with psycopg.connect(databases[0], options=UTC, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def green_side(databases: tuple[str, str]) -> Iterator[Connection]:
    """Django's database."""
    with psycopg.connect(databases[1], options=UTC, autocommit=True) as connection:
        yield connection


def one(connection: Connection, query: str) -> tuple[Any, ...]:
    """The only row of an answer."""
    found = connection.execute(query).fetchall()
    assert len(found) == 1
    return found[0]


def found_by(values: Values) -> str:
    """The condition that finds a row again."""
    keys = [name for name in ("id", "activity_id", "user_id", "cadet_id") if name in values]
    return " AND ".join(f"{name} = '{values[name]}'" for name in (keys[:1] if keys[0] == "id" else keys))


def as_text(connection: Connection, table: str, values: Values) -> dict[str, str | None]:
    """A row's columns as text, without the zone, which one of the two schemas has no place for."""
    columns = ", ".join(f"{name}::text" for name in values)
    texts = one(connection, f"SELECT {columns} FROM {table} WHERE {found_by(values)}")
    cut = (text and re.sub(r"([0-9])[+]00( BC)?$", r"\1\2", text) for text in texts)
    return dict(zip(values, cut, strict=True))


def rows_with(wart: Wart) -> Iterator[Values]:
    """The rows that a wart brings, as they were written."""
    return (values for each, values in rows_of(WARTS, wart.table) if each is wart)


def test_names_are_unique_and_every_table_has_a_wart() -> None:
    assert len({wart.name for wart in WARTS}) == len(WARTS)
    assert {wart.table for wart in WARTS} == {table.name for table in TABLES}


@pytest.mark.parametrize("wart", WARTS, ids=lambda wart: wart.name)
def test_nodes_database_has_the_wart(wart: Wart, blue: Connection) -> None:
    assert one(blue, wart.query)[0] > 0


@pytest.mark.parametrize("wart", [wart for wart in WARTS if wart.rows], ids=lambda wart: wart.name)
def test_the_condition_finds_the_wart_where_it_was_put_and_not_everywhere(wart: Wart, blue: Connection) -> None:
    # A case of several rows (two that collide, three clocks) may be visible in one of them only.
    found = [
        one(blue, f"{wart.query} AND t.{found_by(values).replace(' AND ', ' AND t.')}") for values in rows_with(wart)
    ]
    assert (1,) in found
    assert one(blue, wart.query)[0] < one(blue, f"SELECT count(*) FROM {wart.table}")[0]


@pytest.mark.parametrize("wart", [w for w in WARTS if w.held is Held.AS_IS and w.rows], ids=lambda wart: wart.name)
def test_what_django_can_hold_is_the_same_on_both_sides(wart: Wart, blue: Connection, green_side: Connection) -> None:
    for values in rows_with(wart):
        expected = as_text(blue, wart.table, values)
        if wart.table == "users":
            expected["password"] = stored_by_django(expected["password"] or "")
        assert as_text(green_side, wart.table, values) == expected


@pytest.mark.parametrize("wart", [w for w in WARTS if w.held is not Held.AS_IS], ids=lambda wart: wart.name)
def test_what_django_cannot_hold_is_nodes_alone_for_the_reason_that_the_list_gives(
    wart: Wart, blue: Connection, green_side: Connection
) -> None:
    for values in rows_with(wart):
        assert green_side.execute(f"SELECT FROM {wart.table} WHERE {found_by(values)}").fetchall() == []
        with green_side.transaction(force_rollback=True):
            assert fate(green_side, wart.table, values, as_text(blue, wart.table, values)) is wart.held


def fate(connection: Connection, table: str, values: Values, expected: dict[str, str | None]) -> Held:
    """What Django's schema and driver make of a row."""
    try:
        insert(connection, table, values)
        changed = as_text(connection, table, values) != expected
    except psycopg.Error:
        return Held.REFUSED
    try:
        connection.execute(f"SELECT * FROM {table} WHERE {found_by(values)}").fetchall()
    except psycopg.DataError:
        return Held.UNREADABLE
    return Held.CHANGED if changed else Held.AS_IS


def test_the_same_warts_are_written_every_time(blue: Connection, fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    migrate(url, url)
    seed(url, None, warts=True)
    with psycopg.connect(url, options=UTC) as again:
        for table in TABLES:
            hashed = f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table.name} t"
            assert one(again, hashed) == one(blue, hashed), table.name


def test_without_warts_neither_side_has_any_of_their_rows(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    migrate(url, url)
    seed(url, None)
    with psycopg.connect(url) as plain:
        for table in TABLES:
            if table.serial:
                assert one(plain, f"SELECT count(*) FROM {table.name} WHERE id >= {HOST} OR id <= 0") == (0,)


@pytest.mark.parametrize("username", ODD_PASSWORDS)
def test_an_odd_password_opens_its_hash_once_it_is_cut_at_72_bytes(username: str) -> None:
    password, stored = ODD_PASSWORDS[username]
    assert bcrypt.checkpw(password.encode()[:72], stored.encode())


@pytest.mark.timeout(60)
def test_node_lets_in_everybody_with_an_odd_password_and_survives_what_is_no_hash(
    databases: tuple[str, str], tmp_path: Path
) -> None:
    settings = settings_for(*databases, faults=tmp_path / "faults.json")
    with Supervisor(tmp_path / "logs") as supervisor:
        Backends(supervisor, settings).start(NODE)
        for username, (password, _) in ODD_PASSWORDS.items():
            assert login(settings.node_url, username, password) == 200, username
        for username, stored in NO_HASHES.items():
            assert login(settings.node_url, username, stored or "x") == 401, username


def login(url: str, username: str, password: str) -> int:
    """The status of a login."""
    body = json.dumps({"username": username, "password": password}).encode()
    request = urllib.request.Request(f"{url}/api/v1/auth/login", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
