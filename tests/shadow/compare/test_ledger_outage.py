from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import psycopg
import pytest

from shadow.compare.ledger import FLUSH_EVERY, PostgresLedger
from shadow.compare.reports import LedgerUnavailable
from shadow.compare.summary import Example, GroupKey, Judged, Mismatch
from shadow.compare.verdict import Verdict
from shadow.compare.walk import Kind
from shadow.settings import CompareSettings
from shadow.testing import TurnedClock
from tests.shadow.backends import raw_backend
from tests.shadow.counting import Moved

ROUTE = "GET /api/v1/cadets"
KEY = GroupKey(ROUTE, "$.name", Kind.VALUE)
MATCHED = Judged(1_770_000_000.0, ROUTE, Verdict.MATCHED)
EXAMPLE = Example(1_770_000_000.0, "x", "GET", "/", "$.name", "1", "2", 200, 200, "{}", "{}")


async def seen(ledger: PostgresLedger) -> dict[str, int]:
    return dict((await ledger.totals())[0].verdicts)


async def test_a_started_ledger_writes_by_itself_and_the_rest_when_it_stops(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    async with PostgresLedger(url) as reader:
        async with PostgresLedger(url) as ledger:
            ledger.start()
            ledger.record(MATCHED)
            await asyncio.sleep(FLUSH_EVERY + 0.5)
            assert await seen(reader) == {"matched": 1}
            ledger.record(MATCHED)
        assert await seen(reader) == {"matched": 2}


async def test_several_workers_add_up(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    ledgers = [PostgresLedger(url) for _ in range(4)]
    for number, ledger in enumerate(ledgers):
        for pattern in ("$.a", "$.b", f"$.own{number}"):
            key = GroupKey(ROUTE, pattern, Kind.VALUE)
            ledger.record(Judged(1.77e9, ROUTE, Verdict.MISMATCHED, mismatches=(Mismatch(key, EXAMPLE),)))
    assert await asyncio.gather(*(ledger.flush() for ledger in ledgers)) == [True] * 4
    assert await seen(ledgers[0]) == {"mismatched": 12}
    assert {group.count for group in await ledgers[0].groups(limit=2)} == {4}
    for ledger in ledgers:
        await ledger.stop()


async def test_a_lost_connection_costs_one_try_and_no_count(fresh_database: Callable[[], str]) -> None:
    url, moved = fresh_database(), Moved()
    async with PostgresLedger(url) as ledger:
        ledger.record(MATCHED)
        assert await ledger.flush()
        assert await seen(ledger) == {"matched": 1}
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        ledger.record(MATCHED)
        assert not await ledger.flush()
        ledger.record(MATCHED)
        assert await ledger.flush()
        assert await seen(ledger) == {"matched": 3}
    assert moved("cutover_ledger_failures_total") == 1
    assert moved("cutover_ledger_dropped_total") == 0


async def test_a_store_that_is_not_there_stops_nothing_and_what_is_lost_in_the_end_is_counted() -> None:
    moved = Moved()
    ledger = PostgresLedger("postgresql://nobody@127.0.0.1:9/none?connect_timeout=1", within=1)
    ledger.start()
    for _ in range(100):
        ledger.record(MATCHED)
    await asyncio.sleep(FLUSH_EVERY + 0.3)
    ledger.record(MATCHED)
    with pytest.raises(LedgerUnavailable):
        await ledger.totals()
    await ledger.stop()
    assert moved("cutover_ledger_failures_total") >= 2
    assert moved("cutover_ledger_dropped_total") == 101


async def test_a_store_that_falls_silent_is_given_up_in_time() -> None:
    async with raw_backend(b"", close=False) as (url, _):
        ledger = PostgresLedger(url.replace("http://", "postgresql://nobody@") + "/none?connect_timeout=2", within=0.3)
        started = time.monotonic()
        ledger.record(MATCHED)
        assert not await ledger.flush()
        assert time.monotonic() - started < 5


async def test_a_statement_that_hangs_is_given_up_in_time(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    async with PostgresLedger(url, within=0.3) as ledger:
        ledger.record(MATCHED)
        assert await ledger.flush()
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE cutover.verdict_minute")
            ledger.record(MATCHED)
            started = time.monotonic()
            assert not await ledger.flush()
            assert time.monotonic() - started < 3
        assert await ledger.flush()
        assert await seen(ledger) == {"matched": 2}


async def test_tables_that_somebody_removed_are_made_again(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    async with PostgresLedger(url) as ledger:
        ledger.record(MATCHED)
        assert await ledger.flush()
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("DROP SCHEMA cutover CASCADE")
        ledger.record(MATCHED)
        assert not await ledger.flush()
        assert await ledger.flush()
        assert await seen(ledger) == {"matched": 1}


async def test_old_examples_are_removed_and_new_ones_wanted_again(fresh_database: Callable[[], str]) -> None:
    url, clock = fresh_database(), TurnedClock()
    settings = CompareSettings(examples=1, retention=3600)
    async with PostgresLedger(url, settings, clock) as ledger:
        ledger.start()
        ledger.record(Judged(clock.now(), ROUTE, Verdict.MISMATCHED, mismatches=(Mismatch(KEY, EXAMPLE),)))
        await asyncio.sleep(FLUSH_EVERY + 0.4)
        assert not ledger.wants_example(KEY.id)
        clock.turn(3601)
        await asyncio.sleep(FLUSH_EVERY + 0.4)
        assert ledger.wants_example(KEY.id)
        detail = await ledger.group(KEY.id)
        assert detail is not None
        assert (detail.group.count, detail.examples) == (1, ())
