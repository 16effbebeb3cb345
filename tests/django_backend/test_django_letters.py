"""Excuse letters: whose they are, what is handed in with them, and what follows when one is approved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.attendance.models import Attendance, ExcuseLetter, TrainingDay
from apps.authentication.models import User
from apps.messaging.models import Notification
from tests.django_backend.people import PAPER, Ask, cadet, refusal, told

PATH = "attendance/excuse-letters"


def test_a_cadet_hands_in_its_own_letter_whatever_it_says(ask: Ask, alice: User, uploads: Path) -> None:
    paper = SimpleUploadedFile("note.pdf", PAPER, "application/pdf")
    data = {"cadetId": "999", "dateAbsent": "2024-08-05", "reason": "", "trainingDayId": "", "file": paper}
    answer = ask("post", PATH, by=alice, data=data)
    row = told(answer)
    assert answer.status_code == 201
    assert (row["cadet_id"], row["date_absent"], row["status"]) == (alice.cadet_id, "2024-08-05", "pending")
    assert (row["reason"], row["training_day_id"]) == (None, None)
    assert (uploads / row["file_url"].removeprefix("/uploads/")).read_bytes() == PAPER


def test_staff_hand_one_in_for_a_cadet_as_json_too(ask: Ask, bob: User) -> None:
    body = {"cadetId": cadet("1").pk, "dateAbsent": "2024-08-05T00:00:00.000Z", "reason": "ill"}
    row = told(ask("post", PATH, by=bob, body=body))
    assert (row["cadet_id"], row["file_url"], row["date_absent"]) == (body["cadetId"], None, "2024-08-05")


@pytest.mark.parametrize("body", [{}, {"cadetId": 1}, {"dateAbsent": "2024-08-05"}, {"cadetId": 0, "dateAbsent": "x"}])
def test_a_letter_needs_a_cadet_and_a_date(ask: Ask, bob: User, body: dict[str, Any]) -> None:
    assert refusal(ask("post", PATH, by=bob, body=body)) == (400, "Cadet and date are required")


def test_a_date_that_is_none_is_refused(ask: Ask, alice: User) -> None:
    assert refusal(ask("post", PATH, by=alice, body={"dateAbsent": "2024-02-30"})) == (400, "Invalid input")


def test_lists_are_newest_first_and_cadets_see_their_own(ask: Ask, alice: User, charlie: User, bob: User) -> None:
    for number, (whose, status) in enumerate([(alice, "pending"), (charlie, "approved"), (alice, "rejected")]):
        made = f"2024-08-0{number + 1}T00:00:00Z"
        ExcuseLetter.objects.create(cadet_id=whose.cadet_id, date_absent="2024-08-05", status=status, created_at=made)

    def statuses(by: User, query: str = "") -> list[str]:
        return [row["status"] for row in told(ask("get", PATH + query, by=by))["data"]]

    assert statuses(bob) == ["rejected", "approved", "pending"]
    assert statuses(alice) == ["rejected", "pending"]
    assert statuses(bob, "?status=approved") == ["approved"]
    assert statuses(alice, "?status=approved") == []
    assert statuses(User.objects.create(username="guest", role="cadet", is_approved=1)) == []


def test_an_approved_letter_excuses_and_tells(ask: Ask, alice: User, bob: User) -> None:
    day = TrainingDay.objects.create(date="2024-08-05", title="Drill")
    letter = ExcuseLetter.objects.create(cadet_id=alice.cadet_id, training_day=day, date_absent="2024-08-05")
    mark = Attendance.objects.create(training_day=day, cadet_id=alice.cadet_id, status="absent", time_in="8")
    row = told(ask("put", f"{PATH}/{letter.pk}/status", by=bob, body={"status": "approved"}))
    mark.refresh_from_db()
    assert row["status"] == "approved"
    assert (mark.status, mark.remarks, mark.time_in) == ("excused", "Excuse letter approved", None)
    told_to = Notification.objects.values_list("user_id", "type", "message", "priority").get()
    assert told_to == (alice.pk, "attendance", "Excuse letter approved", "normal")


@pytest.mark.parametrize(("status", "notified"), [("rejected", 1), ("pending", 0), ("approved", 1)])
def test_without_a_day_nobody_is_excused(ask: Ask, alice: User, bob: User, status: str, notified: int) -> None:
    letter = ExcuseLetter.objects.create(cadet_id=alice.cadet_id, date_absent="2024-08-05")
    assert ask("put", f"{PATH}/{letter.pk}/status", by=bob, body={"status": status}).status_code == 200
    assert Notification.objects.count() == notified and not Attendance.objects.exists()


def test_a_letter_of_nobody_is_judged_and_nobody_hears_of_it(ask: Ask, bob: User) -> None:
    letter = ExcuseLetter.objects.create(date_absent="2024-08-05")
    assert ask("put", f"{PATH}/{letter.pk}/status", by=bob, body={"status": "approved"}).status_code == 200
    assert not Notification.objects.exists()


@pytest.mark.parametrize("status", [None, "", "Approved", 5, ["approved"], {}])
def test_a_status_that_is_none_is_refused(ask: Ask, bob: User, status: Any) -> None:
    assert refusal(ask("put", f"{PATH}/1/status", by=bob, body={"status": status})) == (400, "Invalid status")


def test_a_letter_that_does_not_exist_is_a_404(ask: Ask, bob: User) -> None:
    answer = ask("put", f"{PATH}/999999/status", by=bob, body={"status": "approved"})
    assert refusal(answer) == (404, "Excuse letter not found")
