"""What the edges count arrives at the guard, once, also after Redis was gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from proxy.errors import StoreUnavailable
from proxy.release.readings import Counts
from proxy.release.reporting import KEPT_AT_MOST, RedisReadings, Reporter, open_redis
from tests.proxy.relay import Relay

NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = open_redis(redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


async def test_counts_of_several_edges_are_added_up_second_by_second(redis: Redis) -> None:
    clock = Clock()
    edges = [Reporter(redis, clock=clock) for _ in range(2)]
    for edge in edges:
        edge.record("new", "GET /a", False, 0.1)
        edge.record("new", "GET /a", True, 1.5)
        edge.record("old", "GET /b", False, 2.5)
        await edge.flush()
    readings = await RedisReadings(redis).read(clock.now, 60)
    (second,) = readings.seconds
    assert second.reporters == 2
    assert dict(second.by) == {("new", "GET /a"): Counts(4, 2, 2, 0), ("old", "GET /b"): Counts(2, 0, 2, 2)}


async def test_an_idle_edge_reports_that_nothing_happened(redis: Redis) -> None:
    clock = Clock()
    await Reporter(redis, clock=clock).flush()
    readings = await RedisReadings(redis).read(clock.now, 60)
    assert readings.newest == int(NOW)
    assert readings.window("new", 60, 60, 1).counts == Counts()


async def test_two_flushes_in_one_second_hide_nothing(redis: Redis) -> None:
    clock = Clock()
    reporter = Reporter(redis, clock=clock)
    for _ in range(2):
        reporter.record("new", "r", False, 0.1)
        await reporter.flush()
    readings = await RedisReadings(redis).read(clock.now + 1, 60)
    assert readings.window("new", 60, 60, 1).counts.requests == 2


async def test_while_redis_is_gone_counts_are_kept_and_written_into_their_own_seconds(redis: Redis) -> None:
    clock = Clock()
    lost = open_redis("redis://127.0.0.1:1/0")
    reporter = Reporter(lost, clock=clock)
    for _ in range(3):
        reporter.record("new", "r", True, 0.1)
        await reporter.flush()
        clock.now += 1
    await lost.aclose()
    reporter._redis = redis  # Redis is back
    await reporter.flush()
    readings = await RedisReadings(redis).read(clock.now, 60)
    assert [second.at - int(NOW) for second in readings.seconds] == [0, 1, 2, 3]
    assert readings.window("new", 60, 60, 1).counts == Counts(3, 3)
    assert reporter.dropped == 0


async def test_what_is_kept_is_bounded_and_what_is_dropped_is_counted() -> None:
    clock = Clock()
    lost = open_redis("redis://127.0.0.1:1/0")
    reporter = Reporter(lost, clock=clock)
    for _ in range(KEPT_AT_MOST + 5):
        reporter.record("new", "r", True, 0.1)
        await reporter.flush()
        clock.now += 1
    assert reporter.dropped == 5
    await lost.aclose()


async def test_no_redis_is_no_readings_and_not_a_quiet_zero() -> None:
    lost = open_redis("redis://127.0.0.1:1/0")
    with pytest.raises(StoreUnavailable, match="Redis does not answer"):
        await RedisReadings(lost).read(NOW, 60)
    await lost.aclose()


async def test_records_that_come_late_are_found_by_the_next_search(redis: Redis) -> None:
    clock = Clock()
    reader = RedisReadings(redis)
    await reader.read(NOW + 20, 60)
    reporter = Reporter(redis, clock=clock)
    reporter.record("new", "r", True, 0.1)
    await reporter.flush()
    assert (await reader.read(NOW + 21, 60)).window("new", 60, 60, 1).counts.requests == 0
    assert (await reader.read(NOW + 51, 60)).window("new", 60, 60, 1).counts.requests == 1


async def test_a_clock_that_was_set_back_shows_no_seconds_of_the_future(redis: Redis) -> None:
    clock = Clock()
    reader = RedisReadings(redis)
    await Reporter(redis, clock=clock).flush()
    assert len((await reader.read(NOW + 5, 60)).seconds) == 1
    assert len((await reader.read(NOW - 5, 60)).seconds) == 0
    assert len((await reader.read(NOW + 5, 60)).seconds) == 1


async def test_old_seconds_are_forgotten_by_the_reader_and_by_redis(redis: Redis) -> None:
    clock = Clock()
    reporter = Reporter(redis, keep=100, clock=clock)
    reader = RedisReadings(redis)
    await reporter.flush()
    assert len((await reader.read(NOW, 10)).seconds) == 1
    assert len((await reader.read(NOW + 10, 10)).seconds) == 0
    (key,) = await redis.keys("cutover:readings:*")
    assert 0 < await redis.ttl(key) <= 400


async def test_it_writes_every_second_and_once_more_at_the_end(redis: Redis) -> None:
    stop = asyncio.Event()
    reporter = Reporter(redis)
    running = asyncio.create_task(reporter.run(stop))
    await asyncio.sleep(1.2)
    reporter.record("new", "r", False, 0.1)
    stop.set()
    await running
    readings = await RedisReadings(redis).read(time.time() + 2, 60)
    assert readings.window("new", 60, 60, 1).counts.requests == 1
    assert len(readings.seconds) >= 2


async def test_after_a_redis_that_was_frozen_every_second_has_its_own_counts_again(
    redis: Redis, redis_url: str
) -> None:
    clock = Clock()
    parts = urlsplit(redis_url)
    relay = await Relay.start(str(parts.hostname), int(parts.port or 6379))
    slow = open_redis(redis_url.replace(f":{parts.port}", f":{relay.port}"))
    reader, reporter = RedisReadings(slow), Reporter(slow, clock=clock)
    for number in range(5):
        for _ in range(number):
            reporter.record("new", "r", False, 0.1)
        await reporter.flush()
        clock.now += 1
    relay.silent.set()
    with pytest.raises(StoreUnavailable):
        await reader.read(clock.now, 60)
    relay.silent.clear()
    readings = await reader.read(clock.now, 60)
    assert [second.totals.get("new", Counts()).requests for second in readings.seconds] == [0, 1, 2, 3, 4]
    await slow.aclose()
    await relay.stop()


def test_counting_a_request_costs_about_a_microsecond() -> None:
    reporter = Reporter(open_redis("redis://127.0.0.1:1/0"))
    started = time.perf_counter()
    for _ in range(20_000):
        reporter.record("new", "GET /api/v1/cadets/{id}", False, 0.01)
    assert (time.perf_counter() - started) / 20_000 < 10e-6  # generous: machines are shared
