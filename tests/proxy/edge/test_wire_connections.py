"""A client's connection: pipelining, half-closed clients, upgrades that are none (rows 13, 14, 46, 55)."""

from __future__ import annotations

import asyncio

import pytest

from tests.proxy.edge.conftest import StageWith
from tests.support.edge import Stage
from tests.support.wire import OK, Truncated, Visit, hang


def _get(target: bytes) -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target


async def _echo_target(visit: Visit) -> None:
    while (request := await visit.request()) is not None:
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(request.target), request.target))


@pytest.mark.parametrize("half_closed", [False, True])
@pytest.mark.parametrize("count", [2, 100])
async def test_pipelined_requests_are_answered_in_their_order(
    stage_with: StageWith, count: int, half_closed: bool
) -> None:
    """Rows 13, 14: RFC 9112 sections 9.3.2, 9.6; behind the last answer a half-closed client is closed at once."""
    stage = await stage_with(limits={"half_close_grace": 60})
    stage.active.script = _echo_target
    client = await stage.connect()
    targets = [b"/%d" % number for number in range(count)]
    await client.send(b"".join(map(_get, targets)))
    if half_closed:
        client.half_close()
    assert [(await client.answer()).body for _ in targets] == targets
    if half_closed:
        assert await client.rest() == b""


async def test_pipelined_bodies_are_not_mixed_up(stage: Stage) -> None:
    """Row 13: RFC 9112 section 9.3.2."""
    client = await stage.connect()
    posts = [b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n%04d" % (n, n) for n in range(5)]
    await client.send(b"".join(posts))
    for _ in posts:
        assert (await client.answer()).status == 200
    assert [request.body for request in stage.active.requests] == [b"%04d" % n for n in range(5)]


async def test_a_request_whose_head_comes_in_pieces_behind_another_is_served(stage: Stage) -> None:
    """RFC 9112 section 9.3.2: its first piece is read before the answer to the one before is out."""
    client = await stage.connect()
    await client.send(_get(b"/1") + b"GET /2 HTTP/1.1\r\nHo")
    assert (await client.answer()).status == 200
    await client.send(b"st: a\r\nX: y\r\n\r\n")
    assert (await client.answer()).status == 200
    assert stage.active.requests[1].get(b"x") == b"y"


async def test_a_request_that_comes_byte_by_byte_is_served(stage: Stage) -> None:
    """RFC 9112 section 2.2."""
    client = await stage.connect()
    for byte in b"\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi":
        await client.send(bytes([byte]))
        await asyncio.sleep(0)
    assert (await client.answer()).status == 200
    assert stage.active.requests[0].body == b"hi"


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("request_bytes", [_get(b"/"), b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"])
async def test_a_half_closed_client_gets_its_answer(stage: Stage, request_bytes: bytes, at_once: bool) -> None:
    """Row 14: RFC 9112 section 9.6, in whatever moment the end of its sending side is seen."""
    client = await stage.connect()
    await client.send(request_bytes)
    if not at_once:
        await stage.active.seen(1)
    client.half_close()
    assert (await client.answer()).body == b"ok"
    assert await client.rest() == b""


async def test_a_half_closed_client_gets_a_slow_answer_to_its_end(stage_with: StageWith) -> None:
    """Row 14: the grace is for the answer's beginning only."""
    stage = await stage_with(limits={"half_close_grace": 0.05})
    go_on = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await go_on.wait()
        await visit.send(b"cd")

    stage.active.script = slow
    client = await stage.connect()
    await client.send(_get(b"/"))
    client.half_close()
    await client.reader.readuntil(b"\r\n\r\nab")
    await asyncio.sleep(0.15)
    go_on.set()
    assert await client.rest() == b"cd"


async def test_a_half_closed_client_counts_as_gone_when_its_grace_is_over(stage_with: StageWith) -> None:
    """Row 50: half-closed and gone look alike until somebody writes."""
    stage = await stage_with(limits={"half_close_grace": 0.05})
    stage.active.script = hang
    client = await stage.connect()
    await client.send(_get(b"/"))
    client.half_close()
    await stage.active.seen(1)
    with pytest.raises(Truncated):
        await client.answer()
    await stage.active.deserted()


@pytest.mark.parametrize("protocol", [b"h2c", b"TLS/1.0", b"websocket2", b"h2c, websocket"])
async def test_an_upgrade_to_anything_but_a_websocket_is_not_passed_on(stage: Stage, protocol: bytes) -> None:
    """Row 46: RFC 9110 section 7.8: the request is served as it is, and so is the next one."""
    client = await stage.connect()
    request = (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\nHTTP2-Settings: AA\r\n\r\n"
    )
    for _ in range(2):
        assert (await client.ask(request % protocol)).body == b"ok"
    assert b"upgrade" not in stage.active.requests[0].head.lower()


async def test_a_post_that_asks_for_a_websocket_is_an_ordinary_post(stage: Stage) -> None:
    """Row 46: RFC 6455 section 4.1: a handshake is a GET."""
    client = await stage.connect()
    request = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi"
    for _ in range(2):
        assert (await client.ask(request)).body == b"ok"
    assert [request.body for request in stage.active.requests] == [b"hi", b"hi"]


async def test_a_get_with_a_body_that_asks_for_a_websocket_keeps_its_body(stage: Stage) -> None:
    """Row 46: a handshake has no body; dropping one would leave its bytes to be taken for frames."""
    client = await stage.connect()
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi"
    assert (await client.ask(request)).body == b"ok"
    assert stage.active.requests[0].body == b"hi"
    assert (await client.ask(_get(b"/next"))).body == b"ok"


async def test_a_stopping_edge_closes_idle_clients_at_once_and_finishes_the_others(stage: Stage) -> None:
    """Row 55: RFC 9112 section 9.6."""
    finish = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request_head()
        await finish.wait()
        await visit.send(OK)

    stage.active.script = slow
    idle, busy = await stage.connect(), await stage.connect()
    await busy.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
    await stage.active.seen(1)
    stopping = asyncio.ensure_future(stage.server.shutdown(5))
    async with asyncio.timeout(2):
        assert await idle.rest() == b""
    await busy.send(b"cd")
    finish.set()
    answer = await busy.answer()
    assert (answer.body, answer.get(b"connection")) == (b"ok", b"close")
    async with asyncio.timeout(2):
        await stopping
