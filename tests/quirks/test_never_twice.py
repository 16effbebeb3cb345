"""The same write twice: what differs, and that nothing else does."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from datetime import UTC, datetime

from stack.sample.population import ADMIN, CADET, TRAINING_STAFF
from tests.quirks.front import Front, assert_same, form, loads, request
from tests.support.waiting import eventually
from tests.support.wire import Message

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


async def twice(front: Front, sent: bytes, *but: str) -> tuple[Message, Message]:
    """The same request directly and through the edge: alike but for these fields, all of which do differ."""
    direct = await front.direct(sent)
    await asyncio.sleep(0.002)  # JavaScript's clock only knows milliseconds
    through = await front.through(sent)
    assert_same(direct, through, *but)
    one, other = loads(direct), loads(through)
    assert {name for name in one if one[name] != other[name]} == set(but)
    return direct, through


def seconds_ago(instant: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(instant)).total_seconds()


async def test_a_file_stored_twice_differs_in_its_uuid_its_name_and_its_time(front: Front) -> None:
    """Quirk 11: ids of UUID tables and timestamps."""
    sent = form("POST", "files/upload", CADET.user_id, {"metadata": '{"a":1}'}, ("file", "a.txt", "x"))
    _, through = await twice(front, sent, "id", "url", "created_at")
    row = loads(through)
    assert UUID4.fullmatch(row["id"]) and re.fullmatch(r"/uploads/\d{13}-[0-9a-f]{8}\.txt", row["url"])
    assert seconds_ago(row["created_at"]) < 60


async def test_a_report_asked_for_twice_differs_in_its_uuid_and_its_time(front: Front) -> None:
    """Quirk 11: ids of UUID tables and timestamps."""
    sent = request("POST", "reports", TRAINING_STAFF.user_id, {"type": "unheard of", "params": {"company": "Alpha"}})
    answers = await twice(front, sent, "id", "created_at")
    for answer in answers:
        row = loads(answer)
        assert (answer.status, row["status"]) == (202, "pending")
    # A job writes when it likes, and that should not be while another test compares lists.
    ids = [loads(answer)["id"] for answer in answers]
    eventually(lambda: front.rows("SELECT id FROM reports WHERE id = ANY(%s) AND status <> 'failed'", ids) == [])


async def test_a_row_written_twice_differs_in_its_serial_id_and_its_times(front: Front) -> None:
    """Quirk 11: timestamps; the ids of a sequence go on."""
    sent = request("POST", "activities", ADMIN.user_id, {"title": "March", "date": "2024-09-01"})
    one, other = map(loads, await twice(front, sent, "id", "created_at", "updated_at"))
    assert other["id"] == one["id"] + 1


async def test_two_logins_of_one_person_differ_in_their_tokens_alone(front: Front) -> None:
    """Quirk 11: tokens are signed anew, in whole seconds."""
    sent = request("POST", "auth/login", body={"username": CADET.username, "password": CADET.password})
    direct = await front.direct(sent)
    second = int(time.time())
    eventually(lambda: time.time() >= second + 1)
    through = await front.through(sent)
    assert_same(direct, through, "token")
    one, other = loads(direct)["token"], loads(through)["token"]
    assert one != other
    claims = [json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")) for token in (one, other)]
    assert {name for name in claims[0] if claims[0][name] != claims[1][name]} == {"iat", "exp"}
