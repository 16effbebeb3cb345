"""Requests whose framing could be read in two ways never reach a backend (http-checklist rows 1 to 10)."""

from __future__ import annotations

import pytest

from tests.support.edge import Stage

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
        (HEAD + b"Content-Length: 5, 5\r\n\r\nhello", 400),
        (HEAD + b"Content-Length: +5\r\n\r\nhello", 400),
        (HEAD + b"Content-Length: -5\r\n\r\nhello", 400),
        (HEAD + b"Content-Length: 0x5\r\n\r\nhello", 400),
        (HEAD + b"Content-Length: 5 5\r\n\r\nhello", 400),
        (HEAD + b"Content-Length: \r\n\r\nhello", 400),
        (HEAD + b"Content-Length: 5\x00\r\n\r\nhello", 400),
        (HEAD + b"Content-Length: 99999999999999999999999\r\n\r\nhello", 400),
        (HEAD + b"Content-Length : 5\r\n\r\nhello", 400),
        (HEAD + b"Content-Length: 5\r\n folded\r\n\r\nhello", 400),
        (HEAD + b"X: a\r\n b\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello", 400),
        (HEAD + b"X: a\nContent-Length: 5\r\n\r\nhello", 400),
        (HEAD + b"X: a\rContent-Length: 5\r\n\r\nhello", 400),
        (HEAD + b"X\x00: a\r\n\r\n", 400),
        (HEAD + b"X: a\x00b\r\n\r\n", 400),
        (HEAD + b": a\r\n\r\n", 400),
        (HEAD + b"no colon\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding:\r\n\r\n", 501),
        (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ],
)
async def test_ambiguous_framing_is_refused_and_the_connection_closed(
    stage: Stage, request_bytes: bytes, status: int
) -> None:
    """Rows 1-3, 4, 5, 6, 7, 8: RFC 9112 sections 2.2, 5.1, 5.2, 6.1 to 6.3; RFC 9110 sections 5.5, 8.6."""
    client = await stage.connect()
    answer = await client.ask(request_bytes)
    assert answer.status == status
    assert answer.get(b"connection") == b"close"
    assert await client.rest() == b""
    assert stage.active.requests == []


async def test_a_chunked_body_is_framed_anew_and_its_extensions_are_dropped(stage: Stage) -> None:
    """Rows 9, 10: RFC 9112 sections 6.1, 7.1.1."""
    await stage.ask(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;name=value\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
    (got,) = stage.active.requests
    assert got.body == b"hello world"
    assert got.get(b"transfer-encoding") == b"chunked"
    assert got.get(b"content-length") is None
    assert b"name" not in got.raw_body


async def test_a_body_with_a_length_keeps_its_length(stage: Stage) -> None:
    """Row 9: RFC 9112 section 6.2."""
    await stage.ask(HEAD + b"Content-Length: 5\r\n\r\nhello")
    (got,) = stage.active.requests
    assert (got.get(b"content-length"), got.get(b"transfer-encoding"), got.raw_body) == (b"5", None, b"hello")


async def test_a_length_of_zero_is_kept_and_none_is_invented(stage: Stage) -> None:
    """Row 9: RFC 9110 section 8.6."""
    await stage.ask(HEAD + b"Content-Length: 0\r\n\r\n")
    await stage.ask(HEAD + b"\r\n")
    assert [got.get(b"content-length") for got in stage.active.requests] == [b"0", None]
    assert [got.get(b"transfer-encoding") for got in stage.active.requests] == [None, None]


@pytest.mark.parametrize(
    "rest", [b"zz\r\n", b"5\r\nhello__5\r\n", b"-5\r\n", b"5\nhello", b" 5\r\n", b"0\r\nbad trailer\r\n\r\n"]
)
async def test_a_body_that_turns_out_malformed_is_refused_at_once_and_never_completed(
    stage: Stage, rest: bytes
) -> None:
    """Rows 3, 6, 11: RFC 9112 sections 7.1, 8. The backend must not take half a body for a whole one."""
    client = await stage.connect()
    await client.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    await stage.active.seen(1)
    answer = await client.ask(rest, "POST")
    assert answer.status == 400
    assert await client.rest() == b""
    await stage.active.broken.wait()
    assert not stage.active.requests[0].whole


async def test_a_trailer_never_becomes_a_field_of_the_next_request(stage: Stage) -> None:
    """Row 45 (trailers are dropped): RFC 9110 section 6.5. Behind a proxy the next request may be another client's."""
    client = await stage.connect()
    trailer = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-First: 1\r\nX-Evil: 2\r\n\r\n"
    first = await client.ask(trailer)
    assert first.status == 200
    assert first.get(b"connection") == b"close"
    assert await client.rest() == b""
    assert b"evil" not in stage.active.requests[0].head.lower()


async def test_nothing_behind_a_trailer_in_the_same_packet_is_served(stage: Stage) -> None:
    """The same, where the parser has already read the next request."""
    client = await stage.connect()
    body = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Evil: 2\r\n\r\n"
    await client.send(HEAD + body + b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.answer()).status == 200
    assert await client.rest() == b""
    assert [got.target for got in stage.active.requests] == [b"/x"]


async def test_a_chunked_request_without_trailers_keeps_the_connection(stage: Stage) -> None:
    """RFC 9112 section 9.3."""
    client = await stage.connect()
    for piece in (b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n"):
        answer = await client.ask(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + piece)
        assert (answer.status, answer.get(b"connection")) == (200, None)
    await client.send_apart(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")
    await client.send_apart(b"\r")
    await client.send(b"\n")
    assert (await client.answer()).get(b"connection") is None
    assert len(stage.active.requests) == 3
