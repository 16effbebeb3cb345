"""Activities: their images, who takes part, and who may change them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.activities.models import Activity
from apps.authentication.models import User
from tests.django_backend.people import Ask, cadet, form, picture, refusal, told


def images(row: dict[str, Any]) -> Any:
    return json.loads(row["images"])


def titles(answer: Any) -> list[str]:
    return [row["title"] for row in told(answer)["data"]]


def test_lists_are_latest_first_as_text_and_without_a_date_before_all(ask: Ask, alice: User) -> None:
    for title, date in [("a", "2024-08-03"), ("b", None), ("c", "August 3"), ("d", "2024-08-03")]:
        Activity.objects.create(title=title, date=date)
    assert titles(ask("get", "activities", by=alice)) == ["b", "c", "d", "a"]
    assert told(ask("get", "activities?page=2&limit=3", by=alice))["total"] == 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [("type=activity", ["Run"]), ("search=ews", ["News"]), ("search=EWS", []), ("search=%25", [])],
)
def test_a_list_shows_what_was_asked_for(ask: Ask, alice: User, query: str, expected: list[str]) -> None:
    Activity.objects.create(title="Run", type="activity")
    Activity.objects.create(title="News", type="announcement")
    assert titles(ask("get", f"activities?{query}", by=alice)) == expected


def test_json_takes_the_urls_of_images_as_they_are(ask: Ask, bob: User) -> None:
    body = {"title": "Run", "images": ["/uploads/a.jpg", "https://host/é.jpg"], "date": 2024, "created_by": 99}
    answer = ask("post", "activities", by=bob, body=body)
    row = told(answer)
    assert answer.status_code == 201
    assert row["images"] == '["/uploads/a.jpg","https://host/é.jpg"]'
    assert (row["type"], row["date"], row["created_by"]) == ("activity", "2024", bob.pk)
    changed = told(ask("put", f"activities/{row['id']}", by=bob, body={"images": None, "location": "Gym"}))
    assert (changed["images"], changed["location"], changed["title"]) == (None, "Gym", "Run")
    assert changed["updated_at"] > row["updated_at"]


def test_a_form_brings_files_and_empty_fields_are_null(ask: Ask, bob: User, uploads: Path) -> None:
    data = {"title": "Run", "location": "", "images": [picture("a.png"), picture("b.x y")]}
    row = told(ask("post", "activities", by=bob, data=data))
    assert row["location"] is None
    first, second = images(row)
    assert first.startswith("/uploads/") and first.endswith(".png") and "." not in second
    assert {path.name for path in uploads.iterdir()} == {url.rpartition("/")[2] for url in images(row)}


def test_files_come_behind_the_images_or_take_their_place(ask: Ask, bob: User) -> None:
    made = Activity.objects.create(title="Run", images='["/uploads/old.jpg"]')

    def put(**fields: Any) -> Any:
        return told(ask("put", f"activities/{made.pk}", by=bob, **form(fields)))

    assert len(images(put(images=[picture()]))) == 2
    assert images(put(replace_images="false", images=[picture()]))[0] == "/uploads/old.jpg"
    assert len(images(put(replace_images="true", images=[picture()]))) == 1
    assert put(title="Walk")["images"] != "[]"
    assert images(put(replace_images="true")) == []


@pytest.mark.parametrize("stored", ["nonsense", '"text"', "5"])
def test_images_that_are_no_list_cannot_be_added_to_but_replaced(ask: Ask, bob: User, stored: str) -> None:
    made = Activity.objects.create(title="Run", images=stored)
    for extra, status in [({}, 400), ({"replace_images": "true"}, 200)]:
        sent = form({"images": picture(), **extra})
        assert ask("put", f"activities/{made.pk}", by=bob, **sent).status_code == status


def test_an_activity_needs_a_title_and_refuses_what_is_not_its_own(ask: Ask, bob: User, uploads: Path) -> None:
    assert refusal(ask("post", "activities", by=bob, body={})) == (400, "Title is required")
    assert refusal(ask("post", "activities", by=bob, data={"images": picture()})) == (400, "Title is required")
    assert refusal(ask("post", "activities", by=bob, body={"title": "x", "type": []})) == (400, "Invalid input")
    many = {"title": "Run", "images": [picture(f"{number}.png") for number in range(11)]}
    assert refusal(ask("post", "activities", by=bob, data=many)) == (400, "Unexpected file")
    assert refusal(ask("post", "activities", by=bob, data={"title": "a", "other": picture()}))[0] == 400
    for wrong in ("x", [1], {"a": 1}):
        assert refusal(ask("post", "activities", by=bob, body={"title": "a", "images": wrong}))[0] == 400
    assert not Activity.objects.exists() and not uploads.exists()


def test_one_activity_is_shown_with_those_who_take_part(ask: Ask, alice: User, bob: User) -> None:
    made = Activity.objects.create(title="Run")
    other = cadet("x", company="Alpha")
    path = f"activities/{made.pk}/participants"
    body = {"cadet_ids": [other.pk, alice.cadet_id, other.pk]}
    assert told(ask("post", path, by=bob, body=body)) == {"added": 2}
    assert told(ask("post", path, by=bob, body={"cadet_ids": [str(other.pk)]})) == {"added": 0}
    shown = told(ask("get", f"activities/{made.pk}", by=alice))["participants"]
    assert [row["id"] for row in shown] == sorted([other.pk, alice.cadet_id])
    assert {"id": other.pk, "first_name": "Ana", "last_name": "Cruz", "company": "Alpha"} in shown
    assert told(ask("delete", f"{path}/{other.pk}", by=bob)) == {"message": "Participant removed"}
    assert refusal(ask("delete", f"{path}/{other.pk}", by=bob)) == (404, "Participant not found")


@pytest.mark.parametrize("ids", [None, "1", ["x"], [None], [1.5]])
def test_participants_are_a_list_of_ids(ask: Ask, bob: User, ids: Any) -> None:
    made = Activity.objects.create(title="Run")
    assert refusal(ask("post", f"activities/{made.pk}/participants", by=bob, body={"cadet_ids": ids}))[0] == 400


@pytest.mark.django_db(transaction=True)
def test_an_unknown_cadet_leaves_nobody_added(ask: Ask, bob: User) -> None:
    made = Activity.objects.create(title="Run")
    body = {"cadet_ids": [cadet("1").pk, 999999]}
    assert refusal(ask("post", f"activities/{made.pk}/participants", by=bob, body=body))[0] == 400
    assert refusal(ask("post", "activities/999999/participants", by=bob, body=body))[0] == 400
    assert made.participants.count() == 0


def test_a_deleted_activity_takes_its_participants_along(ask: Ask, bob: User) -> None:
    made = Activity.objects.create(title="Run")
    made.participants.add(cadet("1"))
    assert told(ask("delete", f"activities/{made.pk}", by=bob)) == {"message": "Activity deleted"}
    assert not Activity.participants.through.objects.exists()
    for method, body in [("get", None), ("put", {}), ("delete", None)]:
        assert refusal(ask(method, f"activities/{made.pk}", by=bob, body=body)) == (404, "Activity not found")


def test_cadets_look_and_do_not_touch(ask: Ask, alice: User) -> None:
    made = Activity.objects.create(title="Run")
    for method, path in [
        *(("post", "activities"), ("put", f"activities/{made.pk}"), ("delete", f"activities/{made.pk}")),
        *(("post", f"activities/{made.pk}/participants"), ("delete", f"activities/{made.pk}/participants/1")),
    ]:
        assert refusal(ask(method, path, by=alice, body={"title": "x"})) == (403, "Access denied")
