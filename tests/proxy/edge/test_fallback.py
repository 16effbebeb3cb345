"""A read that the standby cannot answer is answered by the active side, and the standby is left alone for a while."""

from __future__ import annotations

import asyncio

import pytest

from proxy.edge import availability
from proxy.edge.availability import Availability
from tests.proxy.edge.conftest import StageWith
from tests.support.edge import Stage, ramping
from tests.support.wire import OK, Script, Visit, always, hang, once

HOME = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhome"
ALICE = b"Authorization: Basic YWxpY2U=\r\n"


async def _resets(visit: Visit) -> None:
    await visit.request()
    visit.reset()


async def _half_head(visit: Visit) -> None:
    await visit.request()
    await visit.send(b"HTTP/1.1 200 OK\r\nX: ")


async def _stage(stage_with: StageWith, standby: Script) -> Stage:
    stage = await stage_with(state=ramping(100), fallback_after=0.1, both={"connections": 8})
    stage.active.script = always(HOME)
    stage.standby.script = standby
    return stage


@pytest.mark.parametrize("script", [_resets, hang, once(b""), once(b"garbage"), _half_head])
async def test_a_read_that_the_standby_does_not_answer_is_answered_by_the_active_side(
    stage_with: StageWith, script: Script
) -> None:
    """design.md section 3: the shadow can never hurt the client."""
    stage = await _stage(stage_with, script)
    answer = await stage.get(b"/", ALICE)
    assert (answer.status, answer.body) == (200, b"home")
    assert (len(stage.standby.requests), len(stage.active.requests)) == (1, 1)


async def test_a_standby_that_refuses_connections_costs_nobody_an_answer(stage_with: StageWith) -> None:
    """The same, without a connection."""
    stage = await _stage(stage_with, hang)
    stage.standby.refuse()
    assert (await stage.get(b"/", ALICE)).body == b"home"


async def test_the_patience_with_the_standby_covers_waiting_for_a_connection(stage_with: StageWith) -> None:
    """`fallback_after` is from the read's beginning to the answer's, whatever the time goes into."""
    stage = await stage_with(state=ramping(100), fallback_after=0.1, both={"connections": 1, "connect_timeout": 30})
    stage.active.script = always(HOME)
    stage.standby.script = hang
    loop = asyncio.get_running_loop()
    began = loop.time()
    clients = [await stage.connect() for _ in range(2)]
    request = b"GET / HTTP/1.1\r\nHost: a\r\n" + ALICE + b"\r\n"
    answers = await asyncio.gather(*(client.ask(request) for client in clients))
    assert [answer.body for answer in answers] == [b"home", b"home"]
    assert loop.time() - began < 2


async def test_a_stream_of_the_standby_is_not_cut_by_the_patience_with_its_beginning(stage_with: StageWith) -> None:
    """Row 53: once it has begun, only silence ends it."""

    async def slow(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await asyncio.sleep(0.4)
        await visit.send(b"ok")

    stage = await _stage(stage_with, slow)
    assert (await stage.get(b"/", ALICE)).body == b"ok"


async def test_an_error_of_the_standby_is_an_answer(stage_with: StageWith) -> None:
    """A status of 500 is the backend's word; hiding it would hide what the guard must see."""
    stage = await _stage(stage_with, always(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"))
    assert (await stage.get(b"/", ALICE)).status == 500
    assert stage.active.requests == []


async def test_an_answer_that_has_begun_is_not_begun_again_by_the_other_side(stage_with: StageWith) -> None:
    """Two halves of two answers are no answer."""

    async def half(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        await asyncio.sleep(0.05)
        visit.reset()

    stage = await _stage(stage_with, half)
    client = await stage.connect()
    await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + ALICE + b"\r\n")
    with pytest.raises(ConnectionError):
        await client.rest()
    assert stage.active.requests == []


async def test_when_both_sides_fail_the_page_says_what_the_active_one_did(stage_with: StageWith) -> None:
    """Row 12."""
    stage = await _stage(stage_with, hang)
    stage.active.script = _resets
    answer = await stage.get(b"/", ALICE)
    assert (answer.status, b"RESET" in answer.body) == (502, True)


async def test_a_read_with_a_body_is_not_asked_twice(stage_with: StageWith) -> None:
    """Row 48: its body is gone."""
    stage = await _stage(stage_with, _resets)
    request = b"GET / HTTP/1.1\r\nHost: a\r\n" + ALICE + b"Content-Length: 2\r\n\r\nhi"
    assert (await stage.ask(request)).status == 502
    assert stage.active.requests == []


async def test_after_three_failures_reads_stay_home_until_a_trial_succeeds(stage_with: StageWith) -> None:
    """A standby that hangs must not cost every read its time-out."""
    stage = await _stage(stage_with, _resets)
    side = stage.edge.sides["django"].availability
    for _ in range(6):
        assert (await stage.get(b"/", ALICE)).body == b"home"
    assert len(stage.standby.requests) == availability.FAILURES == 3
    assert stage.tally.beat("edge", 1).held == {"it did not answer the last requests": 3}
    side._closed_until = asyncio.get_running_loop().time()  # the pause is over
    assert (await stage.get(b"/", ALICE)).body == b"home"
    assert (await stage.get(b"/", ALICE)).body == b"home"
    assert len(stage.standby.requests) == 4
    side._closed_until = asyncio.get_running_loop().time()
    stage.standby.script = always(OK)
    for _ in range(3):
        assert (await stage.get(b"/", ALICE)).body == b"ok"


async def test_a_failing_health_check_holds_reads_home_at_once(stage_with: StageWith) -> None:
    """Before the first client would have noticed."""
    stage = await _stage(stage_with, always(OK))
    assert (await stage.get(b"/", ALICE)).body == b"ok"
    stage.edge.sides["django"].availability.healthy = False
    assert (await stage.get(b"/", ALICE)).body == b"home"
    stage.edge.sides["django"].availability.healthy = True
    assert (await stage.get(b"/", ALICE)).body == b"ok"


async def test_what_the_edge_cannot_take_is_not_the_backends_failure(stage_with: StageWith) -> None:
    """A client that garbles its body, or leaves, must not send everybody else home."""
    stage = await _stage(stage_with, always(OK))
    for _ in range(5):
        client = await stage.connect()
        bad = b"GET / HTTP/1.1\r\nHost: a\r\n" + ALICE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
        assert (await client.ask(bad)).status == 400
    assert stage.edge.sides["django"].availability.down(0.0) is None


def test_one_trial_at_a_time_is_admitted_after_the_pause() -> None:
    """The others stay home meanwhile."""
    side = Availability()
    for _ in range(availability.FAILURES):
        assert side.down(0.0) is None
        side.failed(0.0)
    assert side.down(1.9) is not None
    assert side.down(2.0) is None
    assert side.down(2.0) is not None
    side.answered()
    assert side.down(2.0) is None


def test_failures_that_are_not_in_a_row_close_nothing() -> None:
    """One success in between starts the count anew."""
    side = Availability()
    for _ in range(10):
        side.failed(0.0)
        side.failed(0.0)
        side.answered()
    assert side.down(0.0) is None
