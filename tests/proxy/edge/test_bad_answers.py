"""A backend that answers badly: 502 or 504, or an answer that visibly breaks off, never one that looks whole."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import pytest
from structlog.typing import EventDict

from proxy.edge.upstream import Pool
from tests.proxy.edge.conftest import StageWith
from tests.support.edge import Stage
from tests.support.wire import OK, Client, Truncated, Visit, always, hang, once

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
STATUS = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        STATUS + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        STATUS + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        STATUS + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        STATUS + b"Content-Length: 2, 3\r\n\r\nok",
        STATUS + b"Content-Length: +2\r\n\r\nok",
        STATUS + b"Content-Length: two\r\n\r\nok",
        STATUS + b"Content-Length: -2\r\n\r\nok",
        STATUS + b"Content-Length : 2\r\n\r\nok",
        STATUS + b"X: a\r\n folded\r\nContent-Length: 2\r\n\r\nok",
        STATUS + b"X: a\x00b\r\nContent-Length: 2\r\n\r\nok",
        STATUS + b"X: a\nContent-Length: 2\r\n\r\nok",
        STATUS + b"no colon\r\nContent-Length: 2\r\n\r\nok",
        STATUS + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        STATUS + b"Transfer-Encoding: gzip\r\n\r\nok",
        STATUS + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\nok",
        STATUS + b"X: " + b"y" * 200_000 + b"\r\nContent-Length: 2\r\n\r\nok",
        STATUS + b"X: y\r\n" * 40_000 + b"Content-Length: 2\r\n\r\nok",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 5000 + OK,
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\nevil" + OK,
        b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + OK,
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 2OO OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x01\x02\x03",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"",
        STATUS,
        STATUS + b"X: y\r\n",
    ],
    ids=range(32),
)
async def test_an_answer_that_is_no_proper_http_is_502(stage: Stage, answer: bytes) -> None:
    """Rows 5, 7, 12: RFC 9112 sections 5.2, 6.1, 6.3; RFC 9110 section 15.6.3."""
    stage.active.script = once(answer)
    client = await stage.connect()
    got = await client.ask(GET)
    while got.status == 103:
        got = await client.answer()
    assert got.status == 502
    assert b"evil" not in got.body and b"node" not in got.body
    stage.active.script = always(OK)
    assert (await client.ask(GET)).body == b"ok"
    assert stage.edge.sides["node"].http.in_use == 0


async def _breaks_off(client: Client, request: bytes) -> bytes:
    await client.send(request)
    with pytest.raises(Truncated) as broken:
        await client.answer()
    return broken.value.got


@pytest.mark.parametrize("by_reset", [False, True])
@pytest.mark.parametrize(
    "answer",
    [
        STATUS + b"Content-Length: 10\r\n\r\nhello",
        STATUS + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        STATUS + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        STATUS + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        STATUS + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
        STATUS + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello!!\r\n0\r\n\r\n",
    ],
)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_an_answer_that_breaks_off_never_ends_cleanly(
    stage: Stage, answer: bytes, by_reset: bool, version: bytes
) -> None:
    """Row 11: RFC 9112 section 8. To HTTP/1.0 a plain close would be a proper end, so the connection is reset."""

    async def broken(visit: Visit) -> None:
        await visit.request()
        await visit.send(answer)
        if by_reset:
            visit.reset()

    stage.active.script = broken
    client = await stage.connect()
    got = await _breaks_off(client, b"GET / HTTP/%s\r\nHost: a\r\n\r\n" % version)
    assert not got.partition(b"\r\n\r\n")[2].endswith(b"0\r\n\r\n")


async def test_a_body_that_ends_with_a_reset_is_not_whole(stage: Stage) -> None:
    """Row 11: without a length only a proper close is an end."""

    async def broken(visit: Visit) -> None:
        await visit.request()
        await visit.send(STATUS + b"\r\nhello")
        visit.reset()

    stage.active.script = broken
    for version in (b"1.0", b"1.1"):
        await _breaks_off(await stage.connect(), b"GET / HTTP/%s\r\nHost: a\r\n\r\n" % version)


async def test_a_backend_that_refuses_is_502(stage: Stage) -> None:
    """Row 12: RFC 9110 section 15.6.3."""
    stage.active.refuse()
    answer = await stage.get()
    assert (answer.status, b"REFUSED" in answer.body) == (502, True)


async def test_a_host_that_does_not_exist_is_502(stage_with: StageWith) -> None:
    """Row 12."""
    stage = await stage_with()
    config = stage.config
    node = replace(config.backends["node"], url="http://no-such-host.invalid:1")
    stage.edge.sides["node"].http = Pool("node", node.url, node)
    assert (await stage.get()).status == 502


async def test_a_backend_that_answers_too_late_is_504(stage_with: StageWith) -> None:
    """Row 12: RFC 9110 section 15.6.5."""
    stage = await stage_with(both={"answer_timeout": 0.1})
    stage.active.script = hang
    for request in (GET, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"):
        answer = await stage.ask(request)
        assert (answer.status, b"ANSWER_TIMEOUT" in answer.body) == (504, True)
    await stage.active.deserted()


async def test_a_backend_that_stops_in_its_head_is_504(stage_with: StageWith) -> None:
    """Row 12: RFC 9110 section 15.6.5."""
    stage = await stage_with(both={"answer_timeout": 0.1})

    async def half(visit: Visit) -> None:
        await visit.request()
        await visit.send(STATUS + b"X: ")
        await visit.until_closed()

    stage.active.script = half
    assert (await stage.get()).status == 504


async def test_an_answer_that_stops_in_its_body_is_cut(stage_with: StageWith) -> None:
    """Rows 11, 53: the limit is on silence, not on the whole."""
    stage = await stage_with(both={"idle_timeout": 0.1})

    async def half(visit: Visit) -> None:
        await visit.request()
        await visit.send(STATUS + b"Content-Length: 10\r\n\r\nhello")
        await visit.until_closed()

    stage.active.script = half
    await _breaks_off(await stage.connect(), GET)
    await stage.active.deserted()


async def test_a_backend_that_stops_taking_a_body_is_504(stage_with: StageWith) -> None:
    """Row 12: the request never got through."""
    stage = await stage_with(both={"idle_timeout": 0.2, "answer_timeout": 0.2})

    async def deaf(visit: Visit) -> None:
        visit.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await visit.backend.broken.wait()

    stage.active.script = deaf
    client = await stage.connect()
    size = 20_000_000
    sending = client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (size, b"x" * size))
    task = asyncio.ensure_future(sending)
    assert (await client.answer()).status == 504
    stage.active.broken.set()
    await client.close()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_fault_of_ours_in_the_middle_of_an_answer_cuts_it(stage: Stage, events: list[EventDict]) -> None:
    """Row 11: a page of ours behind half an answer would be taken for its other half."""

    async def half(visit: Visit) -> None:
        await visit.request()
        await visit.send(STATUS + b"Content-Length: 1000\r\n\r\nhello")
        await visit.until_closed()

    stage.active.script = half
    side = stage.edge.sides["node"]
    side.timeouts = replace(side.timeouts, idle=cast(float, "a mistake"))
    with pytest.raises((Truncated, ConnectionError)):
        await (await stage.connect()).ask(GET)
    assert [event["event"] for event in events] == ["edge_fault"]
    events.clear()
