"""Towards a backend that knows a write by its id, a write may travel on a connection that was used before: if that dies
without a byte of an answer, it is sent once more, with the same id. Towards any other it never is, and a used
connection will do only where the backend promised to keep it open (http-checklist rows 48, 49; design.md section 4)."""

from __future__ import annotations

import asyncio
import time

import pytest

from proxy.edge.upstream import Ahead, Pool, Reuse
from shadow.connection import Connection, Fault, UpstreamError
from shadow.dualwrite.entry import Entry, State
from tests.proxy.edge.conftest import StageWith
from tests.proxy.edge.test_journaled_writes import MADE, staged, write
from tests.support.edge import Stage
from tests.support.waiting import eventually_true
from tests.support.wire import Script, Visit, always, hang

WITH_IDS: dict[str, object] = {"cooperates": True}


PROMISED = MADE.replace(b"\r\n\r\n", b"\r\nKeep-Alive: timeout=5\r\n\r\n")


def dies_when_reused(after: float = 0.0, meanwhile: Script | None = None, first: bytes = MADE) -> Script:
    """Answers the first request of a connection; a second one kills it, after so many seconds."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(first)
        if await visit.request() is None:
            return
        if meanwhile is not None:
            await meanwhile(visit)
        await asyncio.sleep(after)
        visit.reset()

    return script


def then(status: int, fields: bytes = b"") -> Script:
    """Every later connection gets this answer."""

    async def script(visit: Visit) -> None:
        visit.backend.script = always(b"HTTP/1.1 %d X\r\n%bContent-Length: 0\r\n\r\n" % (status, fields))

    return script


def the_last(stage: Stage) -> Entry:
    assert stage.journal is not None
    return max(stage.journal.all.values(), key=lambda entry: entry.number)


def keys(stage: Stage) -> list[bytes]:
    """What came as Idempotency-Key, request by request."""
    return [key for request in stage.active.requests for key in request.all(b"idempotency-key")]


async def test_writes_to_a_backend_with_ids_share_a_connection(stage_with: StageWith) -> None:
    stage = await staged(stage_with, both=WITH_IDS)
    for _ in range(3):
        assert (await stage.ask(write())).status == 201
    assert stage.active.connections == 1


@pytest.mark.parametrize(
    "said",
    [b"", b"Keep-Alive: max=9\r\n", b"Keep-Alive: timeout=0\r\n", b"Connection: close\r\nKeep-Alive: timeout=5\r\n"],
)
async def test_every_write_to_any_other_backend_has_a_connection_of_its_own(stage_with: StageWith, said: bytes) -> None:
    stage = await staged(stage_with, dies_when_reused(first=MADE.replace(b"\r\n\r\n", b"\r\n%b\r\n" % said)))
    for _ in range(3):
        assert (await stage.ask(write())).status == 201
    assert (len(stage.active.requests), stage.active.connections) == (3, 3)


async def test_unless_the_backend_promised_to_keep_it_open(stage_with: StageWith) -> None:
    stage = await staged(stage_with, always(PROMISED))
    for _ in range(3):
        assert (await stage.ask(write())).status == 201
    assert stage.active.connections == 1


async def test_and_it_was_used_not_long_ago(stage_with: StageWith) -> None:
    stage = await staged(stage_with, always(PROMISED.replace(b"timeout=5", b"timeout=1")), both={"keep_alive": 60})
    await stage.ask(write())
    await asyncio.sleep(0.6)
    assert (await stage.ask(write())).status == 201
    assert stage.active.connections == 2


async def test_a_write_whose_promised_connection_dies_is_unknown_and_sent_once(stage_with: StageWith) -> None:
    stage = await staged(stage_with, dies_when_reused(first=PROMISED))
    await stage.ask(write())
    assert (await stage.ask(write())).status == 502
    assert (len(stage.active.requests), the_last(stage).state) == (2, State.UNKNOWN)
    assert stage.edge.sides["node"].http.in_use == 0


async def test_a_promised_connection_that_is_closed_all_the_same_is_replaced_before_anything_is_sent(
    stage_with: StageWith,
) -> None:
    async def closes(visit: Visit) -> None:
        await visit.request()
        await visit.send(PROMISED)

    stage = await staged(stage_with, closes)
    for _ in range(10):
        assert (await stage.ask(write())).status == 201
    assert (len(stage.active.requests), stage.active.connections) == (10, 10)


@pytest.mark.parametrize("both", [{}, WITH_IDS])
async def test_one_that_ends_just_before_the_write_is_replaced_too(
    stage_with: StageWith, monkeypatch: pytest.MonkeyPatch, both: dict[str, object]
) -> None:
    """Between the look at the connection and the first byte."""
    stage = await staged(stage_with, always(PROMISED), both=both)
    await stage.ask(write())
    honest = Ahead.take

    async def ends(ahead: Ahead) -> Connection:
        connection = await honest(ahead)
        if connection.reused:
            connection.fail(UpstreamError(Fault.RESET))
        return connection

    monkeypatch.setattr(Ahead, "take", ends)
    assert (await stage.ask(write())).status == 201
    assert (len(stage.active.requests), stage.active.connections) == (2, 2)
    assert stage.edge.sides["node"].http.in_use == 0


async def test_what_cannot_be_sent_on_another_one_then_was_never_forwarded(
    stage_with: StageWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await staged(stage_with, always(PROMISED))
    await stage.ask(write())
    honest = Ahead.take

    async def ends(ahead: Ahead) -> Connection:
        connection = await honest(ahead)
        stage.active.refuse()
        connection.fail(UpstreamError(Fault.RESET))
        return connection

    monkeypatch.setattr(Ahead, "take", ends)
    assert (await stage.ask(write())).status == 502
    assert (len(stage.active.requests), the_last(stage).state) == (1, State.FAILED)
    assert stage.edge.sides["node"].http.in_use == 0


async def test_a_write_whose_reused_connection_dies_is_sent_once_more_with_its_id(stage_with: StageWith) -> None:
    stage = await staged(stage_with, dies_when_reused(), both=WITH_IDS)
    await stage.ask(write())
    assert (await stage.ask(write())).status == 201
    assert (the_last(stage).state, stage.edge.sides["node"].http.in_use) == (State.DONE, 0)
    assert keys(stage)[1:] == [the_last(stage).id.encode()] * 2


async def test_it_needs_no_more_room_than_it_had(stage_with: StageWith) -> None:
    stage = await staged(stage_with, dies_when_reused(), both=WITH_IDS | {"connections": 1})
    await stage.ask(write())
    assert (await stage.ask(write())).status == 201


async def test_one_whose_new_connection_dies_is_not(stage_with: StageWith) -> None:
    async def dies(visit: Visit) -> None:
        await visit.request()
        visit.reset()

    stage = await staged(stage_with, dies, both=WITH_IDS)
    assert (await stage.ask(write())).status == 502
    assert (len(stage.active.requests), the_last(stage).state) == (1, State.UNKNOWN)


async def test_one_that_dies_twice_is_not_sent_a_third_time(stage_with: StageWith) -> None:
    stage = await staged(stage_with, dies_when_reused(), both=WITH_IDS)
    await stage.ask(write())

    async def dies(visit: Visit) -> None:
        await visit.request()
        visit.reset()

    stage.active.script = dies
    assert (await stage.ask(write())).status == 502
    assert (len(stage.active.requests), the_last(stage).state) == (3, State.UNKNOWN)


async def test_nobody_takes_what_was_sent_for_not_forwarded_because_it_could_not_be_sent_again(
    stage_with: StageWith,
) -> None:
    async def then_refuses(visit: Visit) -> None:
        visit.backend.refuse()

    stage = await staged(stage_with, dies_when_reused(meanwhile=then_refuses), both=WITH_IDS)
    await stage.ask(write())
    assert (await stage.ask(write())).status == 502
    assert (len(stage.active.requests), the_last(stage).state) == (2, State.UNKNOWN)
    assert stage.edge.sides["node"].http.in_use == 0


async def test_an_answer_that_has_begun_is_not_asked_for_again(stage_with: StageWith) -> None:
    async def begins(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 2")
        await asyncio.sleep(0.02)

    stage = await staged(stage_with, dies_when_reused(meanwhile=begins), both=WITH_IDS)
    await stage.ask(write())
    assert (await stage.ask(write())).status == 502
    assert (len(stage.active.requests), the_last(stage).state) == (2, State.UNKNOWN)


@pytest.mark.parametrize("status", [401, 409, 413, 422, 429, 500, 502, 503])
async def test_what_is_neither_success_nor_recorded_says_nothing_of_the_first_sending(
    stage_with: StageWith, status: int
) -> None:
    """It may be under way still, and somebody before the backend may have answered the second."""
    stage = await staged(stage_with, dies_when_reused(meanwhile=then(status)), both=WITH_IDS)
    await stage.ask(write())
    answer = await stage.ask(write())
    assert (answer.status, b"OUTCOME_UNKNOWN" in answer.body) == (504, True)
    entry = the_last(stage)
    assert (entry.state, entry.ended, entry.answer) == (State.UNKNOWN, False, None)


@pytest.mark.parametrize(("status", "state"), [(201, State.DONE), (409, State.FAILED), (422, State.FAILED)])
async def test_the_recorded_answer_is_that_of_the_first_sending(
    stage_with: StageWith, status: int, state: State
) -> None:
    replayed = then(status, b"Idempotency-Replayed: true\r\n")
    stage = await staged(stage_with, dies_when_reused(meanwhile=replayed), both=WITH_IDS)
    await stage.ask(write())
    assert (await stage.ask(write())).status == status
    assert the_last(stage).state is state


async def test_a_conflict_that_was_sent_once_is_an_answer(stage_with: StageWith) -> None:
    stage = await staged(stage_with, always(b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"), both=WITH_IDS)
    assert (await stage.ask(write())).status == 409
    assert the_last(stage).state is State.FAILED


async def test_what_its_client_was_told_to_be_unknown_is_not_sent_again(stage_with: StageWith) -> None:
    stage = await staged(stage_with, dies_when_reused(after=0.3), both=WITH_IDS | {"answer_timeout": 0.1})
    await stage.ask(write())
    assert (await stage.ask(write())).status == 504
    await stage.active.deserted()
    await eventually_true(lambda: stage.edge.sides["node"].http.in_use == 0)
    assert (len(stage.active.requests), the_last(stage).state) == (2, State.UNKNOWN)


async def test_nothing_is_sent_again_after_its_time_to_be_forwarded(stage_with: StageWith) -> None:
    journal = {"queue": 0.1, "forward_within": 0.1}
    stage = await staged(stage_with, dies_when_reused(after=0.3), both=WITH_IDS, journal=journal)
    await stage.ask(write())
    assert (await stage.ask(write())).status == 502
    assert (len(stage.active.requests), the_last(stage).state) == (2, State.UNKNOWN)


async def test_nor_on_a_connection_that_came_too_late(stage_with: StageWith, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = {"queue": 0.1, "forward_within": 0.1}
    stage = await staged(stage_with, dies_when_reused(), both=WITH_IDS, journal=journal)
    await stage.ask(write())
    pool = stage.edge.sides["node"].http
    connect = pool._address.connect

    async def slowly() -> Connection:
        await asyncio.sleep(0.3)
        return await connect()

    monkeypatch.setattr(pool._address, "connect", slowly)
    assert (await stage.ask(write())).status == 502
    assert (len(stage.active.requests), the_last(stage).state, pool.in_use) == (2, State.UNKNOWN, 0)


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"PATCH"])
async def test_without_the_journal_a_write_has_no_id_and_a_connection_of_its_own(
    stage_with: StageWith, method: bytes
) -> None:
    stage = await stage_with(both=WITH_IDS)
    stage.active.script = dies_when_reused()
    for _ in range(2):
        assert (await stage.ask(write(method))).status == 201
    assert stage.active.connections == 2


async def test_a_write_that_stops_with_its_edge_leaves_no_connection_behind(stage_with: StageWith) -> None:
    stage = await staged(stage_with, hang, both=WITH_IDS)
    client = await stage.connect()
    await client.send(write())
    await stage.active.seen(1)
    assert stage.edge._writes is not None
    await stage.edge._writes.stop()
    await stage.active.deserted()
    assert the_last(stage).state is State.INTENT
    await eventually_true(lambda: stage.edge.sides["node"].http.in_use == 0)


async def test_a_connection_that_nothing_was_sent_on_is_no_younger_for_it(stage_with: StageWith) -> None:
    stage = await staged(stage_with, always(PROMISED))
    await stage.ask(write())
    pool = stage.edge.sides["node"].http
    connection = await pool.acquire(Reuse.PROMISED)
    answered_at = connection.answered_at
    assert time.monotonic() - 1 < answered_at <= time.monotonic()
    pool.release(connection)
    assert (await pool.acquire(Reuse.PROMISED)).answered_at == answered_at


async def test_who_waits_for_room_takes_a_promised_connection_that_is_given_back(stage_with: StageWith) -> None:
    stage = await staged(stage_with, always(PROMISED), both={"connections": 1})
    answers = await asyncio.gather(*(stage.ask(write(target=b"/cadets/%d" % n, method=b"PUT")) for n in range(9)))
    assert {answer.status for answer in answers} == {201}
    assert stage.active.connections == 1


async def test_a_write_that_could_not_be_sent_in_time_has_failed_though_its_client_was_told_otherwise(
    stage_with: StageWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await staged(stage_with, always(PROMISED), both={"answer_timeout": 0.1, "connect_timeout": 0.3})
    await stage.ask(write())
    honest, take = Pool.acquire, Ahead.take

    async def ends(ahead: Ahead) -> Connection:
        connection = await take(ahead)
        connection.fail(UpstreamError(Fault.RESET))
        return connection

    async def slow(pool: Pool, reuse: Reuse, until: float = float("inf")) -> Connection:
        if reuse is Reuse.NONE:
            await asyncio.sleep(0.3)
            raise UpstreamError(Fault.CONNECT_TIMEOUT)
        return await honest(pool, reuse, until)

    monkeypatch.setattr(Ahead, "take", ends)
    monkeypatch.setattr(Pool, "acquire", slow)
    assert (await stage.ask(write())).status == 504
    await eventually_true(lambda: the_last(stage).state is State.FAILED)
    assert len(stage.active.requests) == 1
