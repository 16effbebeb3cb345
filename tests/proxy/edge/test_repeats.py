"""What is sent again and what never is (http-checklist rows 48, 49): only what is safe, only if nobody heard a byte."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.edge import Stage
from tests.support.wire import OK, Visit, always

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def _dies_when_reused(visit: Visit) -> None:
    """Answers the first request of a connection; a second one kills it."""
    if await visit.request() is not None:
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        if await visit.request_head() is not None:
            visit.reset()


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"])
async def test_a_safe_request_on_a_dying_connection_is_sent_once_more(stage: Stage, method: bytes) -> None:
    """Row 49: RFC 9112 section 9.3.1."""
    stage.active.script = _dies_when_reused
    request = method + GET[3:]
    assert (await stage.ask(request)).status == 200
    assert (await stage.ask(request)).status == 200
    assert len(stage.active.requests) == 3
    assert stage.active.connections == 2


@pytest.mark.parametrize("method", [b"PUT", b"DELETE", b"POST", b"PATCH"])
@pytest.mark.parametrize("body", [b"\r\n", b"Content-Length: 0\r\n\r\n", b"Content-Length: 2\r\n\r\nhi"])
async def test_a_write_is_never_sent_on_a_connection_that_was_used_before(
    stage: Stage, method: bytes, body: bytes
) -> None:
    """Row 48: RFC 9110 section 9.2.2."""
    stage.active.script = _dies_when_reused
    for _ in range(3):
        assert (await stage.ask(GET)).status == 200
        assert (await stage.ask(method + b" / HTTP/1.1\r\nHost: a\r\n" + body)).status == 200
    writes = [request for request in stage.active.requests if request.start.startswith(method)]
    assert len(writes) == 3


@pytest.mark.parametrize("method", [b"PUT", b"DELETE", b"POST", b"PATCH"])
async def test_a_write_whose_connection_dies_is_never_sent_twice(stage: Stage, method: bytes) -> None:
    """Row 48: RFC 9110 section 9.2.2: nobody can tell whether it happened."""

    async def dies(visit: Visit) -> None:
        await visit.request()
        visit.reset()

    stage.active.script = dies
    assert (await stage.ask(method + b" / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")).status == 502
    assert len(stage.active.requests) == 1


async def test_a_safe_request_with_a_body_counts_as_a_write(stage: Stage) -> None:
    """Row 48: its body is gone."""
    stage.active.script = _dies_when_reused
    request = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
    await stage.ask(GET)
    await stage.ask(request)
    assert stage.active.connections == 2


@pytest.mark.parametrize("heard", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 X\r\n\r\n"])
async def test_a_request_that_was_answered_with_one_byte_is_not_sent_again(stage: Stage, heard: bytes) -> None:
    """Row 49: RFC 9112 section 9.3.1: the backend has begun to do it."""

    async def begins(visit: Visit) -> None:
        if await visit.request() is not None:
            await visit.send(OK)
            if await visit.request() is not None:
                await visit.send(heard)

    stage.active.script = begins
    client = await stage.connect()
    assert (await client.ask(GET)).status == 200
    answer = await client.ask(GET)
    while answer.status == 103:
        answer = await client.answer()
    assert answer.status == 502
    assert len(stage.active.requests) == 2


async def test_a_new_connection_that_dies_is_not_tried_again(stage: Stage) -> None:
    """Row 49: only the race with the end of keep-alive is an excuse."""

    async def dies(visit: Visit) -> None:
        await visit.request()

    stage.active.script = dies
    assert (await stage.ask(GET)).status == 502
    assert len(stage.active.requests) == 1


async def test_a_request_is_sent_again_once_at_the_most(stage: Stage) -> None:
    """Row 49."""
    await stage.ask(GET)

    async def dies(visit: Visit) -> None:
        await visit.request()
        visit.reset()

    stage.active.script = dies
    stage.active.kill()
    assert (await stage.ask(GET)).status == 502
    assert len(stage.active.requests) == 2


async def test_an_idle_connection_that_the_backend_closed_is_not_used(stage: Stage) -> None:
    """Row 49: RFC 9112 section 9.5: neither an error nor a repetition."""
    closed = asyncio.Event()

    async def closes(visit: Visit) -> None:
        await visit.request()
        await visit.send(OK)
        visit.writer.close()
        closed.set()

    stage.active.script = closes
    for _ in range(3):
        assert (await stage.ask(GET)).status == 200
        await closed.wait()
        closed.clear()
    assert (len(stage.active.requests), stage.active.connections) == (3, 3)


async def test_reads_share_a_connection(stage: Stage) -> None:
    """Row 49: keep-alive towards the backend."""
    stage.active.script = always(OK)
    for _ in range(5):
        await stage.ask(GET)
    assert stage.active.connections == 1
