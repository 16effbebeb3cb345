"""Pitfalls B1 to B8: whoever could log in on one side can on the other, before and after, with the old password."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password, identify_hasher, is_password_usable

from migration.copy import copy
from migration.errors import Stopped
from migration.mappings import ROTC
from stack.sample.passwords import HASHES, password_of_user
from tests.django_backend.people import NODE_HASHES
from tests.migration.logins import node_accepts
from tests.migration.people import Make, moved_and_verified, one, rows, run, told, user

NO_HASH = "k5Jt0+Zq2wXo9fB1mN7cVrYhGdLsPuEa3iTb4WxQzR6yKjHnMvCpDg=="


def stored(url: str) -> dict[int, str]:
    return dict(rows(url, "SELECT id, password FROM users ORDER BY id"))


def with_password(number: int, text: str) -> str:
    quoted = text.replace("'", "''")
    return user(number, password=f"'{quoted}'")


def carried(node: str, django: str, *passwords: str) -> dict[int, str]:
    run(node, *(with_password(number, text) for number, text in enumerate(passwords, start=1)))
    moved_and_verified(node, django)
    return stored(django)


def test_pitfall_b1_the_prefix_makes_the_plain_bcrypt_hasher_verify_the_hash(node: str, django: str) -> None:
    password, node_hash = NODE_HASHES["plain"]
    assert carried(node, django, node_hash) == {1: f"bcrypt${node_hash}"}
    assert check_password(password, stored(django)[1])
    assert not check_password(password, f"bcrypt_sha256${node_hash}")


def test_pitfall_b2_the_hasher_of_every_migrated_hash_is_installed(node: str, django: str) -> None:
    for text in carried(node, django, *(node_hash for _, node_hash in NODE_HASHES.values())).values():
        assert identify_hasher(text).algorithm == "bcrypt"


def test_pitfall_b3_no_login_rewrites_a_hash_so_that_node_still_knows_it(
    make: Make, node_template: str, node: str, django: str
) -> None:
    password, node_hash = NODE_HASHES["cost4"]
    rewritten: list[str] = []
    assert check_password(password, carried(node, django, node_hash)[1], setter=rewritten.append)
    assert rewritten == []
    back = make(node_template)
    copy(django, back, ROTC)
    assert stored(back) == {1: node_hash}


@pytest.mark.parametrize("kind", ["long", "emoji"])
def test_pitfall_b4_a_password_over_72_bytes_logs_in_on_both_sides(node: str, django: str, kind: str) -> None:
    password, node_hash = NODE_HASHES[kind]
    assert len(password.encode()) > 72
    assert check_password(password, carried(node, django, node_hash)[1])
    assert node_accepts([(password, node_hash)]) == [True]


def test_pitfall_b5_a_password_with_nul_logs_in_on_both_sides(node: str, django: str) -> None:
    password, node_hash = NODE_HASHES["nul"]
    assert check_password(password, carried(node, django, node_hash)[1])
    assert node_accepts([(password, node_hash)]) == [True]


def test_pitfall_b6_the_three_dialects_of_bcrypt_are_carried_as_they_are(node: str, django: str) -> None:
    dialects = [NODE_HASHES[kind] for kind in ("plain", "2b", "2y")]
    found = carried(node, django, *(node_hash for _, node_hash in dialects))
    assert all(check_password(password, found[number]) for number, (password, _) in enumerate(dialects, start=1))
    assert node_accepts(dialects) == [True, True, True]


def test_pitfall_b7_what_was_typed_does_not_matter_because_hashes_are_carried_letter_by_letter(
    node: str, django: str, make: Make, node_template: str
) -> None:
    hashes = [node_hash for _, node_hash in NODE_HASHES.values()]
    assert list(carried(node, django, *hashes).values()) == [f"bcrypt${node_hash}" for node_hash in hashes]
    back = make(node_template)
    moved_and_verified(django, back)
    assert list(stored(back).values()) == hashes


def test_pitfall_b8_what_is_no_hash_becomes_unusable_is_reported_and_comes_back_as_it_was(
    node: str, django: str, make: Make, node_template: str
) -> None:
    texts = [NO_HASH, "", "!", "!!", "bcrypt$", f"bcrypt${HASHES['Parade-Ground-1']}", "$2a$10$short", "plain text",
             HASHES["Parade-Ground-1"] + "\n", "$2a$1x$" + "a" * 53]  # fmt: skip
    run(node, *(with_password(number, text) for number, text in enumerate(texts, start=1)))
    report = copy(node, django, ROTC)
    assert not any(is_password_usable(text) for text in stored(django).values())
    assert not any(check_password("Parade-Ground-1", text) for text in stored(django).values())
    assert [(note.kind, note.column) for note in report.findings if note.table == "users"] == [("unusable", "password")]
    assert f"{len(texts)} rows" in str(report.findings)
    back = make(node_template)
    moved_and_verified(django, back)
    assert list(stored(back).values()) == texts


@pytest.mark.parametrize(
    "text", ["pbkdf2_sha256$1000000$salt$hash", "bcrypt$plain", f"!{HASHES['Parade-Ground-1']}", "no prefix"]
)
def test_a_hash_that_node_could_not_verify_stops_the_way_back(django: str, node: str, text: str) -> None:
    run(django, with_password(7, text))
    with pytest.raises(Stopped) as stopped:
        copy(django, node, ROTC)
    assert told(stopped.value.findings) == [("users", "foreign_hash", "7", "password")]
    assert one(node, "SELECT count(*) FROM users") == 0


def test_every_account_of_the_school_with_a_known_password_logs_in_on_django_and_after_going_back_on_node(
    school: str, moved: str, make: Make, node_template: str
) -> None:
    known = {number: password for number in range(1, 304) if (password := password_of_user(number)) is not None}
    assert len(known) > 250
    # Many accounts share a password and its hash; every pair that occurs is tried, once.
    there = stored(moved)
    pairs = {(password, there[number]) for number, password in known.items()}
    assert len(pairs) == len(HASHES)
    assert all(check_password(*pair) for pair in pairs)
    back = make(node_template)
    moved_and_verified(moved, back)
    here = stored(back)
    assert here == stored(school)
    assert all(node_accepts(sorted({(password, here[number]) for number, password in known.items()})))
