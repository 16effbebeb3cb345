"""The reconciler beside the journal: what has a write under way waits for it, the rest is carried by the replayer."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from migration.carry import Carrier
from migration.copy import copy
from migration.manifest import read
from migration.mappings import ROTC
from migration.rounds import Round
from migration.watching import Mend, Watcher, Watching
from proxy.carrying import ThroughJournal
from proxy.release import standstill
from proxy.release.changes import Change, Record
from proxy.roles.healing import HealByRows, HealsAsked
from proxy.state import Phase
from proxy.store import Store
from shadow.clock import SystemClock
from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.resolve import Resolver
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import an_intent
from tests.migration.people import Typed, cadet, one, rows, run
from tests.proxy.deployment import KEYS
from tests.support.edge import make_config

RENAMED = "UPDATE cadets SET first_name = 'Ana' WHERE id = {0}"


def nobody(_: object) -> list[tuple[str, str, str]]:
    """The plain heal, where it must not be used."""
    raise AssertionError("healed beside the journal")


@dataclass
class Stage:
    """Two databases, a store with a journal, and a watcher."""

    node: str
    django: str
    store: str
    journal: ReplayJournal
    heals: HealsAsked

    def watcher(self, plain: Mend = nobody, within: float = 30.0) -> Watcher:
        """One that works beside the journal and compares everything each time."""
        through = ThroughJournal(self.store, ROTC, plain, within)
        return Watcher(self.node, self.django, ROTC, Watching(0, every=0), settled=through.settled, mend=through.mend)

    async def looked(self, watcher: Watcher) -> Round:
        """One look, while the leading replayer heals what it is asked for."""
        async with self._replayer():
            return await asyncio.to_thread(watcher.look)

    @asynccontextmanager
    async def _replayer(self) -> AsyncIterator[None]:
        async def lead() -> None:
            while True:
                await self.heals.see_to("django")
                await asyncio.sleep(0.02)

        task = asyncio.create_task(lead())
        yield
        task.cancel()

    async def begun(self, id: str, lane: str) -> None:
        """A write that the active side is still at."""
        now = time.time()
        await self.journal.append([an_intent(id, lane, at=now, forward_by=now + 60)], now)


@pytest.fixture
async def stage(node: str, django: str, fresh_database: Callable[[], str]) -> AsyncIterator[Stage]:
    """Node is active, its writes are journaled, and both sides are equal."""
    run(node, cadet(1), cadet(2))
    copy(node, django, ROTC)
    store = Store(fresh_database())
    await store.prepare(make_config("http://127.0.0.1:1", "http://127.0.0.1:2"))
    await store.change(await store.load(), Change(phase=Phase.SHADOWING), Record("test", "test", "test"))
    carrier = Carrier({"node": node, "django": django}, ROTC)
    async with await ReplayJournal.open(store.url, KEYS) as journal:
        resolver = Resolver(journal, None, HealByRows(carrier, ROTC), None, {}, {}, SystemClock())  # type: ignore[arg-type]
        yield Stage(node, django, store.url, journal, HealsAsked(journal, resolver))
    carrier.close()
    await store.close()


async def test_a_row_with_a_write_under_way_waits_and_others_are_carried_by_the_replayer(stage: Stage) -> None:
    watcher = stage.watcher()
    await stage.begun("i-1", "cadets/1")
    run(stage.node, RENAMED.format(1), RENAMED.format(2))
    done = await stage.looked(watcher)
    assert (done.healed, done.waiting, done.failed) == ([("cadets", "2", "update")], 1, "")
    assert rows(stage.django, "SELECT first_name FROM cadets ORDER BY id") == [("Anna",), ("Ana",)]
    await stage.journal.outcomes([Outcome("i-1", State.FAILED, ended=True)])
    assert (await stage.looked(watcher)).healed == [("cadets", "1", "update")]
    assert (await stage.looked(watcher)).quiet
    watcher.close()


@pytest.mark.parametrize("lane", ["cadets", "", "cadets/1/notes"])
async def test_a_write_to_a_lane_above_or_below_is_under_way_too(stage: Stage, lane: str) -> None:
    watcher = stage.watcher()
    await stage.begun("i-1", lane)
    run(stage.node, RENAMED.format(1))
    done = await stage.looked(watcher)
    assert (done.healed, done.waiting) == ([], 1)
    watcher.close()


async def test_a_row_that_was_added_or_removed_is_carried_by_the_lanes_of_the_side_that_has_it(stage: Stage) -> None:
    watcher = stage.watcher()
    assert (await stage.looked(watcher)).quiet
    run(stage.node, cadet(3), "DELETE FROM cadets WHERE id = 2")
    done = await stage.looked(watcher)
    assert sorted(done.healed) == [("cadets", "2", "delete"), ("cadets", "3", "insert")]
    assert rows(stage.django, "SELECT id FROM cadets ORDER BY id") == [(1,), (3,)]
    watcher.close()


async def test_where_nobody_replays_the_round_says_so_and_the_row_is_carried_once_somebody_does(stage: Stage) -> None:
    impatient, patient = stage.watcher(within=0.3), stage.watcher()
    run(stage.node, RENAMED.format(1))
    done = await asyncio.to_thread(impatient.look)
    assert "nobody carried the rows of cadets/1" in done.failed
    assert one(stage.django, "SELECT first_name FROM cadets WHERE id = 1") == "Anna"
    assert (await stage.looked(patient)).healed == [("cadets", "1", "update")]
    impatient.close()
    patient.close()


async def test_while_the_release_rests_rows_are_healed_without_the_journal(stage: Stage) -> None:
    store = Store(stage.store)
    await store.change(await store.load(), Change(phase=Phase.RESTING), Record("test", "test", "test"))
    await store.close()
    asked: list[object] = []

    def plain(wanted: object) -> list[tuple[str, str, str]]:
        asked.append(wanted)
        return []

    watcher = stage.watcher(plain)
    run(stage.node, RENAMED.format(1))
    await asyncio.to_thread(watcher.look)
    assert len(asked) == 1
    watcher.close()


async def fenced(stage: Stage) -> None:
    """Once writes are held."""
    while not one(stage.store, "SELECT fenced_until IS NOT NULL FROM cutover.control"):
        await asyncio.sleep(0.01)


async def test_an_export_under_load_holds_writes_for_its_moment_and_names_its_position(
    stage: Stage, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTOVER_DATABASE_URL", stage.store)
    await stage.begun("i-1", "cadets/1")
    exporting = asyncio.create_task(asyncio.to_thread(typed, "migrate", "export", "out", "--json"))
    await asyncio.wait_for(fenced(stage), 10)
    run(stage.node, RENAMED.format(1))
    await stage.journal.outcomes([Outcome("i-1", State.DONE)])
    report = json.loads((await exporting).stdout)
    assert (report["ok"], report["position"]) == (True, 1)
    exported = read(Path("out"))
    assert exported.position == 1
    ((part,),) = (table.parts for table in exported.tables if table.name == "cadets")
    with gzip.open(f"out/{part.file}", "rt") as file:
        assert "Ana" in file.read(), "the write that the position counts is in"
    assert not one(stage.store, "SELECT fenced_until IS NOT NULL FROM cutover.control"), "writes go on"


async def test_an_export_of_the_standby_waits_until_it_has_every_write(
    stage: Stage, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTOVER_DATABASE_URL", stage.store)
    monkeypatch.setattr(standstill, "WINDOW", 0.2)
    monkeypatch.setattr(standstill, "_BETWEEN", 0.0)
    await stage.begun("i-1", "cadets/1")
    await stage.journal.outcomes([Outcome("i-1", State.DONE)])
    refused = await asyncio.to_thread(typed, "migrate", "export", "out", "--from", "django")
    assert refused.exit_code != 0
    assert "1 writes did not end" in refused.stderr
    unheld = await asyncio.to_thread(typed, "migrate", "export", "out", "--from", "django", "--no-position", "--json")
    assert json.loads(unheld.stdout)["position"] is None


async def test_an_export_while_nothing_is_journaled_names_no_position(
    stage: Stage, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTOVER_DATABASE_URL", stage.store)
    run(stage.store, "UPDATE cutover.control SET phase = 'resting'")
    told = await asyncio.to_thread(typed, "migrate", "export", "out", "--json")
    assert json.loads(told.stdout)["position"] is None
