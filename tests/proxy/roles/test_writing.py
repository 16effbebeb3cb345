"""The journal writer's process: it waits for PostgreSQL to begin, and for its edges to end."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.config import Config
from proxy.errors import CutoverError
from proxy.journals import check
from proxy.roles.journal import run
from proxy.surroundings import Surroundings, surroundings
from shadow.dualwrite.admission import Admitted, Noted
from shadow.dualwrite.client import JournalClient
from shadow.dualwrite.dialled import over_socket
from shadow.dualwrite.entry import Intent
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
