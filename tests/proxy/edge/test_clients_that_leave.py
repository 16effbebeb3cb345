"""A client that leaves: its read is given up at once, its write is carried to its end (http-checklist row 50)."""

from __future__ import annotations

import asyncio

import pytest
from structlog.typing import EventDict

from shadow.plan import Skip
from tests.support.edge import Stage
from tests.support.wire import Visit, hang

POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"


async def _quiet(stage: Stage) -> None:
    """Wait until the edge has nothing under way."""
    async with asyncio.timeout(5):
        while stage.edge.sides["node"].http.in_use or stage.server.connections:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"])
async def test_a_read_whose_client_left_is_given_up(stage: Stage, method: bytes) -> None:
    """Row 50: RFC 9112 section 9.5."""
    stage.active.script = hang
    client = await stage.connect()
    await client.send(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
    await stage.active.seen(1)
    client.reset()
    await stage.active.deserted()
    await _quiet(stage)


async def test_a_read_is_given_up_in_the_middle_of_its_answer(stage: Stage) -> None:
    """Row 50."""

    async def endless(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await visit.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")

    stage.active.script = endless
    client = await stage.connect()
    await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await client.reader.readexactly(100_000)
    client.reset()
    await stage.active.deserted()
    await _quiet(stage)
    assert stage.mirror.skips == [Skip.CLIENT_GONE]


async def test_a_write_whose_client_left_is_carried_to_its_end(stage: Stage) -> None:
    """Row 50: its outcome must be known, whoever waits for it."""
    gone, finished = asyncio.Event(), asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await gone.wait()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await visit.send(b"cd")
        if not await visit.until_closed():
            finished.set()

    stage.active.script = slow
    client = await stage.connect()
    await client.send(POST + b"hi")
    await stage.active.seen(1)
    client.reset()
    while stage.server.connections and stage.server.connections[0].transport is not None:
        await asyncio.sleep(0.001)
    assert stage.edge.sides["node"].http.in_use == 1
    gone.set()
    async with asyncio.timeout(5):
        await finished.wait()
    await _quiet(stage)


async def test_a_write_is_finished_also_when_the_client_leaves_in_its_answer(stage: Stage) -> None:
    """Row 50: a half-closed client looks gone until somebody writes."""
    go_on, finished = asyncio.Event(), asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n")
        await go_on.wait()
        await visit.send(b"x" * 4_000_000)
        await visit.until_closed()
        finished.set()

    stage.active.script = slow
    client = await stage.connect()
    await client.send(POST + b"hi")
    await client.reader.readuntil(b"\r\n\r\n")
    client.reset()
    go_on.set()
    async with asyncio.timeout(5):
        await finished.wait()
    await _quiet(stage)


@pytest.mark.parametrize("how", ["reset", "half_close"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_whose_client_left_never_looks_whole(stage: Stage, chunked: bool, how: str) -> None:
    """Rows 11, 50: RFC 9112 section 8."""
    stage.active.script = hang_with_body
    client = await stage.connect()
    if chunked:
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
    else:
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nhi")
    await stage.active.seen(1)
    getattr(client, how)()
    await stage.active.broken.wait()
    assert not stage.active.requests[0].whole
    await _quiet(stage)


async def hang_with_body(visit: Visit) -> None:
    """Takes a request with its body and never answers."""
    await visit.request()
    await visit.until_closed()


async def test_requests_queued_behind_a_client_that_left_are_not_begun(stage: Stage) -> None:
    """Row 50: nobody waits for them."""
    stage.active.script = hang
    client = await stage.connect()
    await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + POST + b"hi")
    await stage.active.seen(1)
    client.reset()
    await _quiet(stage)
    assert len(stage.active.requests) == 1


async def test_a_client_that_leaves_is_no_fault_of_ours(stage: Stage, events: list[EventDict]) -> None:
    """It is an everyday thing: no error, no traceback, no word about the backend."""
    stage.active.script = hang
    client = await stage.connect()
    await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await stage.active.seen(1)
    client.reset()
    await stage.active.deserted()
    await _quiet(stage)
    assert events == []
