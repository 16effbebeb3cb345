"""The journal writer as a process, which waits for PostgreSQL to begin and for its edges to end; and inside an edge."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from proxy.config import Config
from proxy.errors import CutoverError
from proxy.journals import check
from proxy.roles.journal import WriterInside, run
from proxy.surroundings import Surroundings, surroundings
from shadow.dualwrite.admission import Admitted, Noted, Refused, Why
from shadow.dualwrite.client import JournalClient
from shadow.dualwrite.dialled import over_socket
from shadow.dualwrite.entry import Intent, State
from shadow.dualwrite.journal import PostgresJournal
from shadow.dualwrite.session import PRESENCE
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import an_intent, done
from tests.support.edge import make_config


def a_write(id: str) -> Intent:
    now = time.time()
    return an_intent(id, "a", at=now, forward_by=now + 5, wait_until=now + 5)


@pytest.fixture
def config(open_directory: Path) -> Config:
    return make_config("http://127.0.0.1:1", "http://127.0.0.1:2", store={"directory": str(open_directory)})


@pytest.fixture
def around(config: Config, fresh_database: Callable[[], str]) -> Surroundings:
    return replace(surroundings(config, {}), database=fresh_database())


@asynccontextmanager
async def writing(config: Config, around: Surroundings) -> AsyncIterator[tuple[asyncio.Task[None], asyncio.Event]]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(config, around, Path(), 0, stop))
    yield task, stop
    stop.set()
    await asyncio.wait_for(task, 20)


@asynccontextmanager
async def an_edge(around: Surroundings) -> AsyncIterator[JournalClient]:
    client = JournalClient(over_socket(around.journal_socket()))
    client.start()
    assert await client.connected_within(20)
    yield client
    await client.stop()


async def test_it_outlives_its_edges(config: Config, around: Surroundings) -> None:
    async with writing(config, around) as (task, stop):
        async with an_edge(around) as edge:
            assert await edge.intent(a_write("i-1")) == Admitted(1, 0)
            stop.set()
            assert await edge.outcome(done("i-1")) is Noted.NOTED
            assert isinstance(await edge.intent(a_write("i-2")), Admitted)
            assert await edge.outcome(done("i-2")) is Noted.NOTED
            assert not task.done()
        await asyncio.wait_for(task, 20)


async def test_it_waits_for_a_postgresql_that_comes_late(config: Config, around: Surroundings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"postgresql://x@127.0.0.1:{taken.getsockname()[1]}/x"
    async with writing(config, replace(around, database=nobody)) as (task, stop):
        await asyncio.wait({task}, timeout=0.3)
        assert not task.done()
        stop.set()
        await asyncio.wait_for(task, 20)


async def test_a_missing_key_is_told_with_its_name_and_where_to_give_it(config: Config, around: Surroundings) -> None:
    await check(config, around)
    async with writing(config, around), an_edge(around) as edge:
        await edge.intent(a_write("i-1"))
        await edge.outcome(done("i-1"))
    (around.directory / "journal-key").rename(around.directory / "hidden")
    with pytest.raises(CutoverError, match=r"keys that are not given: kept-.*CUTOVER_JOURNAL_KEYS"):
        await check(config, around)


async def test_a_database_that_is_away_does_not_stop_the_start(config: Config, around: Surroundings) -> None:
    await check(config, replace(around, database="postgresql://x@127.0.0.1:1/x"))


@asynccontextmanager
async def inside(config: Config, around: Surroundings) -> AsyncIterator[JournalClient]:
    """An edge's client with the writer in its own process."""
    writer = WriterInside(config, around)
    async with writer.running():
        client = JournalClient(writer.dial)
        client.start()
        yield client
        await client.stop()


async def test_inside_an_edge_it_does_the_same(config: Config, around: Surroundings) -> None:
    async with inside(config, around) as edge:
        assert await edge.connected_within(20)
        assert await edge.intent(a_write("i-1")) == Admitted(1, 0)
        assert await edge.outcome(done("i-1")) is Noted.NOTED
        assert isinstance(await edge.intent(a_write("left")), Admitted)
    async with await ReplayJournal.open(around.database, around.keyring()) as journal:
        assert [entry.state for entry in await journal.entries([1, 2])] == [State.DONE, State.UNKNOWN]


@pytest.mark.parametrize("after", [0.0, 0.001, 0.01, 0.03, 0.1])
async def test_inside_an_edge_it_ends_whenever_it_is_told_to(
    config: Config, around: Surroundings, after: float
) -> None:
    async with asyncio.timeout(10):
        async with WriterInside(config, around).running():
            await asyncio.sleep(after)


async def test_inside_an_edge_it_begins_anew_after_a_fault_and_no_outcome_is_lost(
    config: Config, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, faults = PostgresJournal.commit, iter([True])

    async def faulty(journal: PostgresJournal, outcomes: Any, intents: Any, now: float) -> Any:
        if outcomes and next(faults, False):
            raise ArithmeticError("a fault of ours")
        return await commit(journal, outcomes, intents, now)

    monkeypatch.setattr(PostgresJournal, "commit", faulty)
    async with inside(config, around) as edge:
        assert await edge.connected_within(20)
        assert await edge.intent(a_write("i-1")) == Admitted(1, 0)
        telling = asyncio.create_task(edge.outcome(done("i-1")))
        await asyncio.sleep(0.1)
        assert await edge.intent(a_write("i-2")) == Refused(Why.UNAVAILABLE)
        assert await asyncio.wait_for(telling, 20) is Noted.NOTED
        assert isinstance(await edge.intent(a_write("i-3")), Admitted)
        await edge.outcome(done("i-3"))
    appended = await asked(
        around, "SELECT count(DISTINCT appended_by), min(appended_by) > 0 FROM cutover.journal_entry"
    )
    assert appended == [(1, True)], "it is still the same one"


async def test_inside_an_edge_it_is_seen_to_be_there_while_a_write_is_under_way(
    config: Config, around: Surroundings
) -> None:
    """Nobody asks it anything meanwhile, and PostgreSQL has cut it off."""
    async with inside(config, around) as edge:
        assert await edge.connected_within(20)
        assert isinstance(await edge.intent(a_write("i-1")), Admitted)
        cut = await asked(around, f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {PRESENT}")
        assert cut == [(True,)]
        async with asyncio.timeout(2):
            while await asked(around, f"SELECT FROM pg_locks WHERE {PRESENT}"):
                await asyncio.sleep(0.01)
            while not await asked(around, f"SELECT FROM pg_locks WHERE {PRESENT}"):
                await asyncio.sleep(0.01)
        await edge.outcome(done("i-1"))


PRESENT = (
    f"locktype = 'advisory' AND classid = {PRESENCE} "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def asked(around: Surroundings, query: str) -> list[tuple[Any, ...]]:
    async with await psycopg.AsyncConnection.connect(around.database, autocommit=True) as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def test_inside_an_edge_it_waits_for_a_key_that_is_missing(config: Config, around: Surroundings) -> None:
    async with inside(config, around) as edge:
        assert await edge.connected_within(20)
        await edge.intent(a_write("i-1"))
        await edge.outcome(done("i-1"))
    key, hidden = around.directory / "journal-key", around.directory / "hidden"
    key.rename(hidden)
    async with inside(config, around) as edge:
        assert not await edge.connected_within(0.5)
        assert await edge.intent(a_write("i-2")) == Refused(Why.UNAVAILABLE)
        hidden.rename(key)
        assert await edge.connected_within(20)
        assert isinstance(await edge.intent(a_write("i-2")), Admitted)
        await edge.outcome(done("i-2"))
