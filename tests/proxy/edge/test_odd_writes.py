"""Writes that are odd, and backends that answer them oddly: what a hostile test has found (design.md section 4)."""

from __future__ import annotations

import asyncio
import base64
import tempfile

import orjson
import pytest

from proxy.edge import body as body_module
from shadow.dualwrite.entry import State
from tests.proxy.edge.conftest import StageWith
from tests.proxy.edge.test_journaled_writes import MADE, staged, the_entry, write
from tests.support.edge import Stage
from tests.support.wire import Script, Visit, always

LARGE = b"x" * 8_000_000
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno"


def states(stage: Stage) -> list[State]:
    """Of all entries, in their order."""
    assert stage.journal is not None
    return [entry.state for entry in stage.journal.all.values()]


@pytest.mark.parametrize("field", [b"Cookie: sid=%b\r\n", b"X-Api-Key: %b\r\n", b"X-Session-Token: %b\r\n"])
async def test_nobody_gets_the_answer_to_another_ones_key_whatever_tells_them_apart(
    stage_with: StageWith, field: bytes
) -> None:
    stage = await staged(stage_with)
    for name in (b"alice", b"bob"):
        answer = await stage.ask(write(fields=b"Idempotency-Key: abc\r\n" + field % name))
        assert answer.get(b"idempotency-replayed") is None
    again = await stage.ask(write(fields=b"Idempotency-Key: abc\r\n" + field % b"bob"))
    assert again.get(b"idempotency-replayed") == b"true"
    assert len(stage.active.requests) == 2


async def test_a_429_is_no_answer_to_repeat(stage_with: StageWith) -> None:
    stage = await staged(stage_with, always(b"HTTP/1.1 429 X\r\nContent-Length: 4\r\n\r\nbusy"))
    asked = write(fields=b"Idempotency-Key: abc\r\n")
    first = await stage.ask(asked)
    stage.active.script = always(MADE)
    stage.active.kill()
    assert (first.status, (await stage.ask(asked)).status) == (429, 201)
    assert states(stage) == [State.FAILED, State.DONE]


async def test_a_body_that_nobody_can_read_waits_in_the_lane_of_what_its_path_names(stage_with: StageWith) -> None:
    """A backend may act without looking at the body."""
    stage = await staged(stage_with)
    await stage.ask(write(b"PUT", b"/cadets/7", b"{"))
    (own, named) = sorted(the_entry(stage).lanes, reverse=True)
    assert (own.startswith("unreadable/"), named) == (True, "cadets/7")


async def test_claims_nested_beyond_reason_name_nobody(stage_with: StageWith) -> None:
    stage = await staged(stage_with)
    part = base64.urlsafe_b64encode(b'{"id":5,"x":' + b"[" * 300 + b"]" * 300 + b"}").rstrip(b"=")
    assert (await stage.ask(write(fields=b"Authorization: Bearer e30.%b.sig\r\n" % part))).status == 201


def refusing_early(*, closing: bool) -> Script:
    async def script(visit: Visit) -> None:
        await visit.request_head()
        await visit.send(TOO_LARGE)
        if not closing:
            await visit.backend.broken.wait()

    return script


@pytest.mark.parametrize("closing", [True, False])
async def test_an_answer_that_comes_before_the_body_is_read_is_the_answer(stage_with: StageWith, closing: bool) -> None:
    stage = await staged(stage_with, refusing_early(closing=closing), both={"answer_timeout": 5})
    client = await stage.connect()
    await client.send(write(body=LARGE))
    answer = await client.answer()
    stage.active.broken.set()
    assert (answer.status, answer.body) == (413, b"no")
    assert the_entry(stage).state is State.FAILED


async def test_an_answer_that_began_in_time_may_take_its_time(stage_with: StageWith) -> None:
    async def slow(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 201 Created\r\nContent-Length: 6\r\n\r\n")
        for _ in range(6):
            await asyncio.sleep(0.1)
            await visit.send(b"x")

    stage = await staged(stage_with, slow, both={"answer_timeout": 0.3})
    assert (await stage.ask(write())).status == 201
    assert the_entry(stage).state is State.DONE


async def test_a_body_that_turns_out_malformed_behind_a_slow_write_is_refused(stage_with: StageWith) -> None:
    async def slow(visit: Visit) -> None:
        while await visit.request() is not None:
            await asyncio.sleep(0.2)
            await visit.send(MADE)

    stage = await staged(stage_with, slow)
    client = await stage.connect()
    await client.send_apart(write())
    await client.send_apart(b"POST /cadets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    await client.send(b"zz\r\n")
    assert ((await client.answer()).status, (await client.answer()).status) == (201, 400)


async def test_without_room_on_disk_a_large_body_is_told_to_come_again(
    stage_with: StageWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(tempfile.SpooledTemporaryFile[bytes]):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(body_module.tempfile, "SpooledTemporaryFile", Full)
    stage = await staged(stage_with, journal={"spool": 1000})
    client = await stage.connect()
    await client.send_apart(b"POST /cadets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    await client.send(b"800\r\n" + b"x" * 0x800 + b"\r\n0\r\n\r\n")
    answer = await client.answer()
    assert (answer.status, orjson.loads(answer.body)["code"], answer.get(b"retry-after")) == (503, "NO_ROOM", b"1")


async def test_a_cooperating_backend_gets_one_key_however_the_client_spells_its_own(stage_with: StageWith) -> None:
    stage = await staged(stage_with, both={"cooperates": True})
    await stage.ask(write(fields=b"Idempotency_Key: mine\r\n"))
    seen = await stage.active.seen(1)
    assert seen.all(b"idempotency-key") == [the_entry(stage).id.encode()] and not seen.all(b"idempotency_key")
