"""Training days and marks: one mark for each cadet and day, from a list, a form or a card."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.attendance.models import Attendance, ExcuseLetter, StaffAttendance, TrainingDay
from apps.attendance.services import clock
from apps.authentication.models import User
from apps.staff.models import Staff
from tests.django_backend.people import Ask, cadet, refusal, told

WHEN = datetime(2024, 8, 5, tzinfo=UTC)


@pytest.fixture
def day(db: None) -> TrainingDay:
    return TrainingDay.objects.create(date="2024-08-05", title="Drill")


def test_days_are_latest_first_as_text_and_may_share_a_date(ask: Ask, alice: User) -> None:
    for title, date in [("a", "2024-08-03"), ("b", "someday"), ("c", "2024-08-03")]:
        TrainingDay.objects.create(title=title, date=date)
    assert [row["title"] for row in told(ask("get", "attendance/days", by=alice))["data"]] == ["b", "c", "a"]


def test_a_day_is_added_changed_and_deleted(ask: Ask, bob: User, alice: User) -> None:
    answer = ask("post", "attendance/days", by=bob, body={"date": "soon", "title": 5, "created_at": "x"})
    row = told(answer)
    assert (answer.status_code, row["date"], row["title"], row["description"]) == (201, "soon", "5", None)
    path = f"attendance/days/{row['id']}"
    assert told(ask("put", path, by=bob, body={"description": "d"}))["description"] == "d"
    assert told(ask("put", path, by=bob, body={})) == told(ask("get", path, by=alice))
    assert refusal(ask("put", path, by=bob, body={"title": None}))[0] == 400
    assert told(ask("delete", path, by=bob)) == {"message": "Training day deleted"}
    for method, body in [("get", None), ("put", {"title": "x"}), ("put", {}), ("delete", None)]:
        assert refusal(ask(method, path, by=bob, body=body)) == (404, "Training day not found")


@pytest.mark.parametrize("body", [{}, {"date": "x"}, {"title": "x"}, {"date": "", "title": "x"}])
def test_a_day_needs_a_date_and_a_title(ask: Ask, bob: User, body: dict[str, Any]) -> None:
    assert refusal(ask("post", "attendance/days", by=bob, body=body)) == (400, "Date and title are required")


def test_a_deleted_day_takes_its_marks_and_letters_along(ask: Ask, bob: User, alice: User, day: TrainingDay) -> None:
    Attendance.objects.create(training_day=day, cadet_id=alice.cadet_id, status="present")
    ExcuseLetter.objects.create(training_day=day, cadet_id=alice.cadet_id, date_absent="2024-08-05")
    assert ask("delete", f"attendance/days/{day.pk}", by=bob).status_code == 200
    assert not Attendance.objects.exists() and not ExcuseLetter.objects.exists()


def test_the_records_of_a_day_show_every_cadet_marked_or_not(ask: Ask, bob: User, day: TrainingDay) -> None:
    one, two = cadet("1", company="Alpha", platoon="1"), cadet("2", company="Bravo")
    cadet("3", is_archived=True)
    mark = Attendance.objects.create(training_day=day, cadet=one, status="late", time_in="8:00:00 AM")
    Attendance.objects.create(training_day=TrainingDay.objects.create(date="x", title="y"), cadet=two, status="absent")
    path = f"attendance/days/{day.pk}/records"
    first, second = told(ask("get", path, by=bob))
    assert first == {
        **{"cadet_id": one.pk, "student_id": "1", "first_name": "Ana", "last_name": "Cruz", "company": "Alpha"},
        **{"platoon": "1", "attendance_id": mark.pk, "status": "late", "remarks": None, "time_in": "8:00:00 AM"},
        "time_out": None,
    }
    assert (second["cadet_id"], second["attendance_id"], second["status"]) == (two.pk, None, None)
    assert [row["cadet_id"] for row in told(ask("get", f"{path}?company=Bravo", by=bob))] == [two.pk]
    assert told(ask("get", f"{path}?platoon=2", by=bob)) == []
    assert [row["status"] for row in told(ask("get", "attendance/days/999999/records", by=bob))] == [None, None]
    for word in ("x", "2147483648"):
        assert refusal(ask("get", f"attendance/days/{word}/records", by=bob))[0] == 400


def test_a_second_mark_is_written_over_the_first(ask: Ask, bob: User, alice: User, day: TrainingDay) -> None:
    who = {"trainingDayId": day.pk, "cadetId": alice.cadet_id}
    first = told(ask("post", "attendance/mark", by=bob, body={**who, "status": "late", "remarks": "r", "timeIn": "8"}))
    answer = ask("post", "attendance/mark", by=bob, body={**who, "status": "present", "timeOut": "9"})
    second = told(answer)
    assert answer.status_code == 200
    assert second == {**first, "status": "present", "remarks": None, "time_in": None, "time_out": "9"}
    assert Attendance.objects.count() == 1


@pytest.mark.parametrize("who", ["cadetId", "staffId"])
def test_a_mark_needs_a_day_somebody_and_a_status(ask: Ask, bob: User, day: TrainingDay, who: str) -> None:
    path = "attendance/mark" if who == "cadetId" else "attendance/staff/mark"
    whole = {"trainingDayId": day.pk, who: 1, "status": "present"}
    for name in whole:
        assert refusal(ask("post", path, by=bob, body={**whole, name: 0})) == (400, "Missing required fields")
        assert refusal(ask("post", path, by=bob, body={**whole, name: "gone"}))[0] == 400


def test_a_member_of_staff_is_marked_likewise(ask: Ask, bob: User, day: TrainingDay) -> None:
    body = {"trainingDayId": day.pk, "staffId": Staff.objects.create(first_name="a", last_name="b").pk}
    for status in ("present", "excused"):
        assert told(ask("post", "attendance/staff/mark", by=bob, body={**body, "status": status}))["status"] == status
    assert StaffAttendance.objects.count() == 1


def test_many_are_marked_at_once_and_of_two_marks_the_later_counts(ask: Ask, bob: User, day: TrainingDay) -> None:
    one, two = cadet("1").pk, cadet("2").pk
    records = [{"cadetId": two, "status": "late"}, {"cadetId": one, "status": "present"}]
    records.append({"cadetId": two, "status": "absent", "remarks": "last"})
    body = {"trainingDayId": day.pk, "records": records}
    assert told(ask("post", "attendance/mark/bulk", by=bob, body=body)) == {"marked": 3}
    assert list(Attendance.objects.order_by("cadet_id").values_list("cadet_id", "status", "remarks")) == [
        (one, "present", None),
        (two, "absent", "last"),
    ]
    assert told(ask("post", "attendance/mark/bulk", by=bob, body={"records": []})) == {"marked": 0}


@pytest.mark.parametrize("bad", [None, 1, {}, {"status": "late"}, {"cadetId": 1, "status": "gone"}, {"cadetId": "x"}])
def test_one_bad_record_leaves_nobody_marked(ask: Ask, bob: User, day: TrainingDay, bad: Any) -> None:
    body = {"trainingDayId": day.pk, "records": [{"cadetId": cadet("1").pk, "status": "late"}, bad]}
    assert refusal(ask("post", "attendance/mark/bulk", by=bob, body=body))[0] == 400
    assert not Attendance.objects.exists()


def test_records_must_be_a_list_and_need_a_day(ask: Ask, bob: User) -> None:
    for body, message in [({}, "records is required"), ({"records": [{"cadetId": 1, "status": "late"}]}, None)]:
        status, said = refusal(ask("post", "attendance/mark/bulk", by=bob, body=body))
        assert status == 400 and message in (said, None)


def test_a_card_is_read_on_arrival_and_on_leaving(ask: Ask, bob: User, day: TrainingDay) -> None:
    who = cadet("2021-7")
    shown = {"id": who.pk, "student_id": "2021-7", "first_name": "Ana", "last_name": "Cruz"}

    def scan(code: Any) -> Any:
        return told(ask("post", "attendance/scan", by=bob, body={"trainingDayId": day.pk, "qrData": code}))

    came = scan("2021-7")
    assert (came["message"], came["cadet"]) == ("Time in recorded", shown)
    assert (came["attendance"]["status"], came["attendance"]["remarks"]) == ("present", "QR scan")
    assert came["attendance"]["time_in"].endswith(("AM", "PM")) and came["attendance"]["time_out"] is None
    for code in ("2021-7", json.dumps({"student_id": "2021-7"})):
        went = scan(code)
        assert went["message"] == "Time out recorded" and went["attendance"]["time_out"] is not None
        assert {**went["attendance"], "time_out": None} == came["attendance"]


def test_a_card_makes_an_absent_cadet_present_and_keeps_the_mark(ask: Ask, bob: User, day: TrainingDay) -> None:
    mark = Attendance.objects.create(training_day=day, cadet=cadet("1"), status="absent", time_out="5", created_at=WHEN)
    row = told(ask("post", "attendance/scan", by=bob, body={"trainingDayId": day.pk, "qrData": "1"}))["attendance"]
    assert (row["id"], row["status"], row["time_out"]) == (mark.pk, "present", "5")
    assert row["created_at"] == "2024-08-05T00:00:00Z"


@pytest.mark.parametrize("code", ["nobody", '{"a": 1}', '{"student_id": null}', '{"student_id": {}}', {"a": 1}, True])
def test_a_card_of_nobody_is_a_404(ask: Ask, bob: User, day: TrainingDay, code: Any) -> None:
    body = {"trainingDayId": day.pk, "qrData": code}
    assert refusal(ask("post", "attendance/scan", by=bob, body=body)) == (404, "Cadet not found")


def test_a_card_that_cannot_be_read_is_a_400(ask: Ask, bob: User, day: TrainingDay) -> None:
    for body in ({"trainingDayId": day.pk}, {"qrData": "1"}, {"trainingDayId": day.pk, "qrData": ""}):
        answer = ask("post", "attendance/scan", by=bob, body=body)
        assert refusal(answer) == (400, "Training day and QR code are required")
    answer = ask("post", "attendance/scan", by=bob, body={"trainingDayId": day.pk, "qrData": "{nonsense"})
    assert refusal(answer) == (400, "Malformed JSON")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["attendance/mark", "attendance/scan", "attendance/mark/bulk"])
def test_a_day_that_does_not_exist_is_a_400(ask: Ask, bob: User, path: str) -> None:
    body = {"trainingDayId": 999999, "cadetId": cadet("1").pk, "status": "present", "qrData": "1"}
    body["records"] = [{"cadetId": body["cadetId"], "status": "present"}]
    assert refusal(ask("post", path, by=bob, body=body))[0] == 400
    assert not Attendance.objects.exists()


@pytest.mark.parametrize(
    ("hour", "expected"),
    [(0, "12:05:09 AM"), (7, "7:05:09 AM"), (12, "12:05:09 PM"), (13, "1:05:09 PM"), (23, "11:05:09 PM")],
)
def test_the_clock_is_read_as_in_america(hour: int, expected: str) -> None:
    assert clock(datetime(2024, 8, 5, hour, 5, 9, tzinfo=UTC)) == expected


def test_a_cadet_sees_the_own_marks_with_their_days(ask: Ask, alice: User, charlie: User, bob: User) -> None:
    for date in ("2024-08-03", "2024-08-10"):
        made = TrainingDay.objects.create(date=date, title=f"Drill {date}")
        for user in (alice, charlie):
            Attendance.objects.create(training_day=made, cadet_id=user.cadet_id, status="present")
    page = told(ask("get", "attendance/my-history?limit=1", by=alice))
    assert (page["total"], page["data"][0]["date"], page["data"][0]["title"]) == (2, "2024-08-10", "Drill 2024-08-10")
    assert page["data"][0]["cadet_id"] == alice.cadet_id
    assert refusal(ask("get", "attendance/my-history", by=bob)) == (404, "Cadet not found")


def test_cadets_mark_nobody(ask: Ask, alice: User, day: TrainingDay) -> None:
    for method, path in [
        *(("post", "attendance/days"), ("put", f"attendance/days/{day.pk}"), ("delete", f"attendance/days/{day.pk}")),
        *(("post", "attendance/mark"), ("post", "attendance/mark/bulk"), ("post", "attendance/scan")),
        *(("post", "attendance/staff/mark"), ("put", "attendance/excuse-letters/1/status")),
    ]:
        assert refusal(ask(method, path, by=alice, body={})) == (403, "Access denied")
    assert refusal(ask("get", f"attendance/days/{day.pk}/records", by=alice)) == (403, "Access denied")
