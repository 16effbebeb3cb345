"""Passwords: whatever Node hashed keeps working, and whatever is stored never crashes a login."""

from __future__ import annotations

import time

import bcrypt
import pytest
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from hypothesis import given
from hypothesis import strategies as st

from apps.authentication.hashers import LONGEST_PASSWORD, NODE_HASH, NodeBcryptHasher
from tests.django_backend.people import NODE_HASHES

CHEAP = bcrypt.gensalt(4).decode()


@pytest.mark.parametrize("kind", NODE_HASHES)
def test_a_password_that_node_hashed_is_accepted_and_no_other(kind: str) -> None:
    password, node_hash = NODE_HASHES[kind]
    assert check_password(password, f"bcrypt${node_hash}")
    assert not check_password(f"x{password}", f"bcrypt${node_hash}")


def test_a_long_password_counts_up_to_72_bytes_and_no_further() -> None:
    password, node_hash = NODE_HASHES["long"]
    assert len(password.encode()) > LONGEST_PASSWORD
    assert check_password(password[:LONGEST_PASSWORD] + "anything", f"bcrypt${node_hash}")
    assert not check_password(password[: LONGEST_PASSWORD - 1] + "!", f"bcrypt${node_hash}")


def test_a_new_hash_is_one_that_node_can_read() -> None:
    stored = make_password("correct horse")
    assert stored.startswith("bcrypt$$2b$10$")
    assert NODE_HASH.fullmatch(stored.removeprefix("bcrypt$"))


def test_no_other_hasher_can_rewrite_a_hash_at_login() -> None:
    rewritten: list[str] = []
    password, node_hash = NODE_HASHES["cost4"]
    assert settings.PASSWORD_HASHERS == ["apps.authentication.hashers.NodeBcryptHasher"]
    assert check_password(password, f"bcrypt${node_hash}", setter=rewritten.append)
    assert rewritten == []


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "!",
        "bcrypt$",
        "bcrypt$" + "x" * 56,
        NODE_HASHES["plain"][1],
        f"bcrypt_sha256${NODE_HASHES['plain'][1]}",
        f"bcrypt${NODE_HASHES['plain'][1]}\n",
        "bcrypt$$2a$99$" + "." * 53,
        "bcrypt$$2a$10$" + "é" * 53,
        "md5$salt$hash",
    ],
)
def test_a_stored_text_that_is_no_hash_matches_no_password(stored: str) -> None:
    assert check_password(NODE_HASHES["plain"][0], stored) is False


def test_half_a_hash_costs_no_work_whatever_cost_it_names() -> None:
    before = time.perf_counter()
    assert check_password("x", "bcrypt$$2a$16$" + "." * 22) is False
    assert time.perf_counter() - before < 1


@pytest.mark.property_test
@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_every_password_matches_its_own_hash(password: str) -> None:
    hasher = NodeBcryptHasher()
    assert hasher.verify(password, hasher.encode(password, CHEAP))


@pytest.mark.property_test
@given(st.text(min_size=1), st.text())
def test_a_password_matches_exactly_if_its_first_72_bytes_do(one: str, other: str) -> None:
    def seen(password: str) -> bytes:
        # bcrypt itself ends the password with a NUL and repeats it to fill its 72 bytes.
        cut = password.encode("utf-8", "surrogatepass")[:LONGEST_PASSWORD]
        return ((cut + b"\0") * LONGEST_PASSWORD)[:LONGEST_PASSWORD]

    hasher = NodeBcryptHasher()
    assert hasher.verify(other, hasher.encode(one, CHEAP)) == (seen(one) == seen(other))


@pytest.mark.property_test
@given(st.text(alphabet=st.characters()), st.one_of(st.text(), st.from_regex(NODE_HASH, fullmatch=True)))
def test_no_stored_text_makes_the_hasher_raise(password: str, stored: str) -> None:
    # A cost of two digits from a random text may mean hours of work.
    if stored[4:6] < "06" or not NODE_HASH.fullmatch(stored):
        assert NodeBcryptHasher().verify(password, f"bcrypt${stored}") is False
