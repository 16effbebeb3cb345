"""The sample: the same for everyone, the same on both sides, and full of warts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import bcrypt
import psycopg
import pytest
from psycopg import sql

from migration.mappings import ROTC
from migration.verify import verify
from stack import node
from stack.paths import DJANGO_BACKEND, NODE_BACKEND
from stack.sample.passwords import HASHES
from stack.sample.population import KNOWN_LOGINS, RESERVED_CADETS
from stack.sample.table import Json, Table, copy_text
from stack.sample.tables import TABLES
from stack.seed import SeedError, empty, is_empty, seed
from tests.stack.settings import settings_for

NEW_CADET = "INSERT INTO cadets (first_name, last_name, student_id) VALUES ('a', 'b', 'c')"
Pair = tuple[str, str]


@pytest.fixture
def databases(fresh_database: Callable[[], str]) -> Pair:
    """Both schemas, empty."""
    blue, green = fresh_database(), fresh_database()
    settings = settings_for(blue, green)
    for argv, cwd, env in (
        ([node.find_node().program, "db/migrate.js"], NODE_BACKEND, settings.node_environment()),
        ([sys.executable, "manage.py", "migrate", "--verbosity", "0"], DJANGO_BACKEND, settings.django_environment()),
    ):
        subprocess.run(argv, cwd=cwd, env=env, check=True, capture_output=True, timeout=60)
    return blue, green


def neutral(value: Any) -> Any:
    """A value without what the two schemas differ in: naive and aware times, and what stands before a password."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC)
    return value.removeprefix("bcrypt$").removeprefix("!") if isinstance(value, str) else value


def contents(url: str, table: Table) -> list[tuple[Any, ...]]:
    """All rows of a table in the order of its first two columns."""
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    query = sql.SQL("SELECT {} FROM {} ORDER BY 1, 2").format(columns, sql.Identifier(table.name))
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        return [tuple(map(neutral, row)) for row in connection.execute(query)]


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """The answer to a query."""
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_both_sides_hold_the_same_rows_and_no_table_is_empty(databases: Pair) -> None:
    blue, green = databases
    counts = seed(blue, green)
    assert len(counts) == 20
    assert counts["cadets"] == 290
    assert counts["users"] == 303
    for table in TABLES:
        found = contents(blue, table)
        assert len(found) == counts[table.name] > 0
        assert contents(green, table) == found, table.name


@pytest.mark.parametrize("scale", [1, 2])
def test_a_seeded_pair_is_what_a_copy_would_have_made_of_it(databases: Pair, scale: int) -> None:
    seed(*databases, scale)
    report = verify(*databases, ROTC)
    assert report.ok, report.markdown()


def test_a_second_seeding_gives_the_same_rows(databases: Pair) -> None:
    blue, _ = databases
    seed(blue, None)
    first = {table.name: contents(blue, table) for table in TABLES}
    with pytest.raises(SeedError, match="has rows already"):
        seed(blue, None)
    empty(blue)
    assert is_empty(blue)
    seed(blue, None)
    assert {table.name: contents(blue, table) for table in TABLES} == first


def test_the_next_insert_collides_with_nothing_on_either_side(databases: Pair) -> None:
    seed(*databases)
    for url in databases:
        assert rows(url, f"{NEW_CADET} RETURNING id") == [(291,)]
        assert rows(url, "INSERT INTO grade_categories (name, weight) VALUES ('Extra', 1) RETURNING id") == [(4,)]


def test_the_warts_of_the_legacy_are_there(databases: Pair) -> None:
    blue, _ = databases
    seed(blue, None)
    for query in (
        "SELECT FROM users WHERE email = '' HAVING count(*) > 20",
        "SELECT FROM users WHERE email IS NULL",
        "SELECT FROM users WHERE email <> '' GROUP BY email HAVING count(*) > 1",
        "SELECT FROM users WHERE length(password) = 56 AND password NOT LIKE '$2%'",
        "SELECT FROM users WHERE is_approved = 0",
        "SELECT FROM users WHERE NOT is_active",
        "SELECT FROM cadets WHERE year_level = '2nd Year'",
        "SELECT FROM cadets WHERE status = 'Verified'",
        "SELECT FROM cadets WHERE is_archived IS NULL",
        "SELECT FROM cadets WHERE address LIKE E'%\n%'",
        "SELECT FROM attendance WHERE time_in ~ '^7:[0-9]{2}:[0-9]{2} AM$'",
        "SELECT FROM training_days GROUP BY date HAVING count(*) > 1",
        "SELECT FROM activities WHERE jsonb_typeof(images::jsonb) = 'array'",
        "SELECT FROM grades WHERE status IN ('INC', 'DO', 'T')",
        "SELECT FROM merit_demerit_logs WHERE points < 0",
        "SELECT FROM files WHERE url LIKE '/uploads/%'",
        "SELECT FROM files WHERE url LIKE 'https://%'",
        "SELECT FROM files WHERE url LIKE '/opt/%'",
        "SELECT FROM files WHERE url LIKE 'data:%'",
        "SELECT FROM files WHERE metadata = 'null'",
        "SELECT FROM files WHERE metadata IS NULL",
        "SELECT FROM files WHERE size > 4294967296",
        "SELECT FROM notifications WHERE user_id IS NULL",
        "SELECT FROM push_subscriptions p WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = p.user_id)",
        "SELECT FROM user_settings WHERE dark_mode IS NULL",
        "SELECT FROM settings WHERE value IN ('0', '1')",
    ):
        assert rows(blue, query), query


def test_the_legacy_trigger_is_back_and_wrote_nothing_of_its_own(databases: Pair) -> None:
    blue, _ = databases
    counts = seed(blue, None)
    assert rows(blue, "SELECT count(*) FROM audit_logs") == [(counts["audit_logs"],)]
    with psycopg.connect(blue) as connection:
        connection.execute("DELETE FROM merit_demerit_logs WHERE id = 1")
    assert rows(blue, "SELECT operation FROM audit_logs ORDER BY id DESC LIMIT 1") == [("DELETE",)]


def test_the_targets_of_the_load_are_archived(databases: Pair) -> None:
    blue, _ = databases
    seed(blue, None)
    archived = {row[0] for row in rows(blue, "SELECT id FROM cadets WHERE is_archived")}
    assert set(RESERVED_CADETS) <= archived
    assert 0 < len(archived - set(RESERVED_CADETS)) < 40


@pytest.mark.parametrize("plain", [login.password for login in KNOWN_LOGINS] + [list(HASHES)[-1]])
def test_a_documented_password_opens_its_hash(plain: str) -> None:
    assert bcrypt.checkpw(plain.encode()[:72], HASHES[plain].encode())


@pytest.mark.parametrize("name", ["cadets", "users", "staff", "grades"])
def test_block_one_looks_the_same_at_every_scale(name: str) -> None:
    table = next(table for table in TABLES if table.name == name)
    small = list(table.rows(1))
    assert list(islice(table.rows(3), len(small))) == small


def test_copy_text_tells_nothing_from_the_empty_text_and_from_json_null() -> None:
    row = (None, "", Json(None), True, "a\tb\n\\N", datetime(2024, 8, 5, 1, 2, 3, 400))
    assert copy_text([row]) == b"\\N\t\tnull\tt\ta\\tb\\n\\\\N\t2024-08-05 01:02:03.000400\n"
