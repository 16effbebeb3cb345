"""What the issue names, with real servers: a sick standby, clients by the thousand, and memory that stays bounded."""

from __future__ import annotations

import asyncio
import random
import resource
from collections.abc import AsyncIterator

import pytest

from proxy.state import ControlState
from tests.proxy.edge.conftest import StageWith
from tests.proxy.edge.edge_process import MEGABYTE, EdgeProcess, edge_process
from tests.support.edge import ramping
from tests.support.wire import Backend, Client, Visit, always, hang

SIZE = 100 * MEGABYTE
HOME = always(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhome")
AWAY = always(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\naway")
GET = b"GET /%d HTTP/1.1\r\nHost: a\r\nAuthorization: client-%d\r\n\r\n"


async def _hundred_megabytes(visit: Visit) -> None:
    block = b"x" * MEGABYTE
    while await visit.request() is not None:
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(SIZE // MEGABYTE):
            await visit.send(block)


async def _swallow(client: Client, size: int) -> None:
    while size > 0:
        size -= len(await client.reader.read(min(size, MEGABYTE)))


@pytest.fixture
async def backends() -> AsyncIterator[tuple[Backend, Backend]]:
    """An active one and a standby."""
    pair = (await Backend(HOME).start(), await Backend(AWAY).start())
    yield pair
    for backend in pair:
        await backend.stop()


async def _one(edge: EdgeProcess, number: int) -> bytes:
    client = await edge.connect()
    answer = await client.ask(GET % (number, number))
    await client.close()
    return answer.body


async def test_a_standby_that_hangs_costs_no_client_its_answer(backends: tuple[Backend, Backend]) -> None:
    """The first ones wait for `fallback_after`, the others not even that."""
    active, standby = backends
    standby.script = hang
    async with edge_process(active.url, standby.url, share=100, fallback_after=0.3) as edge:
        answers = await asyncio.gather(*(_one(edge, number) for number in range(50)))
        assert set(answers) == {b"home"}
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert {await _one(edge, number) for number in range(50)} == {b"home"}
        assert loop.time() - began < 2


async def test_a_standby_that_resets_costs_no_client_its_answer(backends: tuple[Backend, Backend]) -> None:
    """Also when it does so only now and then."""
    active, standby = backends
    moody = random.Random(1)

    async def resets(visit: Visit) -> None:
        while await visit.request() is not None:
            if moody.random() < 0.5:
                visit.reset()
                return
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\naway")

    standby.script = resets
    async with edge_process(active.url, standby.url, share=100) as edge:
        for _ in range(5):
            answers = await asyncio.gather(*(_one(edge, number) for number in range(40)))
            assert set(answers) <= {b"home", b"away"}


async def test_an_answer_of_100_mb_does_not_fill_the_memory(backends: tuple[Backend, Backend]) -> None:
    """Row 52, with the copy for the shadow switched on: it gives up at its limit."""
    active, standby = backends
    standby.script = _hundred_megabytes
    async with edge_process(active.url, standby.url, share=100) as edge:
        await _one_small(edge, active)
        edge.forget_peak()
        before = edge.resident()
        client = await edge.connect()
        await client.send(GET % (1, 1))
        await client.reader.readuntil(b"\r\n\r\n")
        await _swallow(client, SIZE)
        await client.close()
        assert edge.peak() - before < 24 * MEGABYTE


async def _one_small(edge: EdgeProcess, active: Backend) -> None:
    """What is loaded with the first request does not count."""
    client = await edge.connect()
    assert (await client.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")).body == b"home"
    await client.close()


async def test_slow_readers_do_not_fill_the_memory(backends: tuple[Backend, Backend]) -> None:
    """Row 52: ten clients ask for 100 MB each and take nothing for a while."""
    active, standby = backends
    blocks = 0

    async def counted(visit: Visit) -> None:
        nonlocal blocks
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(SIZE // 65536):
            await visit.send(b"x" * 65536)
            blocks += 1

    active.script = counted
    async with edge_process(active.url, standby.url) as edge:
        clients = [await edge.connect() for _ in range(10)]
        edge.forget_peak()
        before = edge.resident()
        for number, client in enumerate(clients):
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await client.send(GET % (number, number))
        await active.seen(10)
        seen = -1
        while blocks > seen:
            seen = blocks
            await asyncio.sleep(0.3)
        assert 10 < blocks < 10 * SIZE // 65536 / 2
        assert edge.peak() - before < 10 * 2.5 * MEGABYTE
        for client in clients:
            client.reset()


async def test_a_slow_uploader_does_not_fill_the_memory(backends: tuple[Backend, Backend]) -> None:
    """Row 52, the other direction: the backend takes nothing of a body of 24 MB for a while."""
    active, standby = backends
    go_on = asyncio.Event()
    size = 24 * MEGABYTE

    async def slow(visit: Visit) -> None:
        visit.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await go_on.wait()
        visit.writer.transport.resume_reading()  # type: ignore[attr-defined]
        if await visit.request() is not None:
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    active.script = slow
    async with edge_process(active.url, standby.url) as edge:
        client = await edge.connect()
        before = edge.resident()
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
        sending = asyncio.ensure_future(client.send(head + b"x" * size))
        left = -1
        while (now := client.writer.transport.get_write_buffer_size()) != left:
            left = now
            await asyncio.sleep(0.2)
        assert edge.peak() - before < 8 * MEGABYTE
        go_on.set()
        assert (await client.answer()).body == b"ok"
        await sending
        await client.close()
        assert len(active.requests[0].body) == size


async def test_a_thousand_idle_clients_are_kept_and_disturb_nobody(backends: tuple[Backend, Backend]) -> None:
    """Row 51: each has asked once and waits; each is answered again."""
    active, standby = backends
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    async with edge_process(active.url, standby.url) as edge:
        before = edge.resident()
        clients = [await edge.connect() for _ in range(1000)]
        for _ in range(2):
            for start in range(0, 1000, 100):
                answers = await asyncio.gather(*(client.ask(GET % (1, 1)) for client in clients[start : start + 100]))
                assert {answer.body for answer in answers} == {b"home"}
            loop = asyncio.get_running_loop()
            began = loop.time()
            assert await _one(edge, 1) == b"home"
            assert loop.time() - began < 0.5
        assert (edge.resident() - before) / 1000 < 64 * 1024
        for client in clients:
            client.writer.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_backend_that_dies_under_load_costs_the_answers_under_way_only(
    backends: tuple[Backend, Backend],
) -> None:
    """Row 11: each client sees a whole answer, a 502 or a break; and the next one is served again."""
    active, standby = backends

    async def slow(visit: Visit) -> None:
        while await visit.request() is not None:
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nho")
            await asyncio.sleep(0.01)
            await visit.send(b"me")

    active.script = slow
    outcomes: list[bytes | str] = []

    async def ask(number: int) -> None:
        try:
            outcomes.append(await _one(edge, number))
        except Exception as error:
            outcomes.append(type(error).__name__)

    async with edge_process(active.url, standby.url) as edge:
        asking = [asyncio.ensure_future(ask(number)) for number in range(100)]
        await active.seen(20)
        active.kill()
        await asyncio.gather(*asking)
        assert b"ho" not in outcomes
        assert {outcome for outcome in outcomes if isinstance(outcome, str)} <= {"Truncated", "IncompleteReadError"}
        assert await _one(edge, 1) == b"home"


async def test_weights_change_under_load_without_a_failed_request(stage_with: StageWith) -> None:
    """Fifty clients keep asking while shares, pins and roles change a hundred times."""
    states: list[ControlState] = [ramping(share) for share in (0.0, 1.0, 25.0, 50.0, 100.0)]
    states += [ramping(50.0, active="django", standby="node"), ramping(10.0, pins={"auth:x": "django"})]
    stage = await stage_with()
    stage.active.script, stage.standby.script = HOME, AWAY
    stop = asyncio.Event()
    seen: dict[bytes, int] = {}

    async def hammer(number: int) -> None:
        client = await stage.connect()
        while not stop.is_set():
            answer = await client.ask(GET % (number, number))
            assert answer.status == 200
            seen[answer.body] = seen.get(answer.body, 0) + 1

    hammering = [asyncio.ensure_future(hammer(number)) for number in range(50)]
    for turn in range(100):
        stage.feed.state = states[turn % len(states)]
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*hammering)
    assert set(seen) == {b"home", b"away"}
    assert sum(seen.values()) > 500


async def test_a_client_stays_on_its_side_while_the_weight_stays(stage_with: StageWith) -> None:
    """Design.md section 3: sticky, with no store."""
    stage = await stage_with(state=ramping(50))
    stage.active.script, stage.standby.script = HOME, AWAY
    for number in range(20):
        bodies = {(await stage.ask(GET % (turn, number))).body for turn in range(4)}
        assert len(bodies) == 1
