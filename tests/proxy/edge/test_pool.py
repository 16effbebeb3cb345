"""Connections to a backend are bounded, waited for with patience, and always given back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from proxy.edge.upstream import Ahead, Reuse
from shadow.connection import Fault, UpstreamError
from tests.proxy.edge.conftest import StageWith
from tests.support.waiting import eventually_true
from tests.support.wire import OK, Backend, Visit, always

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port whose queue of connections is full: whoever connects waits."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(3):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            waiting.append(client)
        yield listener.getsockname()[1]
        for client in waiting:
            client.close()


async def test_a_backend_that_does_not_accept_in_time_is_504(stage_with: StageWith, deaf_port: int) -> None:
    """Row 12: RFC 9110 section 15.6.5."""
    deaf = Backend()
    deaf.port = deaf_port
    stage = await stage_with(active=deaf, both={"connect_timeout": 0.2})
    answer = await stage.get()
    assert (answer.status, b"CONNECT_TIMEOUT" in answer.body) == (504, True)
    assert stage.edge.sides["node"].http.in_use == 0


async def test_a_full_pool_is_503_with_a_hint_when_to_come_back(stage_with: StageWith) -> None:
    """Row 56: RFC 9110 sections 10.2.3, 15.6.4."""
    stage = await stage_with(both={"connections": 2, "connect_timeout": 0.1})
    free = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await free.wait()
        await visit.send(OK)

    stage.active.script = slow
    busy = [await stage.connect() for _ in range(2)]
    for client in busy:
        await client.send(GET)
    await stage.active.seen(2)
    answer = await stage.get()
    assert (answer.status, answer.get(b"retry-after")) == (503, b"1")
    free.set()
    assert [(await client.answer()).status for client in busy] == [200, 200]


async def test_a_request_waits_for_room_and_gets_it(stage_with: StageWith) -> None:
    """Nobody is refused while there is time; reads and writes take turns on two connections."""
    stage = await stage_with(both={"connections": 2})
    clients = [await stage.connect() for _ in range(30)]
    requests = [GET if number % 3 else POST for number in range(30)]
    answers = await asyncio.gather(*(client.ask(request) for client, request in zip(clients, requests, strict=True)))
    assert {answer.status for answer in answers} == {200}
    assert stage.edge.sides["node"].http.in_use == 0


async def test_room_that_comes_at_the_very_end_of_waiting_is_not_lost(stage_with: StageWith) -> None:
    """The one behind in the queue gets it."""
    pool = (await stage_with(both={"connections": 1})).edge.sides["node"].http
    held = await pool.acquire(Reuse.NONE)
    late = asyncio.ensure_future(pool.acquire(Reuse.NONE))
    patient = asyncio.ensure_future(pool.acquire(Reuse.NONE))
    await asyncio.sleep(0)
    pool.release(held)
    late.cancel()
    async with asyncio.timeout(2):
        pool.release(await patient)


async def test_waiting_ends_when_the_caller_says(stage_with: StageWith) -> None:
    """A read with a fallback has less patience than `connect_timeout`."""
    pool = (await stage_with(both={"connections": 1})).edge.sides["node"].http
    held = await pool.acquire(Reuse.NONE)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(UpstreamError) as full:
        await pool.acquire(Reuse.NONE, began + 0.05)
    assert full.value.fault is Fault.FULL
    assert loop.time() - began < 2
    pool.release(held)


async def test_an_idle_connection_is_closed_before_the_backend_does(stage_with: StageWith) -> None:
    """Row 49: RFC 9112 section 9.5."""
    stage = await stage_with(both={"keep_alive": 0.05})
    await stage.get()
    await stage.active.deserted()
    assert (await stage.get()).status == 200
    assert stage.active.connections == 2


async def test_a_backend_that_asks_to_close_is_not_asked_again_on_that_connection(stage_with: StageWith) -> None:
    """RFC 9112 section 9.6; HTTP/1.0 closes unless it says otherwise, and a coding in it is not to be trusted."""
    stage = await stage_with()
    for number, answer in enumerate(
        [
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ]
    ):
        stage.active.script = always(answer)
        for _ in range(2):
            assert (await stage.get()).body == b"ok"
        assert stage.active.connections == 2 * (number + 1)


async def test_a_backend_of_http_1_0_may_keep_its_connection(stage_with: StageWith) -> None:
    """RFC 9112 section 9.3."""
    stage = await stage_with()
    stage.active.script = always(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")
    for _ in range(3):
        assert (await stage.get()).body == b"ok"
    assert stage.active.connections == 1


async def test_a_used_connection_that_dies_before_it_is_used_again_was_reset(stage_with: StageWith) -> None:
    """The bytes of an earlier answer are no beginning of this one."""
    stage = await stage_with()
    await stage.get()
    pool = stage.edge.sides["node"].http
    connection = await pool.acquire(Reuse.ANY)
    stage.active.kill()
    await eventually_true(lambda: not connection.usable)
    connection.begin("GET")
    with pytest.raises(UpstreamError) as died:
        connection.write(GET)
    assert (connection.reused, died.value.fault) == (True, Fault.RESET)
    pool.release(connection)


# ---- opened ahead


async def test_there_is_nothing_to_open_where_an_idle_one_will_do(stage_with: StageWith) -> None:
    stage = await stage_with()
    await stage.get()
    pool = stage.edge.sides["node"].http
    with Ahead(pool, Reuse.ANY) as ahead:
        await asyncio.sleep(0.02)
        assert (pool.in_use, pool.has_idle(Reuse.ANY)) == (0, True)
        pool.release(await ahead.take())
    assert stage.active.connections == 1


async def test_a_connection_opened_ahead_is_there_when_it_is_wanted(stage_with: StageWith) -> None:
    stage = await stage_with()
    pool = stage.edge.sides["node"].http
    with Ahead(pool) as ahead:
        await eventually_true(lambda: stage.active.connections)
        connection = await ahead.take()
    assert (pool.in_use, stage.active.connections) == (1, 1), "it is the taker's"
    pool.release(connection)
    assert pool.in_use == 0


async def test_one_that_died_meanwhile_is_not_given_to_anybody(stage_with: StageWith) -> None:
    stage = await stage_with()
    pool = stage.edge.sides["node"].http
    with Ahead(pool) as ahead:
        await eventually_true(lambda: stage.active.connections)
        stage.active.kill()
        await asyncio.sleep(0.01)
        connection = await ahead.take()
        assert (connection.usable, connection.silent, pool.in_use) == (True, True, 1)
    pool.release(connection)
    assert pool.in_use == 0


async def test_one_that_nobody_takes_is_given_back(stage_with: StageWith) -> None:
    """A write that is refused needs none."""
    stage = await stage_with()
    pool = stage.edge.sides["node"].http
    with Ahead(pool):
        pass
    with Ahead(pool):
        await eventually_true(lambda: stage.active.connections)
    await eventually_true(lambda: pool.in_use == 0)


async def test_who_waits_for_long_keeps_no_connection_from_others(stage_with: StageWith) -> None:
    """Writes may queue for seconds, reads must not wait for their connections."""
    stage = await stage_with(both={"connections": 2, "connect_timeout": 5})
    pool = stage.edge.sides["node"].http
    with Ahead(pool) as one, Ahead(pool) as other:
        assert (await asyncio.wait_for(stage.get(), 2)).status == 200
        await eventually_true(lambda: pool.in_use == 0)
        for ahead in (one, other):
            pool.release(await ahead.take())
    assert pool.in_use == 0


async def test_a_backend_that_refuses_is_told_to_who_wants_the_connection(stage_with: StageWith) -> None:
    stage = await stage_with()
    pool = stage.edge.sides["node"].http
    stage.active.refuse()
    with Ahead(pool) as ahead, pytest.raises(UpstreamError) as refused:
        await ahead.take()
    assert (refused.value.fault, pool.in_use) == (Fault.REFUSED, 0)
    with Ahead(pool):
        await asyncio.sleep(0.02)
    assert pool.in_use == 0


async def test_who_leaves_while_it_is_being_opened_leaves_nothing_behind(stage_with: StageWith, deaf_port: int) -> None:
    deaf = Backend()
    deaf.port = deaf_port
    pool = (await stage_with(active=deaf)).edge.sides["node"].http
    with Ahead(pool) as ahead:
        taking = asyncio.ensure_future(ahead.take())
        await asyncio.sleep(0.01)
        assert pool.in_use == 1
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
    await eventually_true(lambda: pool.in_use == 0)
