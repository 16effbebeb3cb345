from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from shadow import channel
from shadow.exchange import decode
from shadow.mirroring import Mirror
from shadow.plan import Skip
from shadow.settings import MirrorSettings
from shadow.testing import TurnedClock, an_exchange
from tests.shadow.backends import until
from tests.shadow.counting import Moved


class Listener:
    """The other end of a mirror's socket: collects frames, says what it is told to, may refuse to read."""

    def __init__(self, reads: bool = True) -> None:
        self.frames: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.reads = asyncio.Event()
        if reads:
            self.reads.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        split = channel.Frames(100_000_000)
        await self.reads.wait()
        while data := await reader.read(65536):
            self.frames += split.feed(data)[0]
        writer.close()

    def say(self, line: bytes) -> None:
        self.writers[-1].write(line)

    def die(self) -> None:
        self.writers[-1].transport.abort()


@asynccontextmanager
async def listening(path: Path, reads: bool = True) -> AsyncIterator[Listener]:
    listener = Listener(reads)
    server = await asyncio.start_unix_server(listener.serve, path)
    try:
        yield listener
    finally:
        server.close()
        listener.reads.set()
        for writer in listener.writers:
            writer.transport.abort()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def mirroring(*paths: Path, clock: TurnedClock | None = None, **settings: Any) -> AsyncIterator[Mirror]:
    mirror = Mirror(paths, MirrorSettings(**{"rate": 1_000_000.0} | settings), clock)
    mirror.start()
    try:
        yield mirror
    finally:
        await mirror.stop()


async def test_an_offered_exchange_arrives_at_the_worker(tmp_path: Path) -> None:
    exchange, moved = an_exchange(), Moved()
    async with listening(tmp_path / "s") as worker, mirroring(tmp_path / "s") as mirror:
        await until(lambda: mirror.connected)
        assert mirror.offer(exchange) is None
        await until(lambda: worker.frames)
        assert decode(worker.frames[0]) == exchange
        assert mirror.unfinished == 1
        worker.say(channel.done(1))
        await until(lambda: not mirror.unfinished)
    assert moved.skips() == {}


async def test_without_a_worker_an_exchange_is_skipped_and_counted(tmp_path: Path) -> None:
    moved = Moved()
    async with mirroring(tmp_path / "nobody") as mirror:
        assert mirror.offer(an_exchange()) is Skip.NO_WORKER
    assert moved.skips() == {"no_worker": 1}


@pytest.mark.parametrize(
    ("settings", "changes", "expected"),
    [
        ({"percent": 0}, {}, Skip.SAMPLED_OUT),
        ({"body_limit": 10}, {"answer_body": b"x" * 11}, Skip.TOO_LARGE),
        ({"body_limit": 10, "queue": 2000}, {"answer_body": b"", "body": b"x" * 11}, Skip.TOO_LARGE),
        ({"queue": 100}, {}, Skip.QUEUE_FULL),
        ({}, {"kind": "write"}, Skip.ROUTE),
        ({}, {"id": 7}, Skip.FAILED),  # a mistake of the edge: counted, never raised
        ({"percent": 50}, {"id": None}, Skip.FAILED),
    ],
)
async def test_every_skip_has_its_reason_and_is_counted(
    tmp_path: Path, settings: dict[str, Any], changes: dict[str, Any], expected: Skip
) -> None:
    moved = Moved()
    async with listening(tmp_path / "s"), mirroring(tmp_path / "s", **settings) as mirror:
        await until(lambda: mirror.connected)
        if changes.get("id") == 7:
            changes = {"target": "not bytes"}
        assert mirror.offer(an_exchange(**changes)) is expected
    assert moved.skips() == {expected.value: 1}


async def test_a_request_that_is_not_wanted_need_not_be_captured(tmp_path: Path) -> None:
    moved = Moved()
    async with mirroring(tmp_path / "s", percent=50) as mirror:
        wanted = [mirror.wants(request_id=f"r{n}", kind="read", mirror=True, copies=True) for n in range(400)]
        assert mirror.wants(request_id="r", kind="read", mirror=True, copies=False) is Skip.RESTING
        assert mirror.wants(request_id="r", kind="read", mirror=False, copies=True) is Skip.ROUTE
        mirror.skipped(Skip.CLIENT_GONE)
    sampled_out = wanted.count(Skip.SAMPLED_OUT)
    assert 150 < sampled_out < 250
    assert moved.skips() == {"sampled_out": sampled_out, "resting": 1, "route": 1, "client_gone": 1}


async def test_no_more_than_the_rate_is_handed_over(tmp_path: Path) -> None:
    clock, moved = TurnedClock(), Moved()
    async with listening(tmp_path / "s") as worker, mirroring(tmp_path / "s", clock=clock, rate=5) as mirror:
        await until(lambda: mirror.connected)
        assert [mirror.offer(an_exchange()) for _ in range(7)] == [None] * 5 + [Skip.RATE] * 2
        clock.turn(0.4)
        assert [mirror.offer(an_exchange()) for _ in range(3)] == [None] * 2 + [Skip.RATE]
        await until(lambda: len(worker.frames) == 7)
    assert moved.skips() == {"rate": 3}


