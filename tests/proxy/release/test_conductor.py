"""The guard's loop: one leader, and nothing done on what cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import psycopg
import pytest

from proxy.config import Config, parse
from proxy.errors import StoreUnavailable
from proxy.release.changes import Change, Record
from proxy.release.conductor import Conductor
from proxy.release.guard import Action
from proxy.release.leadership import Leadership
from proxy.release.readings import Counts, Readings, Second
from proxy.state import GuardState, Phase
from proxy.store import Store
from tests.proxy.deployment import eventually

NOW = 4_000_000_000.0
TEXT = "backends: {old: {url: 'http://a:1'}, new: {url: 'http://b:1'}}\nactive: old\nguard: {interval: 20ms}"


class Counted:
    """Readings as told."""

    def __init__(self, failed: int = 0, requests: int = 100) -> None:
        self.counts: Counts | None = Counts(requests, failed)

    async def read(self, now: float, seconds: float) -> Readings:
        if self.counts is None:
            raise StoreUnavailable("Redis does not answer: gone")
        return Readings(int(now), (Second(int(now), {("new", "GET /a"): self.counts}),))


@pytest.fixture
def url(fresh_database: Callable[[], str]) -> str:
    return fresh_database()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    state = await opened.prepare(parse(TEXT, {}))
    await opened.change(state, Change(phase=Phase.RAMPING, share=25), Record("weight", "for the test", "test"))
    yield opened
    await opened.close()


def conductor(store: Store, readings: Counted, name: str = "one", config: Config | None = None) -> Conductor:
    return Conductor(
        config or parse(TEXT, {}),
        store,
        readings,
        Leadership(store.url),
        lambda: {"old": True, "new": True},
        name=name,
        configuration="abc",
        clock=lambda: NOW,
    )


async def _leads(one: Conductor) -> bool:
    return await one.step() is not None


async def test_what_the_guard_says_is_done_and_written_down(store: Store) -> None:
    one = conductor(store, Counted(failed=50))
    verdict = await one.step()
    assert verdict is not None
    assert verdict.action is Action.ROLL_BACK
    state = await store.load()
    assert (state.share, state.phase, state.guard) == (0, Phase.SHADOWING, GuardState.LATCHED)
    event = (await store.history())[0]
    assert event.why == state.guard_reason == verdict.reason
    assert (event.evidence["configuration"], event.evidence["lag_seconds"]) == ("abc", None)
    judgement = await store.judgement()
    assert judgement is not None
    assert (judgement.action, judgement.who) == ("roll_back", "one")
    await one._leadership.release()


async def test_it_acts_once_per_arm(store: Store) -> None:
    one = conductor(store, Counted(failed=50))
    await one.step()
    rows = len(await store.history())
    verdict = await one.step()
    assert verdict is not None
    assert verdict.action is Action.HOLD
    assert len(await store.history()) == rows
    await one._leadership.release()


async def test_without_readings_it_says_so_and_does_nothing(store: Store) -> None:
    readings = Counted(failed=100)
    readings.counts = None
    one = conductor(store, readings)
    verdict = await one.step()
    assert verdict is not None
    assert (verdict.action, "Redis does not answer" in verdict.reason) == (Action.WAIT, True)
    assert (await store.load()).share == 25
    await one._leadership.release()


async def test_a_guard_that_the_configuration_switches_off_only_watches(store: Store) -> None:
    config = parse(TEXT, {})
    one = conductor(store, Counted(failed=100), config=replace(config, guard=replace(config.guard, enabled=False)))
    verdict = await one.step()
    assert verdict is not None
    assert verdict.reason == "the guard is off"
    assert (await store.load()).share == 25
    await one._leadership.release()


async def test_of_two_one_leads_and_the_other_takes_over_when_it_ends(store: Store) -> None:
    first, second = conductor(store, Counted()), conductor(store, Counted(failed=50), "two")
    assert await first.step() is not None
    assert await second.step() is None
    await first._leadership.release()
    await eventually(lambda: _leads(second))
    assert (await store.load()).guard is GuardState.LATCHED
    await second._leadership.release()


async def test_a_leader_that_lost_its_connection_is_no_leader_any_more(store: Store, url: str) -> None:
    one, two = conductor(store, Counted()), conductor(store, Counted(), "two")
    assert await one.step() is not None
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as session:
        await session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cutover leadership'"
        )

    await eventually(lambda: _leads(two))
    with pytest.raises(StoreUnavailable):
        await one.step()
    assert await one.step() is None
    await two._leadership.release()
    await eventually(lambda: _leads(one))
    await one._leadership.release()


async def test_a_change_by_a_person_in_the_same_moment_is_not_overruled(store: Store, url: str) -> None:
    guards_own = await Store.open(url)
    one = conductor(guards_own, Counted(failed=50))
    async with await psycopg.AsyncConnection.connect(url) as person:
        await person.execute("UPDATE cutover.setting SET version = version + 1, share = 0")  # not committed yet
        looking = asyncio.create_task(one.step())
        await asyncio.sleep(0.2)  # the guard has decided on the old state and waits for the row
        assert not looking.done()
    verdict = await looking
    assert verdict is not None
    assert verdict.action is Action.HOLD
    assert ((await store.load()).guard, len(await store.history())) == (GuardState.ARMED, 2)
    await one._leadership.release()
    await guards_own.close()


async def test_it_runs_until_it_is_told_to_stop_also_without_a_store() -> None:
    gone = Store("postgresql://nobody@127.0.0.1:1/none")
    stop = asyncio.Event()
    running = asyncio.create_task(conductor(gone, Counted()).run(stop))
    await asyncio.sleep(0.2)
    assert not running.done()
    stop.set()
    await asyncio.wait_for(running, 5)
