"""Times where Node's clock is in UTC and where it is not: whose clock was read shows in every answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from stack.sample.population import ADMIN, CADET
from tests.quirks.front import Front, assert_same, form, loads, request

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


MANILA = 8  # hours before UTC, all year


async def test_a_timestamp_is_cut_to_milliseconds_and_not_rounded(front: Front) -> None:
    """Quirk 3: timestamps are cut to milliseconds with a literal Z."""
    cadet = front.cadet("Q3-cut", created_at="2024-08-05 01:02:03.123999", updated_at="2024-08-05 01:02:03")
    body = (await front.both(request("GET", f"cadets/{cadet}", ADMIN.user_id))).body
    assert b'"created_at":"2024-08-05T01:02:03.123Z","updated_at":"2024-08-05T01:02:03.000Z"' in body


async def test_every_time_of_a_list_has_three_digits_and_a_z(front: Front) -> None:
    """Quirk 3: whatever precision was stored."""
    rows = (await front.get("messaging/rooms/general/messages?limit=100"))["data"]
    assert rows and all(row["created_at"] is None or INSTANT.fullmatch(row["created_at"]) for row in rows)


async def test_a_date_is_a_midnight_of_utc_where_the_process_runs_in_utc(front: Front) -> None:
    """Quirk 3: a DATE is a JS midnight."""
    cadet = front.cadet("Q3-date", birthdate="2003-04-05")
    assert (await front.get(f"cadets/{cadet}"))["birthdate"] == "2003-04-05T00:00:00.000Z"


def hours_ahead(front: Front, table: str, column: str, row: int) -> int:
    """Whose clock a stored time was read from, in hours from UTC."""
    stored: datetime = front.value(f"SELECT {column} FROM {table} WHERE id = %s", row)
    return round((stored.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds() / 3600)


async def test_a_birthdate_is_midnight_in_manila_and_so_the_day_before_in_utc(in_manila: Front) -> None:
    """Quirk 3: a DATE is a JS midnight and moves a day with the process's zone."""
    cadet = in_manila.cadet("Q3", birthdate="2003-04-05")
    assert (await in_manila.get(f"cadets/{cadet}"))["birthdate"] == "2003-04-04T16:00:00.000Z"


async def test_a_birthdate_sent_back_as_it_was_read_moves_by_a_day(in_manila: Front) -> None:
    """Quirk 3: each time that a form is saved."""
    cadet = in_manila.cadet("Q3-saved", birthdate="2003-04-05")
    for day in ("2003-04-04", "2003-04-03"):
        read = (await in_manila.get(f"cadets/{cadet}"))["birthdate"]
        saved = request("PUT", f"cadets/{cadet}", ADMIN.user_id, {"birthdate": read})
        assert (await in_manila.through(saved)).status == 200
        assert str(in_manila.value("SELECT birthdate FROM cadets WHERE id = %s", cadet)) == day


async def test_a_stored_timestamp_is_taken_for_the_clock_of_the_process(in_manila: Front) -> None:
    """Quirk 3: the same row is eight hours earlier than where Node runs in UTC, its Z notwithstanding."""
    cadet = in_manila.cadet("Q3-clock", created_at="2024-08-05 09:00:00.123456")
    assert (await in_manila.get(f"cadets/{cadet}"))["created_at"] == "2024-08-05T01:00:00.123Z"


async def test_the_day_of_absence_in_a_letter_is_the_day_before(in_manila: Front) -> None:
    """Quirk 3: through a form as well."""
    sent = form("POST", "attendance/excuse-letters", CADET.user_id, {"dateAbsent": "2024-08-03", "reason": ""})
    direct, through = await in_manila.direct(sent), await in_manila.through(sent)
    assert_same(direct, through, "id", "created_at")
    assert (loads(through)["date_absent"], loads(through)["reason"]) == ("2024-08-02T16:00:00.000Z", None)


async def test_one_column_holds_the_clocks_of_two_zones(in_manila: Front) -> None:
    """Quirk 3: a mark is dated by the process's clock, a scan by UTC's."""
    day = (await in_manila.post("attendance/days", {"date": "x", "title": "x"}))["id"]
    marked = await in_manila.post("attendance/mark", {"trainingDayId": day, "cadetId": 5, "status": "late"})
    student = in_manila.value("SELECT student_id FROM cadets WHERE id = 6")
    scanned = await in_manila.post("attendance/scan", {"trainingDayId": day, "qrData": student})
    zones = [
        hours_ahead(in_manila, "attendance", "created_at", row) for row in (marked["id"], scanned["attendance"]["id"])
    ]
    assert zones == [MANILA, 0]


@pytest.mark.parametrize(
    "target", ["cadets?limit=100", "attendance/excuse-letters?limit=100", "messaging/notifications?limit=100"]
)
async def test_lists_of_another_zone_pass_the_edge_byte_for_byte(in_manila: Front, target: str) -> None:
    """Quirk 3: the edge reads no times."""
    assert await in_manila.get(target)
