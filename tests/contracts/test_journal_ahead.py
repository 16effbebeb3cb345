"""What every journal promises of copies that are claimed ahead of their turn, or left by an earlier leader."""

from __future__ import annotations

import pytest

from shadow.dualwrite.admission import COPIED, Orphan, Settlement
from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.testing import an_intent, done
from tests.contracts.journals import NOW, Stage


async def test_what_only_waits_for_copies_is_claimed_ahead_of_its_turn(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    for id, lane in (("i-1", "a"), ("i-2", "a"), ("i-3", "b"), ("i-4", "a/1")):
        await stage.write(id, lane)
    assert await stage.claim(most=2) == [1, 2], "with them"
    assert await stage.claim(most=1) == [], "nobody waits for these"
    assert await stage.claim(most=1, under_way=[1, 2]) == [3], "behind what is under way"
    heard = await stage.journal.settle(1, [Settlement(1, State.APPLIED), Settlement(2, "back", "1 was late")])
    assert heard == [True, True]
    assert await stage.claim(under_way=[3]) == [2, 4]
    assert [(e.attempts, e.reason) for e in await stage.journal.entries([1, 2])] == [(1, ""), (0, "")]


async def test_whose_turn_it_is_goes_before_what_is_claimed_ahead(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.journal.append([an_intent("i-1", "a")], NOW)
    await stage.write("i-2", "b")
    await stage.write("i-3", "c")
    await stage.journal.outcomes([done("i-1")])  # began before all others completed
    assert await stage.claim(most=2) == [2, 1]


ROUTE = an_intent().route


@pytest.mark.parametrize(
    ("told", "room", "claimed"),
    [
        (Settlement(1, "retry", "busy"), {}, [1]),
        (Settlement(1, COPIED, ""), {}, [1]),
        (Settlement(1, "wait", "busy", NOW + 5), {}, []),
        (Settlement(1, "lost", "no answer"), {}, []),
        (None, {}, [2]),
        (None, {"apart": [ROUTE]}, []),
        (None, {"one_by_one": ["new"]}, []),
        (Settlement(1, "wait", "busy", NOW), {}, [1]),
        (Settlement(1, "wait", ""), {"apart": [ROUTE]}, [1]),
        (Settlement(1, "wait", ""), {"one_by_one": ["new"]}, [1]),
        (Settlement(1, "wait", ""), {"targets": ["old"]}, []),
    ],
)
async def test_nothing_is_claimed_ahead_of_what_may_not_go_well(
    stage: Stage, told: Settlement | None, room: dict[str, list[str]], claimed: list[int]
) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.write("i-1", "a")
    assert await stage.claim() == [1]
    if told is not None:
        assert await stage.journal.settle(1, [told]) == [True]
    await stage.write("i-2", "b")
    assert await stage.claim(under_way=[1], **room) == claimed


async def test_nothing_is_claimed_ahead_of_what_is_held_or_of_another_term(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.write("i-1", "a")
    await stage.write("i-2", "b")
    await stage.journal.hold("h", ["a"], 60)
    assert await stage.claim() == []
    await stage.journal.release("h")
    assert await stage.claim(most=1) == [1]
    await stage.journal.step_down("me", 1)
    await stage.journal.lead("other", 0, 9)
    assert await stage.claim(term=2, under_way=[1]) == []


@pytest.mark.parametrize("stuck", ["unknown", "parked"])
async def test_nothing_is_claimed_ahead_while_anything_is_stuck(stage: Stage, stuck: str) -> None:
    await stage.journal.lead("me", 0, 9)
    if stuck == "unknown":
        await stage.journal.append([an_intent("i-1", "a")], NOW)
        await stage.journal.outcomes([Outcome("i-1", State.UNKNOWN)])
    else:
        await stage.write("i-1", "a")
        await stage.claim()
        await stage.journal.settle(1, [Settlement(1, State.PARKED, "it said 400")])
    await stage.write("i-2", "b")
    await stage.write("i-3", "c")
    assert await stage.claim() == [2]
    assert await stage.claim() == []


async def test_what_was_claimed_ahead_is_taken_over_in_its_turn(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    for id, lane in (("i-1", "a"), ("i-2", "b"), ("i-3", "c")):
        await stage.write(id, lane)
    assert await stage.claim() == [1, 2, 3]
    assert await stage.journal.settle(1, [Settlement(1, "wait", "busy", NOW + 5)]) == [True]
    await stage.journal.step_down("me", 1)
    assert await stage.journal.lead("other", 0, 60) == 2
    assert [orphan.number for orphan in await stage.journal.orphans(2)] == [2, 3]
    assert not await stage.journal.adopt(2, 2, NOW + 60, []), "1 was not sent yet"
    assert await stage.claim(term=2) == []
    assert await stage.claim(term=2, now=NOW + 5) == [1]
    assert not await stage.journal.adopt(2, 2, NOW + 60, []), "nobody waits for 1"
    assert not await stage.journal.adopt(2, 3, NOW + 60, [1]), "nobody waits for 2"
    assert await stage.journal.adopt(2, 2, NOW + 60, [1])
    assert await stage.journal.adopt(2, 3, NOW + 60, [1, 2])
    assert await stage.journal.settle(2, [Settlement(n, State.APPLIED) for n in (1, 2, 3)]) == [True] * 3


async def test_nothing_is_taken_over_in_lanes_whose_rows_are_being_carried(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a/1")
    await stage.claim()
    await stage.journal.step_down("me", 1)
    await stage.journal.lead("other", 0, 60)
    await stage.journal.hold("h", ["a"], 60)
    assert not await stage.journal.adopt(2, 1, NOW + 60, [])
    await stage.journal.release("h")
    assert await stage.journal.adopt(2, 1, NOW + 60, [])


@pytest.mark.parametrize("before", [State.PARKED, "lost"])
async def test_what_was_claimed_ahead_is_not_taken_over_past_what_is_open_in_its_lanes(
    stage: Stage, before: State | str
) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.write("i-2", "a/1")
    assert await stage.claim() == [1, 2]
    await stage.journal.settle(1, [Settlement(1, before, "it said 400")])
    await stage.journal.step_down("me", 1)
    await stage.journal.lead("other", 0, 60)
    assert not await stage.journal.adopt(2, 2, NOW + 60, [1])
    await stage.journal.park(1, "nobody knows")
    assert not await stage.journal.adopt(2, 2, NOW + 60, [1])
    assert await stage.journal.skip(1, "looked at")
    assert await stage.journal.adopt(2, 2, NOW + 60, [])


async def an_orphan_behind_a_parked_one(stage: Stage) -> None:
    """1 and 2 are in a lane, 3 in another; all were claimed at once, and only of 1 anything is known."""
    await stage.journal.lead("me", 0, 60)
    for id, lane in (("i-1", "a"), ("i-2", "a"), ("i-3", "b")):
        await stage.write(id, lane)
    assert await stage.claim() == [1, 2, 3]
    await stage.journal.settle(1, [Settlement(1, State.PARKED, "it said 400")])
    await stage.journal.step_down("me", 1)
    await stage.journal.lead("other", 0, 60)


async def test_what_is_stuck_keeps_nobody_else_from_being_taken_over(stage: Stage) -> None:
    await an_orphan_behind_a_parked_one(stage)
    assert not await stage.journal.adopt(2, 2, NOW + 60, [])
    assert await stage.journal.adopt(2, 3, NOW + 60, [])


async def test_an_orphan_ahead_of_its_turn_waits_for_it_once_it_cannot_land_any_more(stage: Stage) -> None:
    await an_orphan_behind_a_parked_one(stage)
    await stage.journal.let_go(2, 2, NOW + 29)
    assert [orphan.number for orphan in await stage.journal.orphans(2)] == [2, 3]
    await stage.journal.let_go(1, 2, NOW + 30)
    assert [orphan.number for orphan in await stage.journal.orphans(2)] == [2, 3]
    await stage.journal.let_go(2, 2, NOW + 30)
    assert [orphan.number for orphan in await stage.journal.orphans(2)] == [3]
    assert await stage.journal.skip(1, "looked at")
    assert await stage.claim(term=2) == [2]


async def test_what_was_taken_over_and_not_sent_stays_an_orphan(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.write("i-2", "b")
    assert await stage.claim() == [1, 2]
    await stage.journal.step_down("me", 1)
    await stage.journal.lead("other", 0, 60)
    assert [await stage.journal.adopt(2, number, NOW + 60, [1]) for number in (1, 2)] == [True, True]
    assert await stage.journal.settle(2, [Settlement(1, "wait", "busy"), Settlement(2, "again", "1 was busy")]) == [
        True,
        True,
    ]
    assert await stage.journal.orphans(2) == [Orphan(2, NOW + 60, lost=False)]
    assert await stage.claim(term=2) == [1]
    assert [(e.attempts, e.reason) for e in await stage.journal.entries([2])] == [(0, "")]
    assert await stage.journal.adopt(2, 2, NOW + 70, [1])
