"""Statuses that a client had to get used to, and raw texts behind some of them."""

from __future__ import annotations

from typing import Any

import pytest

from stack.sample.population import ADMIN
from tests.quirks.front import Front, loads, request

NOBODY = 999_999_999


NO_FILE = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        ("activities", {"title": "x"}, 200),
        ("attendance/days", {"date": "x", "title": "x"}, 200),
        ("grading/merit-logs", {"cadetId": 5, "type": "merit", "points": 1}, 200),
        ("messaging/rooms/x/messages", {"content": "x"}, 200),
        ("messaging/broadcast", {"message": "x"}, 200),
        ("staff", {"first_name": "x", "last_name": "x"}, 201),
    ],
)
async def test_a_post_that_creates_answers_200_here_and_201_there(
    front: Front, target: str, body: dict[str, Any], status: int
) -> None:
    """Quirk 6: POST answers 200 here and 201 there."""
    times = ("id", "created_at", "updated_at", "date_recorded")
    assert (await front.both(request("POST", target, ADMIN.user_id, body), *times)).status == status


async def test_a_cadet_is_created_with_201_and_his_number_is_then_taken_with_a_500(front: Front) -> None:
    """Quirk 6: 201 where most answer 200, and a taken unique value is raw database text."""
    body = {"first_name": "x", "last_name": "x", "student_id": "Q6"}
    assert (await front.through(request("POST", "cadets", ADMIN.user_id, body))).status == 201
    again = await front.both(request("POST", "cadets", ADMIN.user_id, body))
    assert (again.status, loads(again)["message"]) == (
        500, 'duplicate key value violates unique constraint "cadets_student_id_key"',
    )  # fmt: skip


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("PUT", f"cadets/{NOBODY}", b"{}"),
        ("PATCH", f"cadets/{NOBODY}", b"{}"),
        ("PUT", f"staff/{NOBODY}", b"{}"),
        ("PUT", f"activities/{NOBODY}", b"{}"),
        ("PUT", f"attendance/days/{NOBODY}", b"{}"),
        ("PUT", f"grading/categories/{NOBODY}", b"{}"),
        ("PUT", f"grading/grades/{NOBODY}", b"{}"),
        ("DELETE", f"cadets/{NOBODY}", b'{"message":"Cadet archived"}'),
        ("DELETE", f"staff/{NOBODY}", b'{"message":"Staff archived"}'),
        ("DELETE", f"activities/{NOBODY}", b'{"message":"Activity deleted"}'),
        ("DELETE", f"attendance/days/{NOBODY}", b'{"message":"Training day deleted"}'),
        ("DELETE", f"grading/categories/{NOBODY}", b'{"message":"Category deleted"}'),
        ("DELETE", f"grading/grades/{NOBODY}", b'{"message":"Grade deleted"}'),
        ("DELETE", f"grading/merit-logs/{NOBODY}", b'{"message":"Merit log deleted"}'),
        ("DELETE", f"files/{NO_FILE}", b'{"message":"File deleted"}'),
        ("DELETE", f"messaging/notifications/{NOBODY}", b'{"message":"Notification deleted"}'),
    ],
)
async def test_what_is_missing_is_changed_and_deleted_as_if_it_were_there(
    front: Front, method: str, target: str, body: bytes
) -> None:
    """Quirk 6: PUT or DELETE of a missing row answers 200."""
    answer = await front.both(request(method, target, ADMIN.user_id, {"rank": "x"}))
    assert (answer.status, answer.body) == (200, body)


MERIT = {"cadetId": 5, "type": "merit", "points": 1}


@pytest.mark.parametrize(
    ("method", "target", "body", "message"),
    [
        ("POST", "grading/merit-logs", MERIT | {"cadetId": NOBODY},
         'insert or update on table "merit_demerit_logs" violates foreign key constraint '
         '"merit_demerit_logs_cadet_id_fkey"'),
        ("POST", "grading/merit-logs", MERIT | {"type": "praise"},
         'new row for relation "merit_demerit_logs" violates check constraint "merit_demerit_logs_type_check"'),
        ("POST", "grading/merit-logs", MERIT | {"points": "many"}, 'invalid input syntax for type integer: "many"'),
        ("GET", "cadets/abc", None, 'invalid input syntax for type integer: "NaN"'),
        ("DELETE", "grading/grades/abc", None, 'invalid input syntax for type integer: "NaN"'),
        ("GET", f"cadets/{NOBODY}0", None, 'value "9999999990" is out of range for type integer'),
        ("GET", "files/abc", None, 'invalid input syntax for type uuid: "abc"'),
        ("DELETE", "grading/categories/3", None,
         'update or delete on table "grade_categories" violates foreign key constraint "grades_category_id_fkey" on '
         'table "grades"'),
        ("PUT", "cadets/5", {"birthdate": "2023-02-30"}, 'date/time field value out of range: "2023-02-30"'),
        ("PUT", "cadets/5", {"rank": "a\0b"}, 'invalid byte sequence for encoding "UTF8": 0x00'),
    ],
)  # fmt: skip
async def test_what_the_database_refuses_is_a_500_in_its_own_words(
    front: Front, method: str, target: str, body: dict[str, Any] | None, message: str
) -> None:
    """Quirk 6: a bad foreign key, a failed CHECK or a non-integer id answers 500 with raw database text."""
    answer = await front.both(request(method, target, ADMIN.user_id, body))
    assert (answer.status, loads(answer)) == (500, {"message": message})


@pytest.mark.parametrize("body", [b'{"username": ', b"{", b'"text"', b"{'a': 1}", b'{"a":\xff}', b"NaN"])
async def test_malformed_json_is_a_500_before_the_token_and_the_path_are_looked_at(front: Front, body: bytes) -> None:
    """Quirk 6: malformed JSON 500."""
    for target in ("auth/login", "grading/merit-logs", "nowhere"):
        answer = await front.both(request("POST", target, body=body))
        assert answer.status == 500 and loads(answer)["message"]


async def test_a_json_body_beyond_10_mib_is_a_500_that_comes_before_its_end(front: Front) -> None:
    """Quirk 6: where others say 413."""
    answer = await front.both(request("POST", "auth/login", body=b'"' + b"x" * (10 << 20) + b'"'))
    assert (answer.status, loads(answer)) == (500, {"message": "request entity too large"})
