"""Cadets: who sees and changes whom, how lists are ordered and filtered, and what a row is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.authentication.models import User
from apps.cadets.models import Cadet
from tests.django_backend.people import Ask, cadet, refusal, told

NEW = {"first_name": "Dina", "last_name": "Abad", "student_id": "2024-1"}
COLUMNS = [
    *("id", "rank", "first_name", "middle_name", "last_name", "suffix_name", "email", "contact_number", "address"),
    *("course", "year_level", "school_year", "battalion", "company", "platoon", "cadet_course", "semester"),
    *("corp_position", "gender", "religion", "birthdate", "status", "student_id", "profile_pic"),
    *("is_profile_completed", "is_archived", "created_at", "updated_at"),
]


def students(answer: Any) -> list[str]:
    return [row["student_id"] for row in told(answer)["data"]]


def test_a_row_is_all_columns_of_the_table(ask: Ask, bob: User) -> None:
    long_ago = datetime(2024, 8, 5, 1, 0, 0, 123456, tzinfo=UTC)
    made = cadet("1", year_level="2nd Year", birthdate="2003-04-05", created_at=long_ago)
    row = told(ask("get", f"cadets/{made.pk}", by=bob))
    assert list(row) == COLUMNS
    assert row["birthdate"] == "2003-04-05"
    assert row["created_at"] == "2024-08-05T01:00:00.123456Z"
    assert row["status"] == "Ongoing" and row["is_archived"] is None


def test_lists_are_by_name_then_id_a_page_at_a_time(ask: Ask, bob: User) -> None:
    for student_id, last, first in [("c", "B", "A"), ("b", "A", "B"), ("a", "A", "A"), ("d", "A", "A")]:
        cadet(student_id, last_name=last, first_name=first)
    assert students(ask("get", "cadets", by=bob)) == ["a", "d", "b", "c"]
    page = told(ask("get", "cadets?page=2&limit=3", by=bob))
    assert (page["page"], page["limit"], page["total"]) == (2, 3, 4)
    assert [row["student_id"] for row in page["data"]] == ["c"]
    assert list(page["data"][0]) == COLUMNS


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("search=Cru", ["1", "2"]),
        ("search=cru", []),
        ("search=2", ["2"]),
        ("search=%25", ["%"]),
        ("search=_", []),
        ("search=", ["1", "2", "%"]),
        ("company=Alpha", ["1"]),
        ("company=alpha", []),
        ("company=Alpha&course=BSIT", []),
        ("course=BSIT&unknown=1", ["2"]),
        ("includeArchived=true", ["1", "2", "%", "old"]),
        ("includeArchived=1", ["1", "2", "%"]),
    ],
)
def test_a_list_shows_what_was_asked_for(ask: Ask, bob: User, query: str, expected: list[str]) -> None:
    cadet("1", company="Alpha", is_archived=None)
    cadet("2", course="BSIT", is_archived=False)
    cadet("%", last_name="D")
    cadet("old", last_name="E", is_archived=True)
    assert students(ask("get", f"cadets?{query}", by=bob)) == expected


def test_a_page_never_holds_more_than_100_and_may_hold_none(ask: Ask, bob: User) -> None:
    for number in range(101):
        cadet(str(number))
    assert len(students(ask("get", "cadets?limit=1000", by=bob))) == 100
    assert told(ask("get", "cadets?limit=1000", by=bob))["limit"] == 100
    assert len(students(ask("get", "cadets", by=bob))) == 20
    assert students(ask("get", "cadets?limit=0", by=bob)) == []
    assert students(ask("get", "cadets?page=9007199254740992", by=bob)) == []


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=1.5", "limit=-1", "page=" + "9" * 17])
def test_a_page_that_cannot_be_is_refused(ask: Ask, bob: User, query: str) -> None:
    assert refusal(ask("get", f"cadets?{query}", by=bob))[0] == 400


def test_a_list_costs_the_same_three_queries_however_long_it_is(
    ask: Ask, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        cadet(str(number))
        if number in (0, 29):
            with django_assert_num_queries(3):
                assert ask("get", "cadets?search=2&limit=100", by=bob).status_code == 200


def test_staff_enrol_a_cadet(ask: Ask, bob: User) -> None:
    body = {**NEW, "birthdate": "2003-04-05T00:00:00.000Z", "year_level": 2, "is_archived": "false", "id": 7, "x": 1}
    answer = ask("post", "cadets", by=bob, body=body)
    row = told(answer)
    assert answer.status_code == 201 and list(row) == COLUMNS
    assert row["birthdate"] == "2003-04-05" and row["year_level"] == "2" and row["is_archived"] is False
    assert row["status"] == "Ongoing" and row["created_at"] == row["updated_at"] > "2024"
    assert told(ask("get", f"cadets/{row['id']}", by=bob)) == row


@pytest.mark.parametrize("missing", ["first_name", "last_name", "student_id"])
def test_a_cadet_needs_a_name_and_a_student_id(ask: Ask, bob: User, missing: str) -> None:
    without = {column: value for column, value in NEW.items() if column != missing}
    for body in (without, *({**NEW, missing: nothing} for nothing in (None, "", 0, False))):
        assert refusal(ask("post", "cadets", by=bob, body=body)) == (400, "Missing required fields")
    assert not Cadet.objects.exists()


def test_a_student_id_that_is_taken_is_a_conflict(ask: Ask, bob: User) -> None:
    cadet("2024-1")
    assert refusal(ask("post", "cadets", by=bob, body=NEW)) == (409, "Already exists")
    other = cadet("other")
    assert refusal(ask("patch", f"cadets/{other.pk}", by=bob, body={"student_id": "2024-1"}))[0] == 409


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_change_touches_the_columns_that_were_sent_and_the_time(ask: Ask, bob: User, method: str) -> None:
    made = cadet("1", company="Alpha", created_at=datetime(2024, 1, 1, tzinfo=UTC))
    body = {"company": None, "rank": "Pvt", "id": 99, "created_at": "2000-01-01", "updated_at": "2000-01-01"}
    row = told(ask(method, f"cadets/{made.pk}", by=bob, body=body))
    assert (row["id"], row["company"], row["rank"], row["last_name"]) == (made.pk, None, "Pvt", "Cruz")
    assert row["created_at"] == "2024-01-01T00:00:00Z"
    assert row["updated_at"] > "2024"


@pytest.mark.parametrize(
    "body",
    [
        {"first_name": None},
        {"first_name": {}},
        {"rank": ["x"]},
        {"rank": "a\0b"},
        {"birthdate": "2003-02-30"},
        {"birthdate": ""},
        {"birthdate": 5},
        {"is_archived": "perhaps"},
        {"is_archived": 2},
    ],
)
def test_a_value_that_the_column_cannot_hold_is_refused_by_name(ask: Ask, bob: User, body: dict[str, Any]) -> None:
    made = cadet("1")
    answer = ask("patch", f"cadets/{made.pk}", by=bob, body=body)
    assert refusal(answer) == (400, "Invalid input")
    assert list(told(answer)["details"]) == list(body)


def test_a_cadet_reads_and_writes_its_own_row_only(ask: Ask, alice: User, charlie: User) -> None:
    own, other = f"cadets/{alice.cadet_id}", f"cadets/{charlie.cadet_id}"
    assert told(ask("get", own, by=alice)) == told(ask("get", "cadets/me", by=alice))
    assert told(ask("put", own, by=alice, body={"religion": "none"}))["religion"] == "none"
    assert told(ask("patch", own, by=alice, body={"religion": None}))["religion"] is None
    for method, path in [
        *(("get", other), ("put", other), ("patch", other), ("delete", own), ("delete", other), ("get", "cadets")),
        *(("post", "cadets"), ("post", "cadets/bulk/archive"), ("post", "cadets/bulk/restore")),
        *(("post", "cadets/import"), ("get", "cadets/2147483647"), ("get", "cadets/x")),
    ]:
        assert refusal(ask(method, path, by=alice, body={} if method != "get" else None)) == (403, "Access denied")


def test_only_an_admin_archives_one_cadet_and_imports_many(ask: Ask, bob: User) -> None:
    made = cadet("1")
    assert refusal(ask("delete", f"cadets/{made.pk}", by=bob)) == (403, "Access denied")
    assert refusal(ask("post", "cadets/import", by=bob)) == (403, "Access denied")


def test_an_archived_cadet_is_kept(ask: Ask, carol: User) -> None:
    made = cadet("1")
    assert told(ask("delete", f"cadets/{made.pk}", by=carol)) == {"message": "Cadet archived"}
    assert Cadet.objects.values_list("is_archived", "updated_at").get() == (True, None)


@pytest.mark.parametrize("number", ["999999", "-1", "0", "2147483648", "9" * 18])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_cadet_that_does_not_exist_is_a_404(ask: Ask, carol: User, method: str, number: str) -> None:
    answer = ask(method, f"cadets/{number}", by=carol, body={} if method in ("put", "patch") else None)
    assert refusal(answer) == (404, "Cadet not found")


@pytest.mark.parametrize("word", ["2abc", "x", "1.0", "9" * 5000, "%00", "²", "1%0a"])
@pytest.mark.parametrize("method", ["get", "delete"])
def test_an_id_that_is_no_integer_is_a_400(ask: Ask, carol: User, method: str, word: str) -> None:
    assert refusal(ask(method, f"cadets/{word}", by=carol))[0] == 400


def test_a_user_who_is_no_cadet_has_no_own_row(ask: Ask, bob: User) -> None:
    assert refusal(ask("get", "cadets/me", by=bob)) == (404, "Cadet not found")


def test_many_are_archived_and_restored_at_once(ask: Ask, bob: User) -> None:
    one, two, three = (cadet(str(number)).pk for number in range(3))
    answer = ask("post", "cadets/bulk/archive", by=bob, body={"ids": [one, str(two), one, None, 999999]})
    assert told(answer) == {"updated": 2}
    assert list(Cadet.objects.order_by("pk").values_list("is_archived", flat=True)) == [True, True, None]
    assert told(ask("post", "cadets/bulk/restore", by=bob, body={"ids": [two, three]})) == {"updated": 2}
    assert list(Cadet.objects.order_by("pk").values_list("is_archived", flat=True)) == [True, False, False]
    assert told(ask("post", "cadets/bulk/restore", by=bob, body={"ids": []})) == {"updated": 0}


@pytest.mark.parametrize("ids", [None, "1", {}, ["x"], [1.5], [True], [2**31], [[1]]])
def test_one_bad_id_leaves_all_cadets_as_they_were(ask: Ask, bob: User, ids: Any) -> None:
    made = cadet("1")
    mixed = [made.pk, *ids] if isinstance(ids, list) else ids
    assert refusal(ask("post", "cadets/bulk/archive", by=bob, body={"ids": mixed}))[0] == 400
    assert Cadet.objects.values_list("is_archived", flat=True).get() is None
