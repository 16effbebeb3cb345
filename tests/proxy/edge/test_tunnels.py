"""The tunnel behind a 101, byte for byte: what a library hides (http-checklist rows 58, 62)."""

from __future__ import annotations

import asyncio

import pytest

from tests.proxy.edge.conftest import StageWith
from tests.support.edge import Stage
from tests.support.wire import Client, Truncated, Visit, always, once

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: x; y=1\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Extra: caf\xe9\r\n\r\n"
)


async def _open(stage: Stage, more: bytes = b"") -> Client:
    client = await stage.connect()
    await client.send(HANDSHAKE + more)
    assert (await client.answer()).head == SWITCH
    return client


async def _upgrades(visit: Visit) -> None:
    """Switches, then echoes raw bytes until the client sends no more, and says goodbye."""
    if await visit.request() is not None:
        await visit.send(SWITCH)
        while data := await visit.reader.read(65536):
            await visit.send(data)
        await visit.send(b"goodbye")


async def test_a_handshake_keeps_its_fields_and_its_answer_comes_back_as_it_is(stage: Stage) -> None:
    """Row 57: RFC 6455 section 4."""
    stage.active.script = _upgrades
    client = await _open(stage)
    (got,) = stage.active.requests
    assert got.start == b"GET /ws HTTP/1.1"
    assert (got.all(b"connection"), got.all(b"upgrade")) == ([b"Upgrade"], [b"WebSocket"])
    assert got.get(b"sec-websocket-protocol") == b"a, b"
    assert got.get(b"sec-websocket-extensions") == b"x; y=1"
    await client.send(bytes(range(256)))
    assert await client.reader.readexactly(256) == bytes(range(256))


async def test_bytes_sent_right_behind_the_handshake_are_not_lost(stage: Stage) -> None:
    """Row 58: a client need not wait for the answer; what looks like a request is none."""
    stage.active.script = _upgrades
    early = b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n\x81\x85"
    client = await _open(stage, early)
    assert await client.reader.readexactly(len(early)) == early
    assert len(stage.active.requests) == 1


async def test_bytes_sent_before_the_backend_has_answered_are_not_lost(stage: Stage) -> None:
    """Row 58: in a packet of their own, more than the parser would hold back."""
    go_on = asyncio.Event()

    async def late(visit: Visit) -> None:
        await visit.request()
        await go_on.wait()
        await visit.send(SWITCH)
        await visit.send(await visit.reader.readexactly(300_000))

    stage.active.script = late
    client = await stage.connect()
    await client.send(HANDSHAKE)
    await stage.active.seen(1)
    early = bytes(range(250)) * 1200
    sending = asyncio.ensure_future(client.send(early))
    await asyncio.sleep(0.01)
    go_on.set()
    assert (await client.answer()).status == 101
    assert await client.reader.readexactly(len(early)) == early
    await sending


async def test_bytes_of_the_backend_behind_its_101_are_not_lost(stage: Stage) -> None:
    """Row 58: in the same packet, more than once."""

    async def eager(visit: Visit) -> None:
        await visit.request()
        await visit.send(SWITCH + b"HTTP/1.1 200 OK\r\n\r\n" + b"\x00\xff" * 100_000)

    stage.active.script = eager
    client = await _open(stage)
    assert await client.rest() == b"HTTP/1.1 200 OK\r\n\r\n" + b"\x00\xff" * 100_000


async def test_a_half_closed_client_still_hears_the_backend(stage: Stage) -> None:
    """Row 62: the end of one direction is passed on, the other goes on."""
    stage.active.script = _upgrades
    client = await _open(stage)
    await client.send(b"last")
    client.half_close()
    assert await client.rest() == b"lastgoodbye"


async def test_a_client_that_half_closed_before_the_answer_is_heard_to_its_end(stage: Stage) -> None:
    """Row 62: the backend must learn of it, or it waits for ever."""
    stage.active.script = _upgrades
    client = await stage.connect()
    await client.send(HANDSHAKE + b"last")
    client.half_close()
    assert (await client.answer()).status == 101
    assert await client.rest() == b"lastgoodbye"


async def test_a_half_closed_backend_still_hears_the_client(stage: Stage) -> None:
    """Row 62."""
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def half_closes(visit: Visit) -> None:
        await visit.request()
        await visit.send(SWITCH + b"bye")
        visit.writer.write_eof()
        heard.set_result(await visit.reader.read())

    stage.active.script = half_closes
    client = await _open(stage)
    assert await client.rest() == b"bye"
    await client.send(b"still here")
    client.half_close()
    assert await heard == b"still here"
    await stage.active.deserted()


