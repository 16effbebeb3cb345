"""The store keeps one truth, whoever asks and whoever changes, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from proxy.config import parse
from proxy.errors import ConfigError, Conflict, StoreUnavailable
from proxy.release.changes import Change, Record
from proxy.state import GuardState, Phase
from proxy.store import Beat, Judgement, Store
from tests.proxy.relay import Relay

CONFIG = parse(
    """
backends:
  old: {url: "http://127.0.0.1:3001"}
  new: {url: "http://127.0.0.1:8000"}
active: old
""",
    {},
)
WHY = Record("weight", "trying it", "alice")


@pytest.fixture
def url(fresh_database: Callable[[], str]) -> str:
    return fresh_database()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    await opened.prepare(CONFIG)
    yield opened
    await opened.close()


async def test_a_new_deployment_rests_with_everything_on_the_active_backend(store: Store) -> None:
    state = await store.load()
    assert (state.version, state.epoch, state.active, state.standby) == (1, 1, "old", "new")
    assert (state.phase, state.share, state.guard) == (Phase.RESTING, 0.0, GuardState.ARMED)
    assert state.weights == {"old": 100.0, "new": 0.0}


async def test_its_first_start_is_the_first_row_of_its_history(store: Store) -> None:
    (first,) = await store.history()
    assert first.kind == "new"
    assert first.became["active"] == "old"


async def test_many_processes_may_prepare_a_new_database_at_once(url: str) -> None:
    stores = await asyncio.gather(*(Store.open(url) for _ in range(8)))
    states = await asyncio.gather(*(store.prepare(CONFIG) for store in stores))
    assert {state.version for state in states} == {1}
    assert len(await stores[0].history()) == 1
    await asyncio.gather(*(store.close() for store in stores))


async def test_preparing_again_changes_nothing(store: Store) -> None:
    before = await store.change(await store.load(), Change(phase=Phase.SHADOWING, share=0), WHY)
    assert await store.prepare(CONFIG) == before


async def test_a_store_of_other_backends_is_not_taken_over(store: Store) -> None:
    other = parse("backends: {a: {url: 'http://a:1'}, b: {url: 'http://b:1'}}\nactive: a", {})
    with pytest.raises(ConfigError, match="old and new, not of a and b"):
        await store.prepare(other)


async def test_a_change_is_seen_by_every_process_with_all_its_parts(store: Store, url: str) -> None:
    other = await Store.open(url)
    before = await other.load()
    change = Change(
        phase=Phase.RAMPING, share=25, route_shares={"GET /a": 50}, pins={"42": "new"}, guard=GuardState.ARMED
    )
    after = await store.change(before, change, WHY)
    assert await other.load() == await store.load() == after
    assert (after.version, after.share, after.phase) == (2, 25.0, Phase.RAMPING)
    assert (dict(after.route_shares), dict(after.pins)) == ({"GET /a": 50.0}, {"42": "new"})
    await other.close()


async def test_of_two_changes_of_the_same_state_one_wins_and_the_other_is_a_conflict(store: Store, url: str) -> None:
    other = await Store.open(url)
    seen = await store.load()
    results = await asyncio.gather(
        store.change(seen, Change(share=10), WHY), other.change(seen, Change(share=20), WHY), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "ControlState"]
    assert len(await store.history()) == 2
    await other.close()


async def test_a_lost_change_leaves_no_trace(store: Store) -> None:
    seen = await store.load()
    won = await store.change(seen, Change(share=10), WHY)
    with pytest.raises(Conflict, match="version 1"):
        await store.change(seen, Change(phase=Phase.HALTED, share=99, pins={"1": "new"}), WHY)
    assert await store.load() == won


async def test_history_tells_what_was_and_what_became_of_just_what_changed(store: Store) -> None:
    first = await store.change(await store.load(), Change(pins={"1": "new", "2": "old"}), WHY)
    evidence = {"failed": 7, "interval": [0.1, 0.4]}
    await store.change(
        first, Change(share=10, pins={"1": "new"}), Record("weight", "10 % is enough", "guard", evidence)
    )
    newest = (await store.history())[0]
    assert newest.was == {"share": 0, "pins": {"2": "old"}}
    assert newest.became == {"share": 10, "pins": {"2": None}}
    assert (newest.why, newest.who, newest.evidence, newest.version) == ("10 % is enough", "guard", evidence, 3)


async def test_history_comes_newest_first_and_page_by_page(store: Store) -> None:
    for share in (1, 2, 3):
        await store.change(await store.load(), Change(share=share), Record("weight", f"{share}", "bob"))
    page = await store.history(limit=2)
    assert [event.why for event in page] == ["3", "2"]
    assert [event.why for event in await store.history(limit=1, before=page[-1].id)] == ["1"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO cutover.control VALUES (true, 1, 'a', 'b', 'resting')",
        "INSERT INTO cutover.control VALUES (false, 1, 'a', 'b', 'resting')",
        "UPDATE cutover.control SET standby = active",
        "UPDATE cutover.control SET phase = 'dancing'",
        "UPDATE cutover.control SET epoch = 0",
        "UPDATE cutover.setting SET share = 101",
        "UPDATE cutover.setting SET guard = 'asleep'",
        "INSERT INTO cutover.route_share VALUES ('GET /a', -1)",
        "INSERT INTO cutover.history (version, epoch, kind, was, became, why, who) "
        "VALUES (1, 1, 'weight', '{}', '{}', '', 'x')",
    ],
)
async def test_the_database_itself_refuses_a_state_that_cannot_be(store: Store, url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as session:
        with pytest.raises(psycopg.errors.IntegrityError):
            await session.execute(statement)


async def test_the_guards_memory_begins_with_the_first_share_and_again_when_it_is_armed(store: Store) -> None:
    first = await store.change(await store.load(), Change(share=5), WHY)
    more = await store.change(first, Change(share=10), WHY)
    armed = await store.change(more, Change(guard=GuardState.ARMED), WHY)
    assert 0 < first.guard_since == more.guard_since < armed.guard_since


async def test_a_lost_connection_is_made_again_without_the_reader_noticing(store: Store, url: str) -> None:
    before = await store.load()
    await _end_connections(url)
    assert await store.load() == before
    await _end_connections(url)
    await store.beat(Beat("edge-1", 1, {}, {}))


async def test_what_was_remembered_over_a_lost_connection_is_read_anew(store: Store, url: str) -> None:
    await store.load()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as session:
        await session.execute("UPDATE cutover.setting SET share = 7")  # behind our back, the version as it was
    assert (await store.load()).share == 0
    await _end_connections(url)
    assert (await store.load()).share == 7


async def test_a_server_that_is_not_there_is_said_so_and_found_when_it_comes() -> None:
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await Store.open("postgresql://nobody@127.0.0.1:1/none")


async def test_a_database_without_our_tables_is_unavailable_and_not_a_crash(url: str) -> None:
    store = await Store.open(url)
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await store.load()
    await store.close()


async def test_a_server_that_stays_silent_is_given_up_and_asked_again_later(url: str) -> None:
    relay = await Relay.start(*_address(url))
    store = await Store.open(psycopg.conninfo.make_conninfo(url, host="127.0.0.1", port=relay.port))
    await store.prepare(CONFIG)
    relay.silent.set()
    started = asyncio.get_running_loop().time()
    with pytest.raises(StoreUnavailable):
        await store.history()
    assert asyncio.get_running_loop().time() - started < 10
    relay.silent.clear()
    assert len(await store.history()) == 1
    await store.close()
    await relay.stop()


async def test_a_caller_that_goes_away_leaves_the_store_usable(store: Store, url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as session:
        await session.execute("LOCK TABLE cutover.history IN ACCESS EXCLUSIVE MODE")
        waiting = asyncio.create_task(store.history())
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert len(await store.history()) == 1


async def test_edges_tell_which_state_they_route_by_and_whether_they_live(store: Store, url: str) -> None:
    await store.beat(Beat("edge-1", 1, {"old": 3}, {"unhealthy": 1}))
    await store.beat(Beat("edge-1", 2, {"old": 4}, {}))
    await store.beat(Beat("edge-2", 1, {}, {}))
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as session:
        await session.execute("UPDATE cutover.edge SET at = at - interval '1 minute' WHERE id = 'edge-2'")
    one, two = await store.edges()
    assert (one.beat, one.alive) == (Beat("edge-1", 2, {"old": 4}, {}), True)
    assert (two.beat.edge, two.alive) == ("edge-2", False)
    await store.leave("edge-2")
    assert [edge.beat.edge for edge in await store.edges()] == ["edge-1"]


async def test_only_the_newest_judgement_is_kept(store: Store) -> None:
    assert await store.judgement() is None
    for reason in ("3 more are needed", "all is well"):
        await store.note_judgement(Judgement("control-1", "hold", "error_rate", reason, {"requests": 17}))
    judgement = await store.judgement()
    assert judgement is not None
    assert (judgement.reason, judgement.evidence) == ("all is well", {"requests": 17})
    assert judgement.age < 5


def _address(url: str) -> tuple[str, int]:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return str(parts["host"]), int(parts["port"] or 5432)


async def _end_connections(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as session:
        await session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await asyncio.sleep(0.05)
