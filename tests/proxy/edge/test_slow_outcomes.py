"""A journal that is slow to take an outcome keeps nobody's answer away, and no connection from others (design.md
section 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.typing import EventDict

from shadow.dualwrite.admission import Noted
from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.testing import InMemoryJournal, Roles
from tests.proxy.edge.conftest import StageWith
from tests.proxy.edge.test_journaled_writes import MADE, the_entry, write
from tests.support.edge import Stage
from tests.support.waiting import eventually_true
from tests.support.wire import OK, Script, Visit, always

ONE_CONNECTION: dict[str, object] = {"connections": 1, "connect_timeout": 5, "answer_timeout": 0.1}


class Held(InMemoryJournal):
    """Takes no outcome before `free`."""

    def __init__(self) -> None:
        super().__init__(Roles(active="node", standby="django"))
        self.free = asyncio.Event()
        self.asked = asyncio.Event()

    async def outcomes(self, outcomes: Sequence[Outcome]) -> list[Noted]:
        self.asked.set()
        await self.free.wait()
        return await super().outcomes(outcomes)


async def staged(stage_with: StageWith, script: Script, both: dict[str, object]) -> tuple[Stage, Held]:
    held = Held()
    stage = await stage_with(entries=held, both=both)
    stage.active.script = script
    return stage, held


def breaks_off(go: asyncio.Event) -> Script:
    async def script(visit: Visit) -> None:
        await visit.request()
        await go.wait()
        visit.reset()

    return script


async def test_a_backend_that_breaks_off_after_the_time_for_its_answer_takes_nobodys_504_away(
    stage_with: StageWith,
) -> None:
    go = asyncio.Event()
    stage, held = await staged(stage_with, breaks_off(go), {"answer_timeout": 0.1})
    client = await stage.connect()
    await client.send(write())
    await held.asked.wait()  # the time is over, and the journal hears of it
    go.set()
    await stage.active.deserted()
    held.free.set()
    answer = await client.answer()
    assert (answer.status, b"ANSWER_TIMEOUT" in answer.body) == (504, True)
    assert the_entry(stage).state is State.UNKNOWN


async def test_a_late_answer_keeps_no_connection_from_a_read(stage_with: StageWith) -> None:
    go = asyncio.Event()

    async def late(visit: Visit) -> None:
        await visit.request()
        await go.wait()
        await visit.send(MADE)

    stage, held = await staged(stage_with, late, ONE_CONNECTION)
    client = await stage.connect()
    await client.send(write())
    await held.asked.wait()
    stage.active.script = always(OK)
    go.set()
    assert (await stage.get()).status == 200
    held.free.set()
    await eventually_true(lambda: the_entry(stage).state is State.DONE)


async def test_a_backend_that_breaks_off_keeps_no_connection_from_a_read(stage_with: StageWith) -> None:
    go = asyncio.Event()
    stage, held = await staged(stage_with, breaks_off(go), ONE_CONNECTION | {"answer_timeout": 60})
    client = await stage.connect()
    await client.send(write())
    go.set()
    await held.asked.wait()
    stage.active.script = always(OK)
    assert (await stage.get()).status == 200
    held.free.set()
    assert (await client.answer()).status == 502


async def test_a_fault_of_the_edge_is_answered_and_logged(
    stage_with: StageWith, monkeypatch: pytest.MonkeyPatch, events: list[EventDict]
) -> None:
    def fails(*_: object, **__: object) -> Outcome:
        raise RuntimeError("planted")

    monkeypatch.setattr("proxy.edge.underway.outcome_of", fails)
    stage = await stage_with(entries=InMemoryJournal(Roles(active="node", standby="django")))
    stage.active.script = always(MADE)
    assert (await stage.ask(write())).status == 500
    assert stage.edge.sides["node"].http.in_use == 0
    assert [event for event in events if event["event"] == "edge_fault"]
    events.clear()
