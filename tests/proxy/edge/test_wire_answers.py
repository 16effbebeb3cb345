"""Answers reach the client as the backend gave them, framed for the client that asked (rows 35 to 44, 53)."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from tests.proxy.edge.conftest import StageWith
from tests.support.edge import Stage
from tests.support.wire import Visit, always, once

HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"


async def test_a_compressed_body_passes_untouched(stage: Stage) -> None:
    """Row 35: RFC 9110 section 8.4."""
    body = gzip.compress(b"x" * 5000)
    stage.active.script = always(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    answer = await stage.get(b"/", b"Accept-Encoding: gzip\r\n")
    assert (answer.body, answer.get(b"content-encoding")) == (body, b"gzip")


async def test_a_compressed_request_body_passes_untouched(stage: Stage) -> None:
    """Row 35; also one that is not what it says."""
    for body in (gzip.compress(b"x" * 5000), b"not gzip at all"):
        await stage.ask(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        assert stage.active.requests[-1].body == body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_the_clients_business(stage: Stage, status: int) -> None:
    """Rows 36, 37: RFC 9110 section 10.2.2."""
    where = b"http://elsewhere.example/%2F/.."
    stage.active.script = always(b"HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, where))
    answer = await stage.get()
    assert (answer.status, answer.get(b"location")) == (status, where)
    assert len(stage.active.requests) == 1


async def test_cookies_are_the_clients_business(stage: Stage) -> None:
    """Row 36: a cookie set for one client is never sent for another."""
    stage.active.script = always(b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=1\r\nContent-Length: 0\r\n\r\n")
    await stage.get()
    await stage.get()
    assert b"sid" not in stage.active.requests[1].head


@pytest.mark.parametrize(
    ("request_bytes", "answer", "length"),
    [
        (HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"100"),
        (HEAD, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (HEAD, b"HTTP/1.1 200 OK\r\n\r\n", None),
        (HEAD, b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n", b"7"),
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n", None),
        (GET, b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", None),
        (GET, b"HTTP/1.1 304 Not Modified\r\n\r\n", None),
        (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\nETag: x\r\n\r\n", b"100"),
    ],
)
async def test_an_answer_without_a_body_is_framed_as_one_and_the_connection_goes_on(
    stage: Stage, request_bytes: bytes, answer: bytes, length: bytes | None
) -> None:
    """Rows 38, 39, 40: RFC 9110 sections 8.6, 9.3.2, 15.3.5, 15.4.5; RFC 9112 section 6.3."""
    stage.active.script = always(answer)
    client = await stage.connect()
    for _ in range(3):
        got = await client.ask(request_bytes)
        assert got.start == answer.split(b"\r\n")[0]
        assert (got.get(b"content-length"), got.get(b"transfer-encoding"), got.body) == (length, None, b"")
        assert got.get(b"connection") is None
    assert len(stage.active.requests) == 3


async def test_a_chunked_answer_to_http_1_0_ends_with_the_connection(stage: Stage) -> None:
    """RFC 9112 section 6.1: no coding to HTTP/1.0."""
    stage.active.script = always(CHUNKED)
    client = await stage.connect()
    answer = await client.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert (answer.body, answer.get(b"transfer-encoding"), answer.get(b"connection")) == (
        b"hello world",
        None,
        b"close",
    )
    assert await client.rest() == b""


async def test_http_1_0_without_keep_alive_is_closed_after_its_answer(stage: Stage) -> None:
    """RFC 9112 section 9.3."""
    client = await stage.connect()
    answer = await client.ask(b"GET / HTTP/1.0\r\n\r\n")
    assert (answer.body, answer.get(b"connection")) == (b"ok", b"close")
    assert await client.rest() == b""


async def test_http_1_0_with_keep_alive_goes_on_and_is_told_so(stage: Stage) -> None:
    """RFC 9112 section 9.3."""
    client = await stage.connect()
    for _ in range(2):
        answer = await client.ask(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        assert (answer.body, answer.get(b"connection")) == (b"ok", b"keep-alive")


async def test_a_client_that_wants_to_close_is_closed_after_its_answer(stage: Stage) -> None:
    """RFC 9112 section 9.6."""
    client = await stage.connect()
    answer = await client.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.get(b"connection") == b"close"
    assert await client.rest() == b""


async def test_a_body_that_ends_with_the_backends_connection_is_chunked_for_http_1_1(stage: Stage) -> None:
    """RFC 9112 section 6.3: the client's connection goes on."""
    stage.active.script = once(b"HTTP/1.1 200 OK\r\n\r\nhello")
    client = await stage.connect()
    for _ in range(2):
        answer = await client.ask(GET)
        assert (answer.body, answer.get(b"transfer-encoding")) == (b"hello", b"chunked")


