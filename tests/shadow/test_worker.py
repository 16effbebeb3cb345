from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from shadow.answer import Answer, AskFailed, Reason
from shadow.breaker import FAILURES
from shadow.clock import SystemClock
from shadow.compare.ledger import PostgresLedger
from shadow.compare.reports import Ledger
from shadow.exchange import encode
from shadow.mirroring import Mirror
from shadow.plan import Skip
from shadow.sender import Asks, Sender
from shadow.settings import CompareSettings, MirrorSettings, Rule, RuleKind
from shadow.testing import InMemoryLedger, ScriptedSender, an_answer, an_exchange, answered, targets
from shadow.worker import ShadowWorker
from tests.shadow.backends import backend, until
from tests.shadow.counting import Moved

BACKENDS = targets([("old", "http://old"), ("new", "http://new")])
ALICE = an_answer(b'{"name":"Alice"}')
READ = answered(an_exchange(), ALICE)


@asynccontextmanager
async def working(
    path: Path, sender: Asks, ledger: Ledger | None = None, backends: Any = BACKENDS, **mirror: Any
) -> AsyncIterator[ShadowWorker]:
    settings = MirrorSettings(**{"rate": 1_000_000.0} | mirror)
    compare = CompareSettings(noise_percent=0)
    worker = ShadowWorker(path, backends, settings, compare, sender, ledger or InMemoryLedger(), SystemClock())
    running = asyncio.ensure_future(worker.run())
    await worker.ready.wait()
    try:
        yield worker
    finally:
        worker.stop()
        await running


@asynccontextmanager
async def mirroring(path: Path, **mirror: Any) -> AsyncIterator[Mirror]:
    edge = Mirror([path], MirrorSettings(**{"rate": 1_000_000.0} | mirror))
    edge.start()
    try:
        await until(lambda: edge.connected)
        yield edge
    finally:
        await edge.stop()


def scripted(new: Sequence[Answer | AskFailed], seconds: float = 0.0) -> ScriptedSender:
    return ScriptedSender({"old": [ALICE], "new": new}, seconds)


async def test_the_whole_way_from_the_edge_to_postgresql(tmp_path: Path, fresh_database: Callable[[], str]) -> None:
    """Alice reads her record; the standby has another name for her and a token that must not be stored."""
    marked = []

    async def old(request: web.BaseRequest) -> web.Response:
        return web.json_response({"name": "Alice", "total": "3", "token": "sesame"})

    async def new(request: web.BaseRequest) -> web.Response:
        marked.append(request.headers.get("X-Cutover-Copy"))
        return web.json_response({"name": "Alicia", "total": 3, "token": "open"})

    body = orjson.dumps({"name": "Alice", "total": "3", "token": "sesame"})
    rule = Rule(name="total", kind=RuleKind.NUMERIC_STRING, reason="r", paths=("$.total",))
    database, settings = fresh_database(), CompareSettings(rules=(rule,))
    async with backend(old) as old_url, backend(new) as new_url:
        sender = Sender(timeout=2, body_limit=10_000, connections=4)
        backends = targets([("old", old_url), ("new", new_url)])
        async with sender, working(tmp_path / "s", sender, PostgresLedger(database), backends) as worker:
            worker.use(settings)
            async with mirroring(tmp_path / "s") as edge:
                for _ in range(3):
                    assert edge.offer(answered(an_exchange(), an_answer(body))) is None
                await until(lambda: not edge.unfinished)
    assert marked == ["mirror"] * 6  # each was asked for again, to confirm what differed
    async with PostgresLedger(database) as ledger:
        groups = {group.pattern: group for group in await ledger.groups()}
        assert set(groups) == {"$.name", "$.token"}
        detail = await ledger.group(groups["$.token"].id)
        assert detail is not None and len(detail.examples) == 3
        assert "sesame" not in repr(detail) and "open" not in repr(detail.examples)
        (totals,) = await ledger.totals()
        assert (totals.verdicts, totals.rules) == ({"mismatched": 3}, {"total": 3})


async def test_every_frame_ends_in_a_verdict_or_a_counted_skip(tmp_path: Path) -> None:
    moved, ledger = Moved(), InMemoryLedger()
    new = [ALICE, an_answer(b'{"name":"Bob"}'), AskFailed(Reason.TIMEOUT), *[AskFailed(Reason.REFUSED)] * 500]
    async with working(tmp_path / "s", scripted(new), ledger, concurrency=4), mirroring(tmp_path / "s") as edge:
        for _ in range(300):
            assert edge.offer(READ) is None
        await until(lambda: not edge.unfinished)
    assert sum(moved.verdicts().values()) + sum(moved.skips().values()) == 300
    assert set(moved.skips()) == {"breaker_open"}
    assert len(ledger.judged) == sum(moved.verdicts().values())


async def test_no_more_copies_are_under_way_than_allowed(tmp_path: Path) -> None:
    sender = scripted([ALICE], seconds=0.01)
    async with working(tmp_path / "s", sender, concurrency=3), mirroring(tmp_path / "s") as edge:
        for _ in range(30):
            edge.offer(READ)
        await until(lambda: not edge.unfinished)
    assert sender.most_at_once == 3


