"""What the replayer's process adds to the replayer: the release's phase, the bodies' retention, quiet, tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import psycopg
import pytest
from structlog.testing import capture_logs

from proxy.config import Backend
from proxy.release.changes import Change, Record
from proxy.roles.healing import HealsAsked
from proxy.roles.quiet import QuietDatabases
from proxy.roles.replayer import Work
from proxy.roles.tokens import KnownTokens
from proxy.state import Phase
from proxy.store import Store
from shadow.dualwrite.entry import Entry, State
from shadow.dualwrite.settling import ReplayJournal
from shadow.sender import Target
from tests.proxy.deployment import KEYS
from tests.shadow.dualwrite.backends import Stand
from tests.support.edge import make_config

ENTRY = Entry(1, "i-1", 1, "old", "new", "POST /x", ("a",), 0.0, 0.0, 0, State.UNKNOWN)


@dataclass
class Stage:
    """The work of a replayer over real PostgreSQL, between two scripted backends."""

    store: Store
    journal: ReplayJournal
    stand: Stand
    work: Work

    async def rounds(self, until: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(20):
            await self.work._round(0.0)
            while not await until():
                await asyncio.sleep(0.01)
                await self.work._round(0.0)

    async def phase(self, phase: Phase) -> None:
        await self.store.change(await self.store.load(), Change(phase=phase), Record("test", "test", "test"))

    async def leads(self) -> bool:
        return self.work._replayer.leads

    async def is_applied(self, number: int) -> bool:
        return (await self.journal.entries([number]))[0].state is State.APPLIED


@pytest.fixture
async def stage(fresh_database: Callable[[], str]) -> AsyncIterator[Stage]:
    store = Store(fresh_database())
    config = make_config("http://127.0.0.1:1", "http://127.0.0.1:2")
    await store.prepare(replace(config, backends={"old": config.backends["node"], "new": config.backends["django"]},
                                active="old"))  # fmt: skip
    async with await ReplayJournal.open(store.url, KEYS) as journal:
        stand = Stand(journal)
        heals = HealsAsked(journal, stand.replayer._resolver)
        work = Work(stand.replayer, heals, journal, store, retention=0.0, drain=5.0)
        work._replayer.send_to(frozenset())
        yield Stage(store, journal, stand, work)
        stand.close()
    await store.close()


async def test_it_replays_only_while_the_release_copies(stage: Stage) -> None:
    number = await stage.stand.write(("a",))
    await stage.rounds(stage.leads)
    for _ in range(3):
        stage.work._looked = float("-inf")
        await stage.work._round(0.0)
    assert stage.stand.backends.copies == []
    await stage.phase(Phase.SHADOWING)
    await stage.rounds(lambda: stage.is_applied(number))
    await stage.phase(Phase.RESTING)
    stage.work._looked = float("-inf")
    await stage.work._round(0.0)
    await stage.stand.write(("a",))
    await stage.work._round(0.0)
    assert len(stage.stand.backends.copies) == 1


async def test_the_leader_forgets_bodies_past_their_retention(stage: Stage) -> None:
    await stage.phase(Phase.SHADOWING)
    number = await stage.stand.write(("a",))
    await stage.rounds(lambda: stage.is_applied(number))
    assert (await stage.journal.entries([number]))[0].request is not None
    stage.work._looked = stage.work._forgot = float("-inf")
    await stage.work._round(0.0)
    assert (await stage.journal.entries([number]))[0].request is None


async def test_a_store_that_is_gone_is_waited_for(stage: Stage) -> None:
    await stage.phase(Phase.SHADOWING)
    await stage.rounds(stage.leads)
    number = await stage.stand.write(("a",))
    with psycopg.connect(stage.store.url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                      " AND datname = current_database()")  # fmt: skip
    await stage.rounds(lambda: stage.is_applied(number))


async def test_a_copy_that_hangs_does_not_keep_it_from_ending(stage: Stage) -> None:
    await stage.phase(Phase.SHADOWING)
    await stage.rounds(stage.leads)
    stage.stand.backends.faults.append("hangs")
    number = await stage.stand.write(("a",))
    stage.work._drain, stop = 0.1, asyncio.Event()
    task = asyncio.create_task(stage.work.run(stop))
    async with asyncio.timeout(20):
        while not stage.stand.backends.copies:
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(task, 20)
    assert (await stage.journal.entries([number]))[0].state is State.DONE


async def test_a_transaction_as_old_as_the_request_may_still_land_it(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    quiet = QuietDatabases({"old": url}, longest_life=60.0)
    entry = replace(ENTRY, forward_by=time.time())
    assert await quiet(entry)
    async with await psycopg.AsyncConnection.connect(url, application_name="node") as other:
        await other.execute("SELECT 1")
        assert not await quiet(entry)
        assert await quiet(replace(ENTRY, forward_by=time.time() - 3600))  # it began after that request's longest life
        await other.commit()
        assert await quiet(entry)


async def test_a_database_that_does_not_say_is_not_quiet_and_none_is() -> None:
    assert not await QuietDatabases({"old": "postgresql://127.0.0.1:1/x"}, 60.0)(ENTRY)
    assert await QuietDatabases({}, 60.0)(ENTRY)


def test_a_backend_without_a_secret_gets_no_token_and_that_is_said_once() -> None:
    known = Backend(url="http://127.0.0.1:1", token_secret="s")
    tokens = KnownTokens({"old": known, "new": Backend(url="http://127.0.0.1:2")})
    with capture_logs() as logs:
        for _ in range(3):
            assert tokens.mint({"id": 1}, Target("new", "http://x"), 0.0) is None
            assert tokens.mint(None, Target("new", "http://x"), 0.0) is None
        assert (tokens.mint({"id": 1}, Target("old", "http://x"), 0.0) or "").startswith("Bearer ")
    assert [event["backend"] for event in logs] == ["new"]
