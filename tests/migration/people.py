"""Rows as node-postgres writes them, and questions that tests ask of databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import psycopg
from click.testing import Result

from migration.copy import copy
from migration.findings import Finding
from migration.mapping import RowMapping
from migration.mappings import ROTC
from migration.report import Report
from migration.verify import verify
from stack.sample.passwords import HASHES

Make = Callable[[str], str]
Typed = Callable[..., Result]
ANNA = "Parade-Ground-1"
ANNAS_HASH = HASHES[ANNA]


def run(url: str, *statements: str, zone: str = "UTC") -> None:
    """Do it in one transaction, on a connection of that time zone."""
    with closing(psycopg.connect(url, options=f"-c timezone={zone}")) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        connection.commit()


def rows(url: str, query: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    """The answer to a question, with times in UTC."""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        return connection.execute(query.encode(), values).fetchall()


def one(url: str, query: str) -> Any:
    """The only value of the answer."""
    ((value,),) = rows(url, query)
    return value


def cadet(number: int, **columns: object) -> str:
    """The statement that makes a cadet; further columns as SQL."""
    given = {
        "id": number,
        "first_name": "'Anna'",
        "last_name": "'Cruz'",
        "student_id": f"'2024-{number:05d}'",
        **columns,
    }
    return f"INSERT INTO cadets ({', '.join(given)}) VALUES ({', '.join(map(str, given.values()))})"


def user(number: int, **columns: object) -> str:
    """The statement that makes an account."""
    given = {"id": number, "username": f"'user{number}'", "password": f"'{ANNAS_HASH}'", "role": "'cadet'", **columns}
    return f"INSERT INTO users ({', '.join(given)}) VALUES ({', '.join(map(str, given.values()))})"


def told(findings: Sequence[Finding], *, notes: bool = False) -> list[tuple[str, str, str | None, str | None]]:
    """What was found, in short: table, kind, key, column."""
    return [(f.table, f.kind, f.key, f.column) for f in findings if f.note is notes]


def moved_and_verified(source: str, target: str, mapping: RowMapping = ROTC) -> Report:
    """Copy, and expect the verification to be silent; the copy's report."""
    report = copy(source, target, mapping)
    checked = verify(source, target, mapping)
    assert checked.ok, checked.markdown()
    return report
