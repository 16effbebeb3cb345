"""Two endpoints that remember for a minute, and one that never says the same twice."""

from __future__ import annotations

import asyncio

from stack.sample.population import ADMIN, CADET
from tests.quirks.front import Front, loads, request
from tests.support.wire import Message

NOBODY = 999_999_999


def said(answer: Message) -> tuple[bytes | None, bytes]:
    return answer.get(b"x-cache"), answer.body


async def test_the_statistics_are_those_of_the_first_question_for_a_minute(front: Front) -> None:
    """Quirk 8: a cache of 60 s with X-Cache on system/stats. No other test asks it: the first answer is a MISS."""
    asked = request("GET", "system/stats", ADMIN.user_id)
    first = await front.through(asked)
    assert first.get(b"x-cache") == b"MISS"
    front.cadet("Q8-stats")
    assert said(await front.both(asked)) == (b"HIT", first.body)
    assert loads(first)["totalStaff"] == str(front.value("SELECT count(*) FROM staff"))
    assert int(loads(first)["totalCadets"]) < front.value("SELECT count(*) FROM cadets")


async def test_the_leaderboard_is_cached_for_each_limit_and_a_merit_does_not_move_it(front: Front) -> None:
    """Quirk 8: a cache of 60 s with X-Cache on grading/leaderboard."""
    asked = request("GET", "grading/leaderboard?limit=7", ADMIN.user_id)
    first = await front.through(asked)
    assert first.get(b"x-cache") == b"MISS"
    best = front.cadet("Q8-best")
    await front.post("grading/merit-logs", {"cadetId": best, "type": "merit", "points": 2_000_000_000})
    assert said(await front.both(asked)) == (b"HIT", first.body)
    fresh = await front.direct(request("GET", "grading/leaderboard?limit=8", ADMIN.user_id))
    assert (fresh.get(b"x-cache"), loads(fresh)[0]["cadetId"]) == (b"MISS", best)
    assert said(await front.both(request("GET", "grading/leaderboard?limit=8", CADET.user_id))) == (b"HIT", fresh.body)


async def test_a_hit_that_did_not_change_is_still_a_304(front: Front) -> None:
    """Quirk 8: the header goes along with an answer that has no body."""
    first = await front.through(request("GET", "grading/leaderboard?limit=9", ADMIN.user_id))
    tag = {"If-None-Match": (first.get(b"etag") or b"").decode()}
    answer = await front.both(request("GET", "grading/leaderboard?limit=9", ADMIN.user_id, fields=tag))
    assert (answer.status, answer.get(b"x-cache")) == (304, b"HIT")


async def test_two_readings_of_a_ledger_never_agree(front: Front) -> None:
    """Quirk 9: a ledger that invents rows dated now."""
    asked = request("GET", "grading/cadets/5/ledger", ADMIN.user_id)
    first = await front.through(asked)
    await asyncio.sleep(0.002)  # JavaScript's clock only knows milliseconds
    tag = {"If-None-Match": (first.get(b"etag") or b"").decode()}
    second = await front.through(request("GET", "grading/cadets/5/ledger", ADMIN.user_id, fields=tag))
    assert (first.status, second.status) == (200, 200)
    assert first.get(b"etag") != second.get(b"etag")
    one, other = loads(first), loads(second)
    assert one[1:-1] == other[1:-1]
    for end in (0, -1):
        assert one[end]["date_recorded"] < other[end]["date_recorded"]
        assert {**one[end], "date_recorded": ""} == {**other[end], "date_recorded": ""}


async def test_a_ledger_begins_with_100_points_that_are_in_no_table_and_keeps_the_balance(front: Front) -> None:
    """Quirk 9: two invented rows around those of the table."""
    cadet = front.cadet("Q9")
    for kind, points in (("merit", 10), ("demerit", 25), ("demerit", -5)):
        await front.post("grading/merit-logs", {"cadetId": cadet, "type": kind, "points": points})
    answer = await front.both(request("GET", f"grading/cadets/{cadet}/ledger", ADMIN.user_id), "date_recorded")
    lines = loads(answer)
    assert [line["balance"] for line in lines] == [100, 110, 85, 90, 90]
    assert [line["reason"] for line in lines if line["id"] is None] == ["Base aptitude", "Current balance"]


async def test_the_ledger_of_nobody_is_just_the_two_invented_rows(front: Front) -> None:
    """Quirk 9: an unknown cadet has a balance too."""
    answer = await front.both(request("GET", f"grading/cadets/{NOBODY}/ledger", ADMIN.user_id), "date_recorded")
    assert [line["balance"] for line in loads(answer)] == [100, 100]