async def test_early_hints_are_relayed_and_a_hundred_is_not(stage: Stage) -> None:
    """Row 41: RFC 9110 section 15.2; RFC 8297. The 100 is the edge's own business."""
    interim = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x\r\n\r\n"
    )
    stage.active.script = always(interim + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    client = await stage.connect()
    hints = await client.ask(GET)
    assert (hints.status, hints.fields) == (103, [(b"Link", b"</a>; rel=preload")])
    assert (await client.answer()).body == b"ok"


async def test_http_1_0_gets_no_interim_answer(stage: Stage) -> None:
    """Row 41: RFC 9110 section 15.2."""
    stage.active.script = always(b"HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert (await stage.ask(b"GET / HTTP/1.0\r\n\r\n")).status == 200


async def test_the_edge_asks_for_the_body_itself_and_hides_the_expectation(stage: Stage) -> None:
    """Row 42: RFC 9110 section 10.1.1: a backend that never sends a 100 must not stall the client."""
    client = await stage.connect()
    await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert (await client.answer()).start == b"HTTP/1.1 100 Continue"
    assert (await client.ask(b"hello")).status == 200
    (got,) = stage.active.requests
    assert (got.get(b"expect"), got.body) == (None, b"hello")


async def test_a_body_that_came_unasked_needs_no_hundred(stage: Stage) -> None:
    """Row 42: RFC 9110 section 10.1.1 allows to omit it."""
    request = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello"
    assert (await stage.ask(request)).status == 200


async def test_a_refused_body_is_never_asked_for(stage_with: StageWith) -> None:
    """Rows 42, 54: RFC 9110 section 10.1.1: a final answer instead of the 100."""
    stage = await stage_with(limits={"body": 10})
    request = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n"
    assert (await stage.ask(request)).status == 413


async def test_an_unknown_expectation_is_417(stage: Stage) -> None:
    """Row 43: RFC 9110 section 15.5.18."""
    assert (await stage.get(b"/", b"Expect: wonders\r\n")).status == 417


async def test_an_answer_that_comes_before_the_end_of_the_body_is_relayed_at_once(stage: Stage) -> None:
    """Row 44: RFC 9112 sections 9.3, 9.6; RFC 9110 section 15.5.14."""

    async def too_large(visit: Visit) -> None:
        await visit.request_head()
        await visit.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await visit.until_closed()

    stage.active.script = too_large
    client = await stage.connect()
    await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
    answer = await client.answer()
    assert (answer.status, answer.body, answer.get(b"connection")) == (413, b"no", b"close")
    await stage.active.deserted()
    client.half_close()
    assert await client.rest() == b""


async def test_every_piece_of_a_stream_is_passed_on_as_it_comes(stage: Stage) -> None:
    """Row 53: server-sent events are not held back."""
    seen = asyncio.Event()

    async def stream(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await visit.send(b"8\r\ndata: 1\n\r\n")
        await seen.wait()
        await visit.send(b"8\r\ndata: 2\n\r\n0\r\n\r\n")

    stage.active.script = stream
    client = await stage.connect()
    await client.send(GET)
    assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert await client.reader.readuntil(b"1\n\r\n") == b"8\r\ndata: 1\n\r\n"
    seen.set()
    assert await client.reader.readuntil(b"0\r\n\r\n") == b"8\r\ndata: 2\n\r\n0\r\n\r\n"


async def test_an_answer_may_begin_while_the_body_is_still_coming(stage: Stage) -> None:
    """Row 52: both directions stream at the same time."""

    async def echo(visit: Visit) -> None:
        await visit.request_head()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for _ in range(2):
            await visit.send(await visit.reader.readexactly(3))

    stage.active.script = echo
    client = await stage.connect()
    await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n")
    await client.reader.readuntil(b"\r\n\r\n")
    for piece in (b"abc", b"def"):
        await client.send(piece)
        assert await client.reader.readexactly(3) == piece
