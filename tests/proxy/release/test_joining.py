"""Writes stand still for a moment, and a copy is joined to the journal there (design.md section 5)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from proxy.config import parse
from proxy.errors import CutoverError, Refused
from proxy.release import joining as joining_module
from proxy.release import standstill as standstill_module
from proxy.release.joining import Joining
from proxy.release.standstill import Connection, StillMoving, standstill
from proxy.store import Beat, Store
from shadow.dualwrite.admission import Admitted, Why
from shadow.dualwrite.admission import Refused as NotAdmitted
from shadow.dualwrite.entry import Intent, Outcome, Request, State
from shadow.dualwrite.sealing import Keyring
from shadow.dualwrite.settling import ReplayJournal

CONFIG = "backends: {a: {url: 'http://127.0.0.1:1'}, b: {url: 'http://127.0.0.1:2'}}\nactive: a\n"
KEYS = Keyring({"k": b"k" * 32}, "k")


@pytest.fixture
async def url(fresh_database: Callable[[], str]) -> AsyncIterator[str]:
    database = fresh_database()
    store = Store(database)
    await store.prepare(parse(CONFIG, {}))
    await store.close()
    yield database


@pytest.fixture
async def journal(url: str) -> AsyncIterator[ReplayJournal]:
    async with await ReplayJournal.open(url, KEYS) as opened:
        yield opened


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as connected:
        yield connected


async def begun(journal: ReplayJournal, id: str, lane: str) -> object:
    now = time.time()
    intent = Intent(id, 1, now, now + 10, "r", (lane,), Request("POST", b"/", b"", (), b""))
    return (await journal.append([intent], now))[0]


async def test_nothing_is_admitted_while_writes_stand_still(journal: ReplayJournal, connection: Connection) -> None:
    with standstill(connection, settled=False):
        answer = await begun(journal, "1", "x")
    assert isinstance(answer, NotAdmitted) and answer.why is Why.FENCED
    assert isinstance(await begun(journal, "1", "x"), Admitted)


async def test_writes_in_flight_end_first_and_their_position_is_known(
    journal: ReplayJournal, connection: Connection
) -> None:
    assert isinstance(await begun(journal, "1", "x"), Admitted)

    def still() -> tuple[int, int]:
        with standstill(connection, settled=False) as moment:
            return moment.number, moment.completion

    standing = asyncio.get_running_loop().run_in_executor(None, still)
    await asyncio.sleep(0.05)
    assert not standing.done()
    await journal.outcomes([Outcome("1", State.DONE)])
    assert await standing == (1, 1)


async def test_what_never_ends_gives_up_the_standstill_and_lets_writes_go_on(
    journal: ReplayJournal, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill_module, "WINDOW", 0.2)
    monkeypatch.setattr(standstill_module, "_BETWEEN", 0.01)
    assert isinstance(await begun(journal, "1", "x"), Admitted)
    with pytest.raises(StillMoving, match="1 writes did not end"), standstill(connection, settled=False):
        pytest.fail("it does not stand still")
    assert isinstance(await begun(journal, "2", "y"), Admitted)


async def test_a_moment_that_outlasts_the_fence_is_none(
    connection: Connection, journal: ReplayJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill_module, "WINDOW", 0.1)
    with pytest.raises(StillMoving), standstill(connection, settled=False):
        time.sleep(0.15)  # noqa: ASYNC251 - as a slow snapshot would


async def test_two_standstills_do_not_meet(
    connection: Connection, journal: ReplayJournal, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill_module, "_BETWEEN", 0.01)
    with (
        psycopg.connect(url, autocommit=True) as another,
        standstill(connection, settled=False),
        pytest.raises(StillMoving, match="somebody else"),
        standstill(another, settled=False),
    ):
        pytest.fail("both held the writes")


async def started(url: str) -> None:
    """What `cutover start` does, as far as the store is concerned."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE cutover.control SET phase = 'shadowing'")
        connection.execute("UPDATE cutover.setting SET version = version + 1")


async def beat(url: str, version: int, unjournaled: int = 0) -> None:
    store = Store(url)
    await store.beat(Beat("edge-1", version, {}, {}, unjournaled))
    await store.close()


async def test_a_copy_is_joined_once_every_edge_journals_all_of_its_writes(
    url: str, journal: ReplayJournal, connection: Connection, tmp_path: Path
) -> None:
    """What has completed by the moment is in the copy; what comes later is replayed."""
    await beat(url, version=1)
    store = Store(url)
    joining = Joining(connection, lambda: asyncio.run(started(url)))
    beginning = threading.Thread(target=joining.begin)
    beginning.start()
    while not await store.is_joining():
        await asyncio.sleep(0.01)
    await beat(url, version=2, unjournaled=1)
    await asyncio.sleep(0.3)
    assert beginning.is_alive(), "a write is under way past the journal"
    await beat(url, version=2)
    await asyncio.to_thread(beginning.join, 10)
    assert not beginning.is_alive()
    await begun(journal, "before", "x")
    await journal.outcomes([Outcome("before", State.DONE)])
    with joining.moment():
        assert (await store.is_joining()) is True
    await begun(journal, "after", "x")
    await journal.outcomes([Outcome("after", State.DONE)])
    joining.finish()
    assert not await store.is_joining()
    assert [entry.id for entry in await journal.open_entries()] == ["after"]
    assert (joining.joined.completion, joining.joined.entries) == (1, 1)
    await store.close()


async def test_a_release_that_copies_already_is_not_joined_again(
    url: str, journal: ReplayJournal, connection: Connection
) -> None:
    await started(url)
    with pytest.raises(Refused, match="shadowing"):
        Joining(connection, lambda: None).begin()


async def test_a_start_that_is_refused_leaves_no_copy_behind_that_others_would_wait_for(
    url: str, journal: ReplayJournal, connection: Connection
) -> None:
    def refuse() -> None:
        raise CutoverError("no")

    with pytest.raises(CutoverError, match="no"):
        Joining(connection, refuse).begin()
    store = Store(url)
    assert not await store.is_joining()
    await store.close()


async def test_without_a_word_of_any_edge_nothing_is_copied(
    url: str, journal: ReplayJournal, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining_module, "AGREED_WITHIN", 0.2)
    with pytest.raises(CutoverError, match="no edge was heard of"):
        Joining(connection, lambda: None).begin()
