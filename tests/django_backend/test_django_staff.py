"""The training staff: who sees and changes whom, how lists are ordered and filtered, and what a row is."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.authentication.models import User
from apps.staff.models import Staff
from common.roles import Role
from tests.django_backend.people import Ask, person, refusal, told

COLUMNS = [
    *("id", "rank", "first_name", "middle_name", "last_name", "suffix_name", "email", "contact_number", "role"),
    *("afpsn", "birthdate", "age", "height", "weight", "blood_type", "address", "civil_status", "nationality"),
    *("gender", "is_profile_completed", "is_archived", "created_at", "updated_at"),
]


def member(last_name: str, **columns: Any) -> Staff:
    return Staff.objects.create(**{"first_name": "Rosa", "last_name": last_name, **columns})


def names(answer: Any) -> list[str]:
    return [row["last_name"] for row in told(answer)["data"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Abad", "Reyes"]),
        ("search=Ros", ["Abad", "Reyes"]),
        ("search=ros", []),
        ("search=r@x", ["Reyes"]),
        ("role=Commandant", ["Reyes"]),
        ("role=commandant", []),
        ("includeArchived=true", ["Abad", "Old", "Reyes"]),
    ],
)
def test_a_list_shows_what_was_asked_for(ask: Ask, bob: User, query: str, expected: list[str]) -> None:
    member("Reyes", role="Commandant", email="r@x")
    member("Old", is_archived=True)
    member("Abad", is_archived=False)
    assert names(ask("get", f"staff?{query}", by=bob)) == expected


def test_an_admin_takes_on_a_member_of_staff(ask: Ask, carol: User) -> None:
    body = {"first_name": "Rosa", "last_name": "Abad", "age": "41", "birthdate": "sometime", "id": 9, "x": 1}
    answer = ask("post", "staff", by=carol, body=body)
    row = told(answer)
    assert answer.status_code == 201 and list(row) == COLUMNS
    assert (row["age"], row["birthdate"], row["role"], row["email"]) == (41, "sometime", "Instructor", None)
    assert told(ask("get", f"staff/{row['id']}", by=carol)) == row


def test_an_address_is_taken_once_also_the_empty_one(ask: Ask, carol: User) -> None:
    member("Abad", email="")
    body = {"first_name": "A", "last_name": "B", "email": ""}
    assert refusal(ask("post", "staff", by=carol, body=body)) == (409, "Already exists")
    assert ask("post", "staff", by=carol, body={**body, "email": None}).status_code == 201


@pytest.mark.parametrize("missing", ["first_name", "last_name"])
def test_a_member_of_staff_needs_a_name(ask: Ask, carol: User, missing: str) -> None:
    body = {"first_name": "A", "last_name": "B", missing: ""}
    assert refusal(ask("post", "staff", by=carol, body=body)) == (400, "Missing required fields")


def test_members_of_staff_change_themselves_and_nobody_else(ask: Ask, carol: User) -> None:
    own, other = member("Abad"), member("Reyes")
    by = person("rosa", Role.TRAINING_STAFF, staff=own)
    assert told(ask("patch", f"staff/{own.pk}", by=by, body={"rank": "Cpt"}))["rank"] == "Cpt"
    assert told(ask("get", "staff/me", by=by))["last_name"] == "Abad"
    assert refusal(ask("put", f"staff/{other.pk}", by=by, body={"rank": "Cpt"})) == (403, "Access denied")
    assert told(ask("put", f"staff/{other.pk}", by=carol, body={"age": None}))["age"] is None
    assert refusal(ask("get", "staff/me", by=carol)) == (404, "Staff not found")
    for method, path in [("post", "staff"), ("delete", f"staff/{own.pk}"), ("post", "staff/bulk/archive")]:
        assert refusal(ask(method, path, by=by, body={})) == (403, "Access denied")


def test_a_cadet_sees_no_staff(ask: Ask, alice: User) -> None:
    for path in ("staff", "staff/1", "staff/x"):
        assert refusal(ask("get", path, by=alice)) == (403, "Access denied")
    assert refusal(ask("get", "staff/me", by=alice)) == (404, "Staff not found")


def test_staff_are_archived_and_restored_one_by_one_and_at_once(ask: Ask, carol: User) -> None:
    one, two = member("A"), member("B")
    assert told(ask("delete", f"staff/{one.pk}", by=carol)) == {"message": "Staff archived"}
    assert told(ask("post", "staff/bulk/archive", by=carol, body={"ids": [two.pk, 999, None]})) == {"updated": 1}
    assert told(ask("post", "staff/bulk/restore", by=carol, body={"ids": [one.pk, two.pk]})) == {"updated": 2}
    assert not Staff.objects.filter(is_archived=True).exists()
    assert refusal(ask("post", "staff/bulk/archive", by=carol, body={})) == (400, "ids is required")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_a_member_of_staff_who_does_not_exist_is_a_404(ask: Ask, carol: User, method: str) -> None:
    body = None if method == "get" else {}
    assert refusal(ask(method, "staff/999999", by=carol, body=body)) == (404, "Staff not found")
    assert refusal(ask(method, "staff/2abc", by=carol, body=body))[0] == 400


def test_a_spreadsheet_is_imported_wholly_or_not_at_all(ask: Ask, carol: User) -> None:
    def send(text: str) -> Any:
        return ask("post", "staff/import", by=carol, data={"file": SimpleUploadedFile("s.csv", text.encode())})

    assert told(send("first_name,last_name,age,junk\nA,B,30,x\nC,D,,\n")) == {"imported": 2}
    assert list(Staff.objects.order_by("pk").values_list("age", flat=True)) == [30, None]
    assert refusal(send("first_name,last_name,age\nE,F,1\nG,H,old\n"))[0] == 400
    assert refusal(send("first_name,last_name\nE,F\nG,\n")) == (400, "Missing required fields")
    assert refusal(ask("post", "staff/import", by=carol)) == (400, "No file uploaded")
    assert Staff.objects.count() == 2
