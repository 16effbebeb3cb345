"""Tokens and passwords as Node reads and writes them, through the edge."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from stack.cast import WEEK, mint
from stack.sample.passwords import HASHES
from stack.sample.population import ADMIN, CADET, KNOWN_LOGINS, TRAINING_STAFF, Login
from stack.sample.warts_accounts import CUT, NO_HASHES, ODD_PASSWORDS
from tests.quirks.front import Front, loads, request
from tests.stack.settings import SECRET

NONE, BAD, WRONG_ROLE = "No token provided", "Session expired or invalid token", "Access denied"
NOW = int(time.time())
CLAIMS = {"id": 1, "role": "admin", "cadetId": None, "staffId": None, "iat": NOW, "exp": NOW + WEEK}


def signed(secret: str | None = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """The Authorization field with a token of ours."""
    return "Bearer " + jwt.encode(CLAIMS | changes, secret, algorithm=algorithm)  # type: ignore[arg-type]


def log_in(username: str, password: str) -> bytes:
    return request("POST", "auth/login", body={"username": username, "password": password})


@pytest.mark.parametrize(
    ("field", "status", "message"),
    [
        (None, 401, NONE),
        ("", 401, NONE),
        ("Bearer", 401, NONE),
        ("Bearer  ", 401, NONE),
        ("Basic YTpi", 401, NONE),
        (signed().replace("Bearer", "bearer"), 401, NONE),
        ("Bearer nonsense", 403, BAD),
        ("Bearer a.b.c", 403, BAD),
        (signed(exp=NOW - 1), 403, BAD),
        (signed("another secret, also long enough to sign tokens with"), 403, BAD),
        (signed(algorithm="HS384"), 403, BAD),
        (signed(None, "none"), 403, BAD),
        (signed()[:-4] + "AAAA", 403, BAD),
    ],
)
async def test_a_token_is_missing_or_bad_in_nodes_own_words(
    front: Front, field: str | None, status: int, message: str
) -> None:
    fields = {} if field is None else {"Authorization": field}
    answer = await front.both(request("GET", "auth/me", fields=fields))
    assert (answer.status, loads(answer)) == (status, {"message": message})


@pytest.mark.parametrize("field", [signed(), signed(user_id=1), "Bearer " + mint(SECRET, 1, green=True)])
async def test_a_token_of_either_backend_is_good(front: Front, field: str) -> None:
    answer = await front.both(request("GET", "auth/me", fields={"Authorization": field}))
    assert (answer.status, loads(answer)["username"]) == (200, ADMIN.username)


@pytest.mark.parametrize(
    ("method", "target", "user"),
    [
        ("GET", "cadets", CADET),
        ("GET", "cadets/2", CADET),
        ("GET", "grading/cadets/2/summary", CADET),
        ("POST", "messaging/broadcast", TRAINING_STAFF),
        ("DELETE", "cadets/2", TRAINING_STAFF),
        ("GET", "system/audit-logs", TRAINING_STAFF),
    ],
)
async def test_a_wrong_role_is_a_403(front: Front, method: str, target: str, user: Login) -> None:
    answer = await front.both(request(method, target, user.user_id))
    assert (answer.status, loads(answer)) == (403, {"message": WRONG_ROLE})


@pytest.mark.parametrize("login", KNOWN_LOGINS, ids=lambda login: str(login.username))
async def test_a_login_gives_a_token_with_nodes_claims_for_seven_days(front: Front, login: Login) -> None:
    answer = await front.both(log_in(login.username, login.password), "token")
    body = loads(answer)
    assert (answer.status, body["role"], body["cadetId"], body["staffId"]) == (
        200, login.role, login.cadet_id, login.staff_id,
    )  # fmt: skip
    token = body["token"]
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert list(claims) == ["id", "role", "cadetId", "staffId", "iat", "exp"]
    assert (claims["id"], claims["exp"] - claims["iat"]) == (login.user_id, WEEK)
    me = await front.both(request("GET", "auth/me", fields={"Authorization": f"Bearer {token}"}))
    assert loads(me)["id"] == login.user_id


async def test_a_login_is_by_username_address_or_student_id_and_regards_letter_case(front: Front) -> None:
    student = front.value("SELECT student_id FROM cadets WHERE id = %s", CADET.cadet_id)
    assert (await front.both(log_in(student, CADET.password), "token")).status == 200
    for name in (CADET.username.upper(), f"{CADET.username} "):
        refused = await front.both(log_in(name, CADET.password))
        assert (refused.status, loads(refused)) == (401, {"message": "Invalid credentials"})


@pytest.mark.parametrize("body", [{}, {"username": "admin"}, {"username": 1, "password": "x"}, b"", b"[]"])
async def test_a_login_without_its_two_texts_is_a_400(front: Front, body: Any) -> None:
    answer = await front.both(request("POST", "auth/login", body=body))
    assert (answer.status, loads(answer)) == (400, {"message": "Username and password are required"})


# --- passwords


@pytest.mark.parametrize("username", ODD_PASSWORDS)
async def test_every_odd_hash_opens_with_its_password_and_with_no_other(front: Front, username: str) -> None:
    password, _ = ODD_PASSWORDS[username]
    assert (await front.through(log_in(username, password))).status == 200
    refused = await front.through(log_in(username, "!" + password))
    assert (refused.status, loads(refused)) == (401, {"message": "Invalid credentials"})


async def test_a_password_counts_up_to_its_72nd_byte(front: Front) -> None:
    for password, status in ((CUT, 200), (CUT + "anything", 200), (CUT[:-1], 401), (CUT[:-1] + "y", 401)):
        assert (await front.both(log_in("odd-long", password), *(["token"] if status == 200 else []))).status == status


@pytest.mark.parametrize("username", NO_HASHES)
async def test_a_stored_text_that_is_no_hash_lets_nobody_in_and_crashes_nothing(front: Front, username: str) -> None:
    for password in ("x", NO_HASHES[username] or "y"):
        answer = await front.both(log_in(username, password))
        assert (answer.status, loads(answer)) == (401, {"message": "Invalid credentials"})
    assert await front.is_well()


@pytest.mark.parametrize(
    "stored", ["x" * 60, "$2a$99$" + "x" * 53, "$2a$10$" + "!" * 53, "$3a$10$" + "x" * 53, "$" * 60]
)
async def test_a_stored_text_as_long_as_a_hash_is_none_either(front: Front, stored: str) -> None:
    front.rows("UPDATE users SET password = %s WHERE username = 'odd-plain' RETURNING id", stored)
    for password in ("x", stored):
        answer = await front.both(log_in("odd-plain", password))
        assert (answer.status, loads(answer)) == (401, {"message": "Invalid credentials"})
    assert await front.is_well()


async def test_a_new_password_is_hashed_as_bcryptjs_does_and_cut_at_72_bytes_too(front: Front) -> None:
    user = front.value(
        "INSERT INTO users (username, password, role, is_approved) VALUES ('quirky', %s, 'admin', 1) RETURNING id",
        HASHES[ADMIN.password],
    )
    long = "ñ" * 36 + " what follows counts for nothing"
    fields = {"Authorization": signed(id=user)}
    for current, new, status in (
        ("wrong", long, 400), (ADMIN.password, "short", 400), (ADMIN.password, long, 200),
    ):  # fmt: skip
        body = {"currentPassword": current, "newPassword": new}
        assert (await front.through(request("PUT", "auth/password", body=body, fields=fields))).status == status
    stored = front.value("SELECT password FROM users WHERE id = %s", user)
    assert (stored[:7], len(stored)) == ("$2a$10$", 60)
    for password, status in ((long, 200), ("ñ" * 36, 200), ("ñ" * 35, 401), (ADMIN.password, 401)):
        assert (await front.through(log_in("quirky", password))).status == status
