"""The first properties of the plan, and that everything comes back, over Node databases that hypothesis makes up."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.contrib.auth.hashers import check_password
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from migration.copy import copy
from migration.mappings import ROTC
from migration.urls import Asking, Urls
from migration.verify import verify
from tests.migration.databases import emptied
from tests.migration.generated import Data, hashed, node_data, write
from tests.migration.logins import node_accepts
from tests.migration.people import Make, rows, user
from tests.migration.web import host

# One example is a copy of twenty tables with generated rows in all of them, so a few examples are thousands of values.
some = settings(
    max_examples=int(os.environ.get("ROUNDS", "4")), deadline=None, print_blob=True,
    # An example that fails is printed to be run again; making it smaller would take an hour.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)  # fmt: skip
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0?#")
Moved = Callable[[Data], tuple[str, str]]


@pytest.fixture
def move(node: str, django: str) -> Moved:
    """Put rows into Node's database and copy them: both URLs."""

    def fresh(data: Data) -> tuple[str, str]:
        for url in (node, django):
            emptied(url)
        write(node, data)
        copy(node, django, ROTC)
        return node, django

    return fresh


Values = dict[tuple[str, str], dict[Any, Any]]


def values(url: str) -> Values:
    """Every column of every table, by the rows' keys."""
    found: Values = {(table.name, column.name): {} for table in ROTC.tables for column in table.columns}
    with closing(psycopg.connect(url, options="-c timezone=UTC")) as connection:
        for table in ROTC.tables:
            names = [column.name for column in table.columns]
            query = f"SELECT {', '.join((*table.key, *names))} FROM {table.name}"
            for row in connection.execute(query.encode()):
                key = row[: len(table.key)]
                for name, value in zip(names, row[len(table.key) :], strict=True):
                    found[table.name, name][key] = value
    return found


@pytest.mark.property_test
@some
@given(data=node_data())
def test_property_1_relationships(move: Moved, data: Data) -> None:
    """Feature: django-backend-activation, Property 1: Relationships"""
    before, after = map(values, move(data))
    for table in ROTC.tables:
        for column in table.references:
            links = after[table.name, column.name]
            assert links == before[table.name, column.name]
            there = set(after[column.references, column.refers_to].values())
            assert {link for link in links.values() if link is not None} <= there


@pytest.mark.property_test
@some
@given(data=node_data())
def test_property_2_timestamps(move: Moved, data: Data) -> None:
    """Feature: django-backend-activation, Property 2: Timestamps"""
    before, after = map(values, move(data))
    for table in ROTC.tables:
        for column in table.columns:
            if column.kind.name == "timestamp":
                naive = before[table.name, column.name]
                assert after[table.name, column.name] == {k: at and at.replace(tzinfo=UTC) for k, at in naive.items()}


@pytest.mark.property_test
@some
@given(accounts=st.lists(hashed(), min_size=1, max_size=8))
def test_property_3_passwords(node: str, django: str, make: Make, node_template: str,
                              accounts: list[tuple[str, str]]) -> None:  # fmt: skip
    """Feature: django-backend-activation, Property 3: Passwords"""
    for url in (node, django):
        emptied(url)
    with closing(psycopg.connect(node)) as connection:
        for number, (_, stored) in enumerate(accounts, start=1):
            connection.execute(user(number, password=f"'{stored}'").encode())
        connection.commit()
    copy(node, django, ROTC)
    found = values(django)["users", "password"]
    for number, (password, _) in enumerate(accounts, start=1):
        assert check_password(password, found[(number,)])
        assert not check_password(f"x{password}", found[(number,)])
    assert all(node_accepts(accounts))


@pytest.mark.property_test
@some
@given(names=st.lists(st.text(LETTERS, min_size=1, max_size=9), min_size=1, max_size=6))
def test_property_4_file_urls(node: str, django: str, names: list[str]) -> None:
    """Feature: django-backend-activation, Property 4: File URLs"""
    for url in (node, django):
        emptied(url)
    with host() as base, closing(psycopg.connect(node)) as connection:
        statement = "INSERT INTO files (filename, url, size, mime_type) VALUES ('f', %s, 1048576, 'application/pdf')"
        for name in names:
            connection.execute(statement, [f"{base}/image/upload/{name}"])
        connection.commit()
        copy(node, django, ROTC)
        assert values(django)["files", "url"] == values(node)["files", "url"]
        assert verify(node, django, ROTC, urls=Asking(Urls.ALL, per_second=1000)).findings == []


@pytest.mark.property_test
@some
@given(data=node_data())
def test_property_5_counts(move: Moved, data: Data) -> None:
    """Feature: django-backend-activation, Property 5: Counts"""
    before, after = map(values, move(data))
    for table in ROTC.tables:
        column = table.name, table.columns[0].name
        assert len(after[column]) == len(before[column])
        if table.name != "audit_logs":
            assert len(after[column]) == len(data[table.name])


@pytest.mark.property_test
@some
@given(data=node_data())
def test_property_6_types(move: Moved, data: Data) -> None:
    """Feature: django-backend-activation, Property 6: Types"""
    kinds = {"boolean": bool, "integer": int, "numeric": Decimal, "text": str}
    before, after = map(values, move(data))
    for table in ROTC.tables:
        for column in table.columns:
            if column.kind.name in kinds:
                found = after[table.name, column.name]
                assert found == before[table.name, column.name]
                assert {type(value) for value in found.values()} <= {kinds[column.kind.name], type(None)}


@pytest.mark.property_test
@some
@given(data=node_data())
def test_property_7_uniqueness(move: Moved, data: Data) -> None:
    """Feature: django-backend-activation, Property 7: Uniqueness"""
    _, django = move(data)
    for table in ROTC.tables:
        own = {column.name for column in table.columns} - {table.serial}
        for names in table.unique:
            given_ = " AND ".join(f"{name} IS NOT NULL" for name in names)
            columns = ", ".join(sorted(own))
            again = f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {table.name} WHERE {given_} LIMIT 1"
            with closing(psycopg.connect(django)) as connection:
                if rows(django, f"SELECT FROM {table.name} WHERE {given_}"):
                    with pytest.raises(psycopg.errors.UniqueViolation):
                        connection.execute(again.encode())


@pytest.mark.property_test
@some
@given(data=node_data())
def test_everything_comes_back_as_it_was(move: Moved, make: Make, node_template: str, data: Data) -> None:
    """Node to Django and back: equal by verification, and equal by reading both."""
    node, django = move(data)
    assert verify(node, django, ROTC).ok
    back = make(node_template)
    copy(django, back, ROTC)
    assert verify(node, back, ROTC).ok
    for table in ROTC.tables:
        # json has no equality, and its spelling is not kept; jsonb has, and is.
        columns = ", ".join(f"{c.name}::jsonb" if c.kind.name == "json" else c.name for c in table.columns)
        query = f"SELECT {columns} FROM {table.name} ORDER BY {', '.join(table.key)}"
        assert rows(back, query) == rows(node, query)