async def test_a_worker_that_does_not_read_fills_the_queue_and_no_more(tmp_path: Path) -> None:
    moved, limit = Moved(), 1_000_000
    async with listening(tmp_path / "s", reads=False) as worker, mirroring(tmp_path / "s", queue=limit) as mirror:
        await until(lambda: mirror.connected)
        offered = [mirror.offer(an_exchange(answer_body=b"x" * 10_000)) for _ in range(300)]
        assert mirror.queued_bytes <= limit + 12_000
        assert offered.count(Skip.QUEUE_FULL) > 100
        worker.reads.set()
        await until(lambda: len(worker.frames) == offered.count(None))
        assert mirror.queued_bytes == 0
    assert moved.skips() == {"queue_full": offered.count(Skip.QUEUE_FULL)}


async def test_what_a_dead_worker_had_is_counted(tmp_path: Path) -> None:
    moved = Moved()
    async with listening(tmp_path / "s", reads=False) as worker, mirroring(tmp_path / "s") as mirror:
        await until(lambda: mirror.connected)
        for _ in range(200):
            assert mirror.offer(an_exchange(answer_body=b"x" * 10_000)) is None
        await until(lambda: worker.writers)
        worker.say(channel.done(3))
        await until(lambda: mirror.unfinished == 197)
        worker.die()
        await until(lambda: not mirror.unfinished)
        assert moved.skips() == {"no_worker": 197}


async def test_a_worker_that_comes_back_is_found_again(tmp_path: Path) -> None:
    async with mirroring(tmp_path / "s") as mirror:
        for _ in range(2):
            async with listening(tmp_path / "s") as worker:
                await until(lambda: mirror.connected)
                assert mirror.offer(an_exchange()) is None
                await until(lambda worker=worker: worker.frames)  # type: ignore[misc]
                worker.say(channel.done(1))
                await until(lambda: not mirror.unfinished)
            await until(lambda: not mirror.connected)
            (tmp_path / "s").unlink(missing_ok=True)


async def test_workers_take_turns(tmp_path: Path) -> None:
    async with (
        listening(tmp_path / "a") as one,
        listening(tmp_path / "b") as other,
        mirroring(tmp_path / "a", tmp_path / "b") as mirror,
    ):
        await until(lambda: mirror.connected == 2)
        for _ in range(10):
            mirror.offer(an_exchange())
        await until(lambda: len(one.frames) == len(other.frames) == 5)


async def test_a_stuck_worker_is_passed_over_while_another_has_room(tmp_path: Path) -> None:
    async with (
        listening(tmp_path / "a", reads=False) as stuck,
        listening(tmp_path / "b") as free,
        mirroring(tmp_path / "a", tmp_path / "b") as mirror,
    ):
        await until(lambda: mirror.connected == 2)
        for _ in range(400):
            assert mirror.offer(an_exchange(answer_body=b"x" * 10_000)) is None
            await asyncio.sleep(0)
        await until(lambda: len(free.frames) > 300)
        assert not stuck.frames
        stuck.reads.set()
        await until(lambda: len(free.frames) + len(stuck.frames) == 400)


async def test_a_backend_that_the_workers_leave_alone_costs_nothing(tmp_path: Path) -> None:
    moved = Moved()
    async with listening(tmp_path / "s") as worker, mirroring(tmp_path / "s") as mirror:
        await until(lambda: worker.writers and mirror.connected)
        worker.say(channel.breaker("new", True))
        await until(lambda: mirror.offer(an_exchange()) is Skip.BREAKER_OPEN)
        assert mirror.offer(an_exchange(served="new", mirrored="old")) is None
        worker.say(channel.breaker("new", False))
        await until(lambda: mirror.offer(an_exchange()) is None)
    assert set(moved.skips()) == {"breaker_open"}


async def test_stopping_hands_over_what_is_queued(tmp_path: Path) -> None:
    moved = Moved()
    async with listening(tmp_path / "s", reads=False) as worker:
        async with mirroring(tmp_path / "s") as mirror:
            await until(lambda: mirror.connected)
            for _ in range(100):
                mirror.offer(an_exchange(answer_body=b"x" * 10_000))
            worker.reads.set()
        await until(lambda: len(worker.frames) == 100)
    assert moved.skips() == {}


async def test_stopping_waits_for_nobody_for_long_and_counts_the_rest(tmp_path: Path) -> None:
    moved = Moved()
    async with listening(tmp_path / "s", reads=False) as worker:
        async with mirroring(tmp_path / "s") as mirror:
            await until(lambda: mirror.connected)
            for _ in range(100):
                mirror.offer(an_exchange(answer_body=b"x" * 10_000))
            started = time.monotonic()
        assert time.monotonic() - started < 3
        worker.reads.set()
        await asyncio.sleep(0.1)
        # The frame that was cut in the middle is in neither list of the worker's, so it is ours.
        assert len(worker.frames) + moved.skips()["no_worker"] == 100


async def test_offering_to_a_worker_that_hangs_waits_for_nobody(tmp_path: Path) -> None:
    exchange = an_exchange(answer_body=b"x" * 1_000)
    async with listening(tmp_path / "s", reads=False), mirroring(tmp_path / "s", queue=5_000_000) as mirror:
        await until(lambda: mirror.connected)
        for _ in range(5_000):  # more than any socket holds: whoever waited for the worker would wait for ever
            mirror.offer(exchange)
        assert mirror.connected
