"""The fields that every answer has, what they are good for, and all reads of the contract."""

from __future__ import annotations

import pytest

from stack.sample.population import ADMIN, CADET
from tests.quirks.front import HEALTHY, Front, request

NEVER_CACHED = (
    "auth/me", "auth/settings", "cadets?limit=100&includeArchived=true", "cadets?page=3&company=Alpha", "cadets/5",
    "staff?limit=100&includeArchived=true", "staff/2", "activities?limit=100", "activities?search=Tree", "activities/3",
    "attendance/days?limit=100", "attendance/days/1", "attendance/days/1/records?company=Alpha",
    "attendance/excuse-letters?limit=100", "grading/categories", "grading/grades?limit=100", "grading/grades?cadetId=5",
    "grading/cadets/5/summary", "grading/merit-logs?limit=100", "files?limit=100", "reports?limit=100",
    "messaging/rooms/general/messages?limit=100", "messaging/rooms/staff%20room/messages",
    "messaging/notifications?limit=100", "system/audit-logs?limit=100", "system/settings",
)  # fmt: skip


@pytest.mark.parametrize("target", NEVER_CACHED)
async def test_every_read_of_the_contract_passes_the_edge_byte_for_byte(front: Front, target: str) -> None:
    assert await front.get(target)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEALTHY, 200),
        (request("GET", "cadets/5", ADMIN.user_id), 200),
        (request("GET", "auth/me"), 401),
        (request("GET", "cadets/5", CADET.user_id), 403),
        (request("GET", "nowhere"), 404),
        (request("GET", "cadets/abc", ADMIN.user_id), 500),
    ],
    ids=["health", "read", "no-token", "wrong-role", "unknown-path", "raw-error"],
)
async def test_every_answer_says_who_made_it_how_long_it_took_and_that_all_may_read_it(
    front: Front, sent: bytes, status: int
) -> None:
    """Quirk 7: weak ETag, X-Powered-By, X-Response-Time, Access-Control-Allow-Origin: *, in Node's letter case."""
    answer = await front.both(sent)
    assert answer.status == status
    assert {(b"X-Powered-By", b"Express"), (b"Access-Control-Allow-Origin", b"*")} < set(answer.fields)
    names = {name for name, _ in answer.fields}
    assert {b"ETag", b"X-Response-Time", b"Content-Type", b"Date"} < names
    assert (answer.get(b"etag") or b"").startswith(b'W/"')


async def test_a_read_with_the_etag_it_was_given_is_a_304_without_a_body(front: Front) -> None:
    """Quirk 7: weak ETag with 304, on the direct way and through the edge with each other's tags."""
    first = await front.through(request("GET", "cadets/7", ADMIN.user_id))
    tag = (first.get(b"etag") or b"").decode()
    again = request("GET", "cadets/7", ADMIN.user_id, fields={"If-None-Match": tag})
    answer = await front.both(again)
    assert (answer.start, answer.body) == (b"HTTP/1.1 304 Not Modified", b"")
    assert answer.get(b"etag") == tag.encode()
    for stale in ('W/"2a1-x"', '"other", W/"none"'):
        changed = await front.both(request("GET", "cadets/7", ADMIN.user_id, fields={"If-None-Match": stale}))
        assert (changed.status, changed.body) == (200, first.body)
    front.rows("UPDATE cadets SET rank = 'changed' WHERE id = 7 RETURNING id")
    assert (await front.both(again)).status == 200


async def test_head_answers_as_get_does_but_without_the_body(front: Front) -> None:
    """Quirk 7: the length and the tag of a body that is not sent."""
    head = await front.both(request("HEAD", "cadets/8", ADMIN.user_id))
    full = await front.through(request("GET", "cadets/8", ADMIN.user_id))
    assert (head.status, head.body, head.get(b"etag")) == (200, b"", full.get(b"etag"))
    assert head.get(b"content-length") == b"%d" % len(full.body)


async def test_a_browser_that_asks_first_may_do_everything(front: Front) -> None:
    """Quirk 7: OPTIONS is a 204 that allows every method and whatever field was asked for."""
    asked = {"Origin": "https://rotc.example", "Access-Control-Request-Headers": "authorization,x-a"}
    answer = await front.both(request("OPTIONS", "cadets", fields=asked))
    assert (answer.status, answer.get(b"access-control-allow-headers")) == (204, b"authorization,x-a")
    assert answer.get(b"access-control-allow-methods") == b"GET,HEAD,PUT,PATCH,POST,DELETE"