async def test_a_slow_backend_fills_the_queues_and_no_more_and_all_is_counted(tmp_path: Path) -> None:
    moved, frame = Moved(), len(encode(answered(an_exchange(), an_answer(b"x" * 10_000))))
    exchange = answered(an_exchange(), an_answer(b"x" * 10_000))
    sender, ledger = scripted([ALICE], seconds=0.05), InMemoryLedger()
    async with (
        working(tmp_path / "s", sender, ledger, queue=20 * frame, concurrency=20) as worker,
        mirroring(tmp_path / "s", queue=20 * frame) as edge,
    ):
        held, offered = 0, []
        for _ in range(400):
            offered.append(edge.offer(exchange))
            held = max(held, worker.held_bytes)
            await asyncio.sleep(0)
        assert offered.count(Skip.QUEUE_FULL) > 50
        assert held < 20 * frame + 512 * 1024  # what one read may bring on top
        await until(lambda: not edge.unfinished)
    assert len(ledger.judged) == offered.count(None)
    assert moved.skips() == {"queue_full": offered.count(Skip.QUEUE_FULL)}


async def test_edges_hear_of_a_dead_backend_and_stop_sending(tmp_path: Path) -> None:
    sender = scripted([*[AskFailed(Reason.REFUSED)] * FAILURES, ALICE])
    async with working(tmp_path / "s", sender), mirroring(tmp_path / "s") as edge:
        for _ in range(FAILURES):
            edge.offer(READ)
        await until(lambda: edge.offer(READ) is Skip.BREAKER_OPEN)
        async with mirroring(tmp_path / "s") as late:  # one that connects later hears it, too
            await until(lambda: late.offer(READ) is Skip.BREAKER_OPEN)
        asked = len(sender.asked)
        await until(lambda: edge.offer(READ) is None)
        await until(lambda: len(sender.asked) > asked)
        await until(lambda: edge.offer(READ) is None)


async def test_stopping_finishes_what_was_taken(tmp_path: Path) -> None:
    ledger, moved = InMemoryLedger(), Moved()
    async with mirroring_to_late_worker(tmp_path / "s") as edge:
        async with working(tmp_path / "s", scripted([ALICE], seconds=0.05), ledger, concurrency=4) as worker:
            await until(lambda: edge.connected)
            for _ in range(40):
                edge.offer(READ)
            await until(lambda: worker.held_bytes)
        await until(lambda: not edge.connected)
    assert len(ledger.judged) + moved.skips().get("no_worker", 0) == 40
    assert len(ledger.judged) >= 4


@asynccontextmanager
async def mirroring_to_late_worker(path: Path) -> AsyncIterator[Mirror]:
    edge = Mirror([path], MirrorSettings())
    edge.start()
    try:
        yield edge
    finally:
        await edge.stop()


async def test_stopping_does_not_wait_for_a_backend_for_ever_and_counts_each_frame_once(tmp_path: Path) -> None:
    ledger, moved = InMemoryLedger(), Moved()
    async with mirroring_to_late_worker(tmp_path / "s") as edge:
        async with working(tmp_path / "s", scripted([ALICE], seconds=60), ledger, concurrency=2) as worker:
            await until(lambda: edge.connected)
            for _ in range(10):
                assert edge.offer(READ) is None
            await until(lambda: worker.held_bytes == 10 * len(encode(READ)))
            started = time.monotonic()
        assert time.monotonic() - started < 8
        await until(lambda: not edge.connected)
    assert (ledger.judged, moved.skips()) == ([], {"no_worker": 10})


async def test_a_new_worker_takes_over_the_socket_of_a_dead_one(tmp_path: Path) -> None:
    async with working(tmp_path / "s", scripted([ALICE])):
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
        ledger = InMemoryLedger()
        async with working(tmp_path / "s", scripted([ALICE]), ledger), mirroring(tmp_path / "s") as edge:
            edge.offer(READ)
            await until(lambda: ledger.judged)
    assert not (tmp_path / "s").exists()


async def test_the_socket_of_a_successor_is_left_where_it_is(tmp_path: Path) -> None:
    async with working(tmp_path / "s", scripted([ALICE])) as first, working(tmp_path / "s", scripted([ALICE])):
        first.stop()
        await asyncio.sleep(0.1)
        assert (tmp_path / "s").exists()


@pytest.mark.parametrize("rubbish", [b"\0" * 64, b"\0\0\0\x0c\0\0\0\x04{}{}\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n"])
async def test_rubbish_on_the_socket_is_counted_and_harms_nobody(tmp_path: Path, rubbish: bytes) -> None:
    ledger, moved = InMemoryLedger(), Moved()
    async with working(tmp_path / "s", scripted([ALICE]), ledger), mirroring(tmp_path / "s") as edge:
        _, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(rubbish)
        await until(lambda: moved.skips())
        writer.close()
        edge.offer(READ)
        await until(lambda: ledger.judged)
    assert set(moved.skips()) <= {"failed", "too_large"}


async def test_frames_of_an_edge_that_went_away_are_worked_off(tmp_path: Path) -> None:
    ledger = InMemoryLedger()
    async with working(tmp_path / "s", scripted([ALICE], seconds=0.1), ledger, concurrency=1):
        async with mirroring(tmp_path / "s") as edge:
            for _ in range(3):
                edge.offer(READ)
        await until(lambda: len(ledger.judged) == 3)
