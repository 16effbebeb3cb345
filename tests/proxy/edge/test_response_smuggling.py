"""Bytes behind an answer are nobody's: no other client may get them as its own."""

from __future__ import annotations

import asyncio

import pytest

from proxy.edge.upstream import Reuse
from tests.support.edge import Stage
from tests.support.wire import OK, Visit

GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


@pytest.mark.parametrize(
    "extra",
    [
        EVIL,
        EVIL[:30],
        EVIL[:-2],
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nX: ",
        b"x",
        b"\x00" * 10,
    ],
)
@pytest.mark.parametrize("request_bytes", [b"GET", b"HEAD"])
async def test_bytes_behind_an_answer_end_the_connections_use(stage: Stage, extra: bytes, request_bytes: bytes) -> None:
    """RFC 9112 sections 6.3, 11.1: in the same packet, while the answer is still being relayed."""

    async def generous(visit: Visit) -> None:
        if await visit.request() is not None:
            await visit.send((OK if request_bytes == b"GET" else OK[:-2]) + extra)
            await visit.until_closed()

    stage.active.script = generous
    for number in range(3):
        answer = await stage.ask(request_bytes + (GET % number)[3:])
        assert answer.body == (b"ok" if request_bytes == b"GET" else b"")
    assert stage.active.connections == 3


async def test_bytes_that_come_while_nobody_asks_end_the_connections_use(stage: Stage) -> None:
    """The same, in a packet of their own, before and after the event loop has read them."""
    sent = asyncio.Event()

    async def generous(visit: Visit) -> None:
        if await visit.request() is not None:
            await visit.send(OK)
            await visit.send(EVIL)
            sent.set()
            await visit.until_closed()

    stage.active.script = generous
    client = await stage.connect()
    for number in range(20):
        assert (await client.ask(GET % number)).body == b"ok"
        await sent.wait()
        sent.clear()
    assert stage.active.connections == 20


async def test_bytes_that_the_event_loop_has_not_read_yet_end_it_too(stage: Stage) -> None:
    """The same, in the very moment in between."""
    visits: asyncio.Queue[Visit] = asyncio.Queue()

    async def waits(visit: Visit) -> None:
        await visit.request()
        await visit.send(OK)
        await visits.put(visit)
        await visit.until_closed()

    stage.active.script = waits
    pool = stage.edge.sides["node"].http
    first = await pool.acquire(Reuse.ANY)
    first.begin("GET")
    first.write(GET % 1)
    await first.head()
    await first.more()
    first.take()
    visit = await visits.get()
    pool.release(first)
    visit.writer.write(EVIL)
    second = await pool.acquire(Reuse.ANY)  # decides before the event loop can have read anything
    assert second is not first
    pool.release(second)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_body_where_none_may_be_is_nobodys_answer(stage: Stage, status: bytes) -> None:
    """Rows 39, 40: RFC 9112 section 6.3."""

    async def generous(visit: Visit) -> None:
        if await visit.request() is not None:
            await visit.send(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%b" % (status, len(EVIL), EVIL))
            await visit.until_closed()

    stage.active.script = generous
    client = await stage.connect()
    for number in range(3):
        answer = await client.ask(GET % number)
        assert (answer.status, answer.body) == (int(status[:3]), b"")
    assert stage.active.connections == 3
