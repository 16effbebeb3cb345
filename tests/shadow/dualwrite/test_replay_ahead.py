"""What is claimed ahead of its turn, and what becomes of it when its leader does not go on."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from shadow.dualwrite.admission import Settlement
from shadow.dualwrite.entry import State
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.testing import InMemoryJournal
from tests.shadow.dualwrite.backends import Stand
from tests.shadow.dualwrite.conftest import held_back, state


async def test_writes_that_came_one_after_the_other_are_taken_on_together_and_sent_in_their_order(stand: Stand) -> None:
    for cell in ("a", "b/1", "a", "b/2", "a"):
        await stand.write((cell,))
    await stand.turns(1)
    await asyncio.sleep(0.01)
    assert stand.backends.sent == [("new", f"id-{number}") for number in range(1, 6)]
    await stand.turns(1)
    assert [await state(stand, number) for number in range(1, 6)] == [State.APPLIED] * 5
    assert stand.equal()


@pytest.mark.parametrize("fault", ["busy", "lost", "refused once", "hangs"])
async def test_what_was_taken_on_ahead_of_its_turn_is_not_sent_unless_all_before_it_went_well(
    stand: Stand, fault: str
) -> None:
    for cell in ("a", "b/1", "b/2"):
        await stand.write((cell,))
    await stand.turns(1, ("none", fault), keeps_faults=True)
    await asyncio.sleep(0.1)
    assert [id for _, id in stand.backends.sent] == ["id-1", "id-2"]
    await stand.turns(1)
    third = (await stand.journal.entries([3]))[0]
    assert (third.state, third.attempts) == (State.DONE, 0)
    if fault == "hangs":
        await stand.another_leads()
    await stand.calm()
    assert stand.equal()


async def test_a_leader_that_was_frozen_sends_nothing_whose_turn_had_not_come(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = held_back(stand, monkeypatch, "id-1")
    for _ in range(2):
        await stand.write(("a",))
    stand.replayer._pace = replace(stand.replayer._pace, lease=0.1, in_turn_within=9.0)
    await stand.turns(1)
    time.sleep(0.2)  # noqa: ASYNC251 - the whole process; meanwhile somebody else may lead
    answered.set()
    await asyncio.sleep(0.01)
    assert stand.backends.sent == [("new", "id-1")]
    await stand.calm()
    assert stand.equal()


async def test_what_was_taken_over_without_our_hearing_of_it_is_not_waited_for_by_nobody(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        await stand.write(("a",))
    await stand.turns(1, ("hangs",))
    await stand.another_leads()
    honest = InMemoryJournal.adopt

    async def adopt(*given: Any) -> bool:
        monkeypatch.undo()
        assert await honest(*given)
        raise JournalUnavailable("no answer within 5 s")

    monkeypatch.setattr(InMemoryJournal, "adopt", adopt)
    with pytest.raises(JournalUnavailable):
        await stand.turns(1)
    for _ in range(4):
        await stand.turns(1)
        await asyncio.sleep(0.01)
        assert stand.backends.sides["new"].cells["a"] in ([], [1], [1, 2])
    await stand.calm()
    assert (stand.equal(), stand.replayer.term) == (True, 3)


async def test_a_copy_of_an_earlier_term_does_not_speak_for_the_one_that_took_its_place(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = held_back(stand, monkeypatch, "id-1", "id-1", "id-2")
    for cell in ("a", "b/1"):
        await stand.write((cell,))
    await stand.turns(1)
    stand.replayer._afresh = True  # as after a turn that nobody heard the end of
    await stand.turns(1)
    told: list[Settlement] = []
    honest = InMemoryJournal._settle

    def settle(journal: InMemoryJournal, term: int, settlement: Settlement) -> bool:
        told.append(settlement)
        return honest(journal, term, settlement)

    monkeypatch.setattr(InMemoryJournal, "_settle", settle)
    await asyncio.sleep(0.1)  # the earlier copy of 2 gives up
    await stand.turns(1)
    assert (told, stand.replayer.term) == ([], 2)
    answered.set()
    await stand.calm()
    assert stand.equal()


async def test_what_an_earlier_leader_may_have_sent_is_not_given_back_as_if_it_had_not(stand: Stand) -> None:
    for cell in ("a", "b/1"):
        await stand.write((cell,))
    await stand.turns(1, ("hangs",))
    await stand.another_leads()
    await stand.turns(1, ("busy",), keeps_faults=True)
    await asyncio.sleep(0.01)
    await stand.turns(1)
    assert [orphan.number for orphan in await stand.journal.orphans(2)] == [2], "it may still land"
    await stand.calm()
    assert [await state(stand, number) for number in (1, 2)] == [State.APPLIED, State.APPLIED]
    assert stand.equal()


async def test_an_orphan_that_cannot_be_taken_over_is_sent_in_its_turn_when_it_cannot_land_any_more(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = InMemoryJournal.adopt

    async def adopt(journal: InMemoryJournal, term: int, number: int, *given: Any) -> bool:
        return number == 1 and await honest(journal, term, number, *given)

    monkeypatch.setattr(InMemoryJournal, "adopt", adopt)
    for cell in ("a", "b/1"):
        await stand.write((cell,))
    await stand.turns(1, ("hangs",))
    await stand.another_leads()
    await stand.turns(3)
    assert await state(stand, 2) is State.DONE
    stand.clock.turn(60)
    await stand.turns(3)
    assert (await state(stand, 2), stand.equal()) == (State.APPLIED, True)


async def test_a_look_that_fails_costs_no_copy_its_answer(turned_stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    stand, honest = turned_stand, InMemoryJournal.expire
    answered = held_back(stand, monkeypatch, "id-1")
    await stand.write(("a",))
    await stand.turns(1)

    async def fails(*_: object) -> None:
        monkeypatch.setattr(InMemoryJournal, "expire", honest)
        raise JournalUnavailable("no answer within 5 s")

    monkeypatch.setattr(InMemoryJournal, "expire", fails)
    with pytest.raises(JournalUnavailable):
        await stand.turns(1)
    answered.set()
    await stand.turns(2)
    assert (await state(stand, 1), stand.replayer.term) == (State.APPLIED, 1)