@pytest.mark.parametrize("who", ["client", "backend"])
async def test_a_slow_end_slows_the_other_down(stage: Stage, who: str) -> None:
    """Rows 52, 62: back-pressure; the edge holds no more than some buffers."""
    read, written, total = asyncio.Event(), 0, 32_000_000

    async def pour(write: asyncio.StreamWriter) -> None:
        nonlocal written
        for _ in range(total // 100_000):
            write.write(b"x" * 100_000)
            await write.drain()
            written += 100_000

    async def drink(reader: asyncio.StreamReader) -> int:
        await read.wait()
        return len(await reader.readexactly(total))

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(SWITCH)
        if who == "client":
            await pour(visit.writer)
        else:
            await visit.send(b"%d" % await drink(visit.reader))

    stage.active.script = script
    client = await _open(stage)
    pouring = asyncio.ensure_future(pour(client.writer)) if who == "backend" else None
    before = -1
    while written > before:
        before = written
        await asyncio.sleep(0.1)
    assert 0 < written < total * 0.75  # the kernel's own buffers take a good part
    read.set()
    if pouring is not None:
        await pouring
        assert await client.reader.readexactly(8) == b"%d" % total
    else:
        assert await drink(client.reader) == total


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n\x81\x00",
        b"garbage",
        b"",
    ],
)
async def test_an_answer_that_is_no_proper_switch_is_502(stage: Stage, answer: bytes) -> None:
    """Row 12: RFC 9110 section 15.2.2."""
    stage.active.script = once(answer)
    client = await stage.connect()
    assert (await client.ask(HANDSHAKE)).status == 502


async def test_after_a_refused_handshake_the_connection_goes_on(stage: Stage) -> None:
    """Row 57: RFC 9110 section 7.8."""
    stage.active.script = always(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
    client = await stage.connect()
    for _ in range(3):
        answer = await client.ask(HANDSHAKE)
        assert (answer.status, answer.body) == (426, b"no")
    await client.send(HANDSHAKE + b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [(await client.answer()).status for _ in range(2)] == [426, 426]
    assert stage.active.requests[-1].target == b"/next"


async def test_a_handshake_that_is_not_answered_in_time_is_504(stage_with: StageWith) -> None:
    """Row 12."""
    stage = await stage_with(both={"answer_timeout": 0.1})

    async def hangs(visit: Visit) -> None:
        await visit.request()
        await visit.until_closed()

    stage.active.script = hangs
    client = await stage.connect()
    assert (await client.ask(HANDSHAKE)).status == 504
    await stage.active.deserted()


async def test_a_handshake_whose_client_left_is_given_up(stage: Stage) -> None:
    """Row 50."""

    async def hangs(visit: Visit) -> None:
        await visit.request()
        await visit.until_closed()

    stage.active.script = hangs
    client = await stage.connect()
    await client.send(HANDSHAKE)
    await stage.active.seen(1)
    client.reset()
    await stage.active.deserted()


@pytest.mark.parametrize("who", ["client", "backend"])
async def test_a_killed_end_takes_the_other_along(stage: Stage, who: str) -> None:
    """Row 62."""
    stage.active.script = _upgrades
    client = await _open(stage)
    await client.send(b"x")
    await client.reader.readexactly(1)
    if who == "client":
        client.reset()
        await stage.active.deserted()
    else:
        stage.active.kill()
        with pytest.raises((Truncated, ConnectionError)):
            await client.answer()
    while stage.edge.sides["node"].ws.in_use:
        await asyncio.sleep(0.01)


async def test_a_frame_that_does_not_end_is_closed_with_when_the_time_to_stop_is_up(stage: Stage) -> None:
    """Rows 55, 62: nothing of ours is put into the middle of it."""
    stage.active.script = _upgrades
    client = await _open(stage)
    await client.send(b"\x82\x05ab")
    assert await client.reader.readexactly(4) == b"\x82\x05ab"
    stopping = asyncio.ensure_future(stage.server.shutdown(0.3))
    await asyncio.sleep(0.2)
    await client.send(b"x")
    assert await client.reader.readexactly(1) == b"x"
    async with asyncio.timeout(5):
        assert await client.rest() == b""
        await stopping
    await stage.active.deserted()
