"""The load: repeatable, open, never crashing, and able to tell a lost write."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import islice

import pytest
from aiohttp import web

from proxy.embedded import free_port
from stack.acknowledged import Acknowledged
from stack.load import LoadGenerator
from stack.sample.population import RESERVED_CADETS
from stack.tally import Latencies
from tests.stack.conftest import Serve
from tests.stack.settings import SECRET


def generator(url: str, *, rate: float = 100, seed: int = 1, timeout: float = 15) -> LoadGenerator:
    """A generator as the tests use it."""
    return LoadGenerator(url, rate=rate, jwt_secret=SECRET, seed=seed, timeout=timeout)


async def run(load: LoadGenerator, seconds: float) -> None:
    """Let it send for a while."""
    await load.start()
    await asyncio.sleep(seconds)
    await load.stop()


async def test_refused_connections_are_counted() -> None:
    load = generator(f"http://127.0.0.1:{free_port()}")
    await run(load, 0.5)
    counted = load.snapshot()
    assert counted["sent"] > 20
    assert counted["classes"]["network"] == counted["unexpected"] == counted["sent"]
    assert counted["acknowledged_writes"] == 0


async def test_a_server_that_says_nothing_is_counted_as_time_outs_and_slows_nobody_down(serve: Serve) -> None:
    async def silent(_: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    load = generator(await serve(silent), timeout=0.4)
    await run(load, 1.0)
    counted = load.snapshot()
    # One after the other would be two or three requests in a second.
    assert counted["sent"] > 70
    assert counted["classes"]["timeout"] == counted["sent"]
    assert counted["in_flight"] == 0


async def test_latency_counts_from_when_a_request_was_due(serve: Serve) -> None:
    async def frozen(_: web.Request) -> web.Response:
        time.sleep(0.1)  # noqa: ASYNC251 (the whole process stops, as in a garbage collection)
        return web.json_response({})

    load = generator(await serve(frozen), rate=20)
    await run(load, 0.5)
    assert load.snapshot()["latency_ms"]["max"] > 200


async def test_answers_of_the_wrong_kind_are_told_from_the_right_ones(serve: Serve) -> None:
    async def refusing(_: web.Request) -> web.Response:
        return web.json_response({"message": "no"}, status=401)

    load = generator(await serve(refusing))
    await run(load, 0.5)
    counted = load.snapshot()
    assert counted["classes"]["4xx"] == counted["sent"] > counted["unexpected"] - 1
    assert load.tally.surprises[0].what.endswith("""401 b'{"message": "no"}'""")


async def test_the_same_seed_sends_the_same_requests() -> None:
    def sent(seed: int) -> list[object]:
        schedule = islice(generator("http://x", seed=seed).schedule(), 500)
        return [(due, request.method, request.path, request.body) for due, _, request in schedule]

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)


async def test_the_mix_is_realistic_and_writes_stay_off_the_rows_that_reads_compare() -> None:
    sent = list(islice(generator("http://x", rate=50).schedule(), 6000))
    names = Counter(operation.name for _, operation, _ in sent)
    assert sent[-1][0] == pytest.approx(120, rel=0.1)
    assert names["login"] <= sent[-1][0]
    assert 0 < names["bad input"] < 0.03 * len(sent)
    assert len({r.client.user_id for _, _, r in sent if r.client}) > 250
    for _, _, request in sent:
        kind, _, number = request.path.partition("/")
        if kind == "cadets" and number.isdigit():
            assert (int(number) in RESERVED_CADETS) == (request.method == "PATCH") or int(number) == 999999
        assert "includeArchived" not in request.params


def test_a_write_that_was_answered_and_is_not_there_is_found() -> None:
    writes = Acknowledged()
    writes.record("a", 1, 0.0, 1.0, acknowledged=True)
    writes.record("a", 2, 2.0, 3.0, acknowledged=True)
    assert writes.lost({"a": 2}) == []
    assert writes.lost({"a": 1}) == ["a holds 1, acknowledged last: ['2']"]
    assert writes.lost({}) == ["a holds None, acknowledged last: ['2']"]


def test_of_writes_that_overlapped_either_may_be_the_last_one() -> None:
    writes = Acknowledged()
    writes.record("a", 1, 0.0, 2.0, acknowledged=True)
    writes.record("a", 2, 1.0, 3.0, acknowledged=True)
    assert writes.lost({"a": 1}) == writes.lost({"a": 2}) == []


def test_a_write_without_an_answer_may_have_landed_or_not() -> None:
    writes = Acknowledged()
    writes.record("a", 1, 0.0, 1.0, acknowledged=True)
    writes.record("a", 2, 2.0, 3.0, acknowledged=False)
    writes.record("a", 3, 4.0, 5.0, acknowledged=True)
    assert writes.lost({"a": 3}) == writes.lost({"a": 2}) == []
    assert writes.lost({"a": 1}) == ["a holds 1, acknowledged last: ['2', '3']"]


def test_percentiles_are_right_to_five_percent() -> None:
    latencies = Latencies()
    for milliseconds in range(1, 1001):
        latencies.add(milliseconds / 1000)
    assert latencies.percentile(0.5) == pytest.approx(0.5, rel=0.05)
    assert latencies.percentile(0.95) == pytest.approx(0.95, rel=0.05)
    assert latencies.summary()["max"] == 1000.0
