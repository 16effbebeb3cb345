"""Tokens: those of both backends are good, all others are refused in the agreed words."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from apps.authentication.models import User
from common.authentication import bearer_token
from common.exceptions import TokenRefused
from common.tokens import token_user_id
from tests.django_backend.people import Ask, refusal, told

WEEK = 7 * 24 * 3600


def signed(secret: str | None = None, algorithm: str = "HS256", **claims: Any) -> str:
    """A token as Node signs it, but for what the arguments change."""
    return jwt.encode({"exp": int(time.time()) + WEEK, **claims}, secret or settings.JWT_SECRET, algorithm=algorithm)


def bearing(token: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Authorization": f"Bearer {token}"}}


@pytest.mark.parametrize("claim", ["id", "user_id"])
def test_a_token_of_either_backend_is_good(ask: Ask, alice: User, claim: str) -> None:
    answer = ask("get", "auth/me", **bearing(signed(**{claim: alice.pk})))
    assert told(answer)["username"] == "alice"


def test_what_node_does_not_look_at_is_not_looked_at_here(ask: Ask, alice: User) -> None:
    odd = signed(id=alice.pk, aud="elsewhere", iss="nobody", sub=7, jti=7, iat=int(time.time()) + 60)
    assert ask("get", "auth/me", **bearing(odd)).status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Token x", "bearerx"])
def test_without_a_token_it_is_a_401(ask: Ask, db: None, header: str) -> None:
    answer = ask("get", "auth/me", headers={"Authorization": header} if header else {})
    assert refusal(answer) == (401, "No token provided")
    assert answer["WWW-Authenticate"] == "Bearer"


def refused_tokens() -> dict[str, str]:
    good = signed(id=1)
    return {
        "nonsense": "x.y.z",
        "two words": "a b",
        "another secret": signed(secret="another secret that is long enough", id=1),
        "expired": signed(id=1, exp=int(time.time()) - 1),
        "not yet good": signed(id=1, nbf=int(time.time()) + 60),
        "another algorithm": signed(algorithm="HS512", secret=settings.JWT_SECRET * 2, id=1),
        "no signature": jwt.encode({"id": 1}, None, algorithm="none"),
        "cut short": good[:-2],
        "no user": signed(),
        "a user who is no number": signed(id="1"),
        "a user who is a truth": signed(id=True),
        "a user who is not there": signed(id=2**31 - 1),
        "a user beyond the column": signed(id=2**40),
        "not even ASCII": "é",
    }


@pytest.mark.parametrize("kind", refused_tokens())
def test_a_bad_token_is_a_403(ask: Ask, alice: User, kind: str) -> None:
    answer = ask("get", "auth/me", **bearing(refused_tokens()[kind]))
    assert refusal(answer) == (403, "Session expired or invalid token")


def test_a_truth_is_not_the_first_user() -> None:
    assert token_user_id(signed(id=1)) == 1
    with pytest.raises(TokenRefused):
        token_user_id(signed(id=True))


def test_who_was_deactivated_since_the_login_is_out(ask: Ask, alice: User) -> None:
    token = bearing(signed(id=alice.pk))
    assert ask("get", "auth/me", **token).status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert refusal(ask("get", "auth/me", **token)) == (403, "Session expired or invalid token")


@pytest.mark.property_test
@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Zs", "Cc"]), min_size=1))
def test_the_word_before_a_token_may_be_in_any_letter_case(token: str) -> None:
    for word in ("Bearer", "bearer", "BEARER"):
        assert bearer_token(f"{word} {token.strip()}") == (token.strip() or None)


@pytest.mark.property_test
@given(st.text())
def test_no_text_that_we_did_not_sign_is_a_token(text: str) -> None:
    with pytest.raises(TokenRefused):
        token_user_id(text)
