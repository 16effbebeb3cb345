"""What the fields of bodies are called, and how a form says true, false and nothing."""

from __future__ import annotations

from typing import Any

import pytest

from stack.sample.population import ADMIN, CADET, TRAINING_STAFF
from tests.quirks.front import Front, form, loads, request


@pytest.mark.parametrize(
    ("method", "target", "body", "message"),
    [
        ("POST", "grading/merit-logs", {"cadet_id": 5, "type": "merit", "points": 1}, "Missing required fields"),
        ("POST", "grading/grades", {"cadet_id": 5, "category_id": 3, "score": 1}, "Missing required fields"),
        ("POST", "attendance/mark", {"training_day_id": 1, "cadet_id": 5, "status": "late"}, "Missing required fields"),
        ("POST", "attendance/excuse-letters", {"cadet_id": 5, "date_absent": "x"}, "Cadet and date are required"),
        ("PUT", "auth/password", {"current_password": ADMIN.password}, "Current password is incorrect"),
        ("POST", "cadets", {"firstName": "x", "lastName": "x", "studentId": "x"}, "Missing required fields"),
        ("POST", "staff", {"firstName": "x", "lastName": "x"}, "Missing required fields"),
        ("POST", "activities/3/participants", {"cadetIds": [5]}, "cadet_ids is required"),
    ],
)
async def test_a_field_in_the_other_spelling_is_an_unknown_one(
    front: Front, method: str, target: str, body: dict[str, Any], message: str
) -> None:
    """Quirk 10: bodies are camelCase in some groups and snake_case in others."""
    answer = await front.both(request(method, target, ADMIN.user_id, body))
    assert (answer.status, loads(answer)) == (400, {"message": message})


async def test_the_spelling_of_its_own_group_is_understood_and_the_answer_is_in_that_of_the_columns(
    front: Front,
) -> None:
    """Quirk 10: camelCase in, snake_case out; and snake_case both ways for cadets."""
    mark = {"trainingDayId": 2, "cadetId": 9, "status": "late", "timeIn": "7:55:10 AM", "time_out": "never"}
    row = loads(await front.both(request("POST", "attendance/mark", TRAINING_STAFF.user_id, mark)))
    assert (row["cadet_id"], row["time_in"], row["time_out"]) == (9, "7:55:10 AM", None)
    names = {"middle_name": "Reyes", "middleName": "ignored"}
    changed = loads(await front.both(request("PATCH", "cadets/9", ADMIN.user_id, names), "updated_at"))
    assert changed["middle_name"] == "Reyes" and "middleName" not in changed
    settings = {"darkMode": True, "dark_mode": False}
    assert loads(await front.both(request("PUT", "auth/settings", CADET.user_id, settings)))["darkMode"] is True


@pytest.mark.parametrize(
    ("word", "is_true"), [("true", True), ("false", False), ("True", False), ("1", False), ("on", False), ("", False)]
)
async def test_only_the_word_true_is_true_in_a_form(front: Front, word: str, is_true: bool) -> None:
    """Quirk 10: multipart booleans are the strings 'true' and 'false'."""
    sent = form("POST", "files/upload", CADET.user_id, {"embed": word}, ("file", "a.txt", "Tanglaw"))
    but = ("id", "created_at") if is_true else ("id", "created_at", "url")
    url = loads(await front.both(sent, *but))["url"]
    assert (url == "data:text/plain;base64,VGFuZ2xhdw==") is is_true
    assert url.startswith("/uploads/") is not is_true


async def test_a_form_replaces_images_with_a_word_and_an_empty_field_of_it_is_null(front: Front) -> None:
    """Quirk 10: 'true' in a form empties the list, 'false' adds to it, '' is NULL."""
    made = await front.post("activities", {"title": "x", "location": "Gym", "images": ["/uploads/a.jpg"]})
    target = f"activities/{made['id']}"
    assert made["images"] == '["/uploads/a.jpg"]'
    kept = form("PUT", target, ADMIN.user_id, {"replace_images": "false", "location": ""})
    row = loads(await front.both(kept, "updated_at"))
    assert (row["images"], row["location"]) == ('["/uploads/a.jpg"]', None)
    emptied = form("PUT", target, ADMIN.user_id, {"replace_images": "true"})
    assert loads(await front.both(emptied, "updated_at"))["images"] == "[]"
