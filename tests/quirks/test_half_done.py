"""Writes of many rows that fail in the middle: through the edge and looked at, then directly for the same answer."""

from __future__ import annotations

from stack.sample.population import ADMIN, TRAINING_STAFF
from tests.quirks.front import Front, assert_same, form, loads, request
from tests.support.wire import Message

NOBODY = 999_999_999


async def failed(front: Front, sent: bytes, message: str) -> Message:
    """The 500 that a request gets through the edge."""
    answer = await front.through(sent)
    assert (answer.status, loads(answer)) == (500, {"message": message})
    return answer


async def test_a_bad_id_leaves_the_cadets_before_it_archived(front: Front) -> None:
    """Quirk 12: one request writes many rows and is not one transaction."""
    first, last = front.cadet("Q12-1", is_archived=False), front.cadet("Q12-2", is_archived=False)
    sent = request("POST", "cadets/bulk/archive", ADMIN.user_id, {"ids": [first, "x", last]})
    answer = await failed(front, sent, 'invalid input syntax for type integer: "x"')
    archived = front.rows("SELECT is_archived FROM cadets WHERE id IN (%s, %s) ORDER BY id", first, last)
    assert archived == [(True,), (False,)]
    assert_same(await front.direct(sent), answer)


async def test_a_bad_record_leaves_the_marks_before_it(front: Front) -> None:
    """Quirk 12: attendance/mark/bulk."""
    day = (await front.post("attendance/days", {"date": "2024-12-14", "title": "Q12"}))["id"]
    records = [{"cadetId": cadet, "status": "late"} for cadet in (11, NOBODY, 12)]
    sent = request("POST", "attendance/mark/bulk", ADMIN.user_id, {"trainingDayId": day, "records": records})
    message = 'insert or update on table "attendance" violates foreign key constraint "attendance_cadet_id_fkey"'
    answer = await failed(front, sent, message)
    assert front.rows("SELECT cadet_id FROM attendance WHERE training_day_id = %s", day) == [(11,)]
    assert_same(await front.direct(sent), answer)


async def test_a_bad_score_leaves_the_grades_before_it(front: Front) -> None:
    """Quirk 12: grading/grades/bulk."""
    grades = [{"cadetId": 11, "score": 90}, {"cadetId": 12, "score": "much"}, {"cadetId": 13, "score": 92}]
    body = {"categoryId": 3, "term": "q12", "grades": grades}
    sent = request("POST", "grading/grades/bulk", TRAINING_STAFF.user_id, body)
    answer = await failed(front, sent, 'invalid input syntax for type numeric: "much"')
    stored = front.rows("SELECT cadet_id, graded_by FROM grades WHERE term = 'q12'")
    assert stored == [(11, TRAINING_STAFF.user_id)]
    assert_same(await front.direct(sent), answer)


async def test_an_unknown_cadet_leaves_the_participants_before_it(front: Front) -> None:
    """Quirk 12: activities/{id}/participants."""
    activity = (await front.post("activities", {"title": "Q12"}))["id"]
    sent = request("POST", f"activities/{activity}/participants", ADMIN.user_id, {"cadet_ids": [11, NOBODY, 12]})
    message = (
        'insert or update on table "activity_cadets" violates foreign key constraint "activity_cadets_cadet_id_fkey"'
    )
    answer = await failed(front, sent, message)
    assert front.rows("SELECT cadet_id FROM activity_cadets WHERE activity_id = %s", activity) == [(11,)]
    assert_same(await front.direct(sent), answer)


async def test_a_bad_row_leaves_the_imported_ones_above_it_and_the_edge_does_not_send_it_again(front: Front) -> None:
    """Quirk 12: cadets/import. A second time would stumble over the first row, with another message."""

    def sheet(prefix: str) -> bytes:
        lines = ["student_id,first_name,last_name", f"{prefix}1,A,B", f"{prefix}2,A,", f"{prefix}3,A,B"]
        return form("POST", "cadets/import", ADMIN.user_id, {}, ("file", "cadets.csv", "\n".join(lines)))

    message = 'null value in column "last_name" of relation "cadets" violates not-null constraint'
    answer = await failed(front, sheet("Q12-edge-"), message)
    assert front.rows("SELECT student_id FROM cadets WHERE student_id LIKE 'Q12-edge-%%'") == [("Q12-edge-1",)]
    assert_same(await front.direct(sheet("Q12-node-")), answer)
