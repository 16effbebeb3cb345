"""What a client may send has bounds, each with the status that says which (http-checklist rows 25, 54)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.proxy.edge.conftest import StageWith
from tests.support.edge import Stage
from tests.support.wire import hang


async def test_a_header_of_twelve_kilobytes_passes(stage: Stage) -> None:
    """Row 25: what Node takes by itself must not fail in front of it."""
    assert (await stage.get(b"/" + b"x" * 12_000, b"X-Long: %s\r\n" % (b"y" * 12_000))).status == 200
    (got,) = stage.active.requests
    assert len(got.get(b"x-long") or b"") == 12_000


@pytest.mark.parametrize("pieces", [1, 3])
async def test_a_target_over_the_limit_is_414(stage: Stage, pieces: int) -> None:
    """Row 25: RFC 9110 section 15.5.15."""
    client = await stage.connect()
    whole = b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    for start in range(0, len(whole), step := len(whole) // pieces + 1):
        await client.send(whole[start : start + step])
    assert (await client.answer()).status == 414


@pytest.mark.parametrize("fields", [b"X: " + b"y" * 20_000, b"X" * 20_000 + b": y", b"\r\n".join([b"A: b"] * 200)])
async def test_fields_over_the_limits_are_431(stage: Stage, fields: bytes) -> None:
    """Row 25: RFC 6585 section 5."""
    assert (await stage.get(b"/", fields + b"\r\n")).status == 431
    assert stage.active.requests == []


async def test_two_equal_limits_are_still_told_apart(stage_with: StageWith) -> None:
    """Row 25."""
    stage = await stage_with(limits={"target": 9000, "field": 9000})
    assert (await stage.get(b"/" + b"x" * 9100)).status == 414
    assert (await stage.get(b"/", b"X: " + b"y" * 9100 + b"\r\n")).status == 431


async def test_a_body_over_the_limit_is_413_before_a_backend_is_asked(stage_with: StageWith) -> None:
    """Row 54: RFC 9110 section 15.5.14."""
    stage = await stage_with(limits={"body": 1000})
    answer = await stage.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
    assert (answer.status, answer.get(b"connection")) == (413, b"close")
    assert stage.active.connections == 0
    assert (await stage.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)).status == 200


async def test_a_refused_body_that_keeps_coming_gets_one_answer_only(stage_with: StageWith) -> None:
    """Row 54: the body must not be taken for a request line."""
    stage = await stage_with(limits={"body": 1000})
    client = await stage.connect()
    await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n")
    assert (await client.answer()).status == 413
    await client.send(b"not a request line\r\n" * 100)
    client.half_close()
    assert await client.rest() == b""


async def test_a_chunked_body_over_the_limit_is_413_and_never_completed(stage_with: StageWith) -> None:
    """Row 54."""
    stage = await stage_with(limits={"body": 1000})
    client = await stage.connect()
    await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n%b\r\n" % (b"x" * 500))
    await stage.active.seen(1)
    await client.send(b"1f5\r\n%b\r\n" % (b"x" * 501))
    answer = await client.answer()
    assert (answer.status, answer.get(b"connection")) == (413, b"close")
    await stage.active.broken.wait()
    assert not stage.active.requests[0].whole


async def test_a_body_that_stops_coming_is_408(stage: Stage) -> None:
    """Row 51: RFC 9110 section 15.5.9."""
    side = stage.edge.sides["node"]
    side.timeouts = replace(side.timeouts, body=0.1)
    stage.active.script = hang
    client = await stage.connect()
    await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
    assert (await client.answer()).status == 408
    await stage.active.deserted()
