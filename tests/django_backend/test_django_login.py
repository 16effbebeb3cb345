"""Logging in: who may, by which name, and what they learn when they may not."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from apps.authentication.models import User
from common.roles import Role
from tests.django_backend.people import NODE_HASHES, PASSWORD, Ask, cadet, person, refusal, told


def test_a_node_password_hash_logs_in(ask: Ask, alice: User) -> None:
    answer = ask("post", "auth/login", body={"username": "alice", "password": PASSWORD})
    assert answer.status_code == 200
    token = told(answer).pop("token")
    assert {**told(answer), "token": token} == {
        "token": token,
        "role": "cadet",
        "user": {
            "id": alice.pk,
            "username": "alice",
            "email": "alice@example.com",
            "role": "cadet",
            "firstName": None,
            "lastName": None,
            "profilePic": None,
        },
        "cadetId": alice.cadet_id,
        "staffId": None,
    }


def test_the_token_of_a_login_says_what_node_reads_for_seven_days(ask: Ask, alice: User) -> None:
    token = told(ask("post", "auth/login", body={"username": "alice", "password": PASSWORD}))["token"]
    claims = jwt.decode(token, settings.JWT_SECRET, algorithms=["HS256"])
    assert claims.pop("exp") - claims.pop("iat") == 7 * 24 * 3600
    assert claims == {"id": alice.pk, "user_id": alice.pk, "role": "cadet", "cadetId": alice.cadet_id, "staffId": None}


@pytest.mark.parametrize("name", ["alice", "alice@example.com", "2021-00001"])
def test_a_username_an_address_and_a_student_id_all_log_in(ask: Ask, alice: User, name: str) -> None:
    answer = ask("post", "auth/login", body={"username": name, "password": PASSWORD})
    assert told(answer)["user"]["id"] == alice.pk


def test_a_username_goes_before_an_address_and_that_before_a_student_id(ask: Ask, db: None) -> None:
    by_student_id = person("third", Role.CADET, cadet=cadet("x"))
    by_address = person("second", Role.CADET, email="x")
    second_by_address = person("fourth", Role.CADET, email="x")
    by_username = person("x", Role.CADET)
    for expected in (by_username, by_address, second_by_address, by_student_id):
        answer = ask("post", "auth/login", body={"username": "x", "password": PASSWORD})
        assert told(answer)["user"]["id"] == expected.pk
        expected.delete()


@pytest.mark.parametrize("name", ["Alice", "ALICE@EXAMPLE.COM", " alice", "nobody", "ali\ud83dce"])
def test_a_name_that_differs_in_anything_is_unknown(ask: Ask, alice: User, name: str) -> None:
    answer = ask("post", "auth/login", body={"username": name, "password": PASSWORD})
    assert refusal(answer) == (401, "Invalid credentials")


@pytest.mark.parametrize("password", ["wrong", f"{PASSWORD} ", "\0", "\ud83d", "x" * 100])
def test_a_wrong_password_is_told_apart_from_nothing(ask: Ask, alice: User, password: str) -> None:
    answer = ask("post", "auth/login", body={"username": "alice", "password": password})
    assert refusal(answer) == (401, "Invalid credentials")


@pytest.mark.parametrize("kind", ["long", "emoji", "nul"])
def test_an_unusual_password_of_node_logs_in(ask: Ask, db: None, kind: str) -> None:
    password, node_hash = NODE_HASHES[kind]
    person("dora", Role.CADET, password=f"bcrypt${node_hash}")
    assert ask("post", "auth/login", body={"username": "dora", "password": password}).status_code == 200


@pytest.mark.parametrize("stored", ["bcrypt$" + "k" * 56, "k" * 56, ""])
def test_an_imported_cadet_whose_password_is_no_hash_cannot_log_in(ask: Ask, db: None, stored: str) -> None:
    person("dora", Role.CADET, password=stored)
    assert refusal(ask("post", "auth/login", body={"username": "dora", "password": PASSWORD}))[0] == 401
    assert ask("post", "auth/login", body={"username": "dora", "password": stored or "x"}).status_code == 401


@pytest.mark.parametrize(
    "body",
    [{}, {"username": "alice"}, {"password": PASSWORD}, {"username": 1, "password": PASSWORD}]
    + [{"username": "alice", "password": wrong} for wrong in (None, True, 7, ["x"], {})]
    + [{"username": "", "password": PASSWORD}, {"username": "alice", "password": ""}, []],
)
def test_both_name_and_password_must_be_texts(ask: Ask, alice: User, body: Any) -> None:
    assert refusal(ask("post", "auth/login", body=body)) == (400, "Username and password are required")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"is_active": False}, "Account is deactivated"),
        ({"is_active": False, "is_approved": 0}, "Account is deactivated"),
        ({"is_approved": 0}, "Account is pending approval"),
        ({"is_approved": 2}, "Account is pending approval"),
        ({"is_approved": None}, "Account is pending approval"),
    ],
)
def test_an_account_in_the_wrong_state_is_told_so_only_with_the_right_password(
    ask: Ask, db: None, columns: dict[str, Any], message: str
) -> None:
    person("dora", Role.CADET, **columns)
    answer = ask("post", "auth/login", body={"username": "dora", "password": PASSWORD})
    assert refusal(answer) == (403, message)
    answer = ask("post", "auth/login", body={"username": "dora", "password": "wrong"})
    assert refusal(answer) == (401, "Invalid credentials")


def test_nobody_ever_said_whether_an_account_is_active_and_it_is(ask: Ask, db: None) -> None:
    person("dora", Role.CADET, is_active=None)
    assert ask("post", "auth/login", body={"username": "dora", "password": PASSWORD}).status_code == 200


def test_a_login_writes_nothing(ask: Ask, alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    before = User.objects.values().get(pk=alice.pk)
    with django_assert_num_queries(1):
        ask("post", "auth/login", body={"username": "alice", "password": PASSWORD})
    assert User.objects.values().get(pk=alice.pk) == before
