"""What every journal promises to the replayer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shadow.dualwrite.admission import COPIED, Admitted, Orphan, Refused, Settlement, Why
from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.testing import CREATED, an_intent, done
from tests.contracts.journals import NOW, ROOM, Stage


async def test_replay_is_as_parallel_as_the_traffic_was(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.journal.append([an_intent("i-1", "a"), an_intent("i-2", "b")], NOW)
    await stage.journal.outcomes([done("i-2"), done("i-1")])
    await stage.write("i-3", "c")  # began when both had completed
    assert await stage.claim(one_by_one=["new"]) == [2, 1]
    assert await stage.claim(one_by_one=["new"]) == []
    assert await stage.journal.settle(1, [Settlement(1, State.APPLIED), Settlement(2, State.DIVERGED)]) == [True, True]
    assert await stage.claim(one_by_one=["new"]) == [3]


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


async def test_what_is_not_to_be_sent_yet_keeps_nobody_from_its_turn(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.journal.append([an_intent("i-0", "z")], NOW)
    many = [an_intent(f"i-{number}", f"a/{number}") for number in range(1, 9)]
    await stage.journal.append(many, NOW)
    await stage.journal.outcomes([done(intent.id) for intent in many])
    claimed = await stage.claim()
    await stage.journal.settle(1, [Settlement(number, "retry", "refused", NOW + 60) for number in claimed])
    await stage.journal.outcomes([done("i-0")])
    assert await stage.claim(most=1) == [1], "it began before all of them, however many there are"


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


async def test_replay_keeps_the_order_within_lanes(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.journal.append([an_intent("i-1", "a/1"), an_intent("i-2", "b")], NOW)
    await stage.journal.outcomes([done("i-1")])
    await stage.write("i-3", "a")
    assert await stage.claim(one_by_one=["new"]) == [1]
    await stage.journal.settle(1, [Settlement(1, State.PARKED, "it said 400")])
    await stage.journal.outcomes([done("i-2")])
    await stage.write("i-4", "c")
    assert await stage.claim() == [2], "what waits behind a parked entry does not stop the clock"
    await stage.journal.settle(1, [Settlement(2, State.APPLIED)])
    assert await stage.claim() == [4], "parked stops its own lanes and nothing else"


async def test_what_came_before_an_unknown_outcome_still_holds_the_clock(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.write("i-1", "a")
    await stage.journal.append([an_intent("i-2", "a")], NOW)
    await stage.journal.outcomes([Outcome("i-2", State.UNKNOWN)])
    await stage.write("i-3", "b")
    assert await stage.claim() == [1]
    await stage.journal.settle(1, [Settlement(1, State.APPLIED)])
    assert await stage.claim() == [3]


async def test_creates_on_one_sequence_are_sent_one_by_one_where_it_is_set(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    intents = [an_intent("i-1", "a", sequence="s"), an_intent("i-2", "b", sequence="s"), an_intent("i-3", "c")]
    await stage.journal.append(intents, NOW)
    await stage.journal.outcomes([done("i-1"), done("i-2"), done("i-3")])
    assert await stage.claim(one_by_one=["new"]) == [1, 3]
    await stage.journal.settle(1, [Settlement(1, State.APPLIED)])
    assert await stage.claim(one_by_one=[]) == [2]


@pytest.mark.parametrize(("act", "tries"), [("retry", 1), ("wait", 0)])
async def test_a_copy_is_tried_again_not_before_its_time_and_waiting_is_no_try(
    stage: Stage, act: str, tries: int
) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.write("i-1", "a")
    await stage.claim()
    await stage.journal.settle(1, [Settlement(1, act, "busy", NOW + 5)])
    assert await stage.claim(now=NOW + 4) == []
    assert await stage.claim(now=NOW + 5) == [1]
    (entry,) = await stage.journal.entries([1])
    assert (entry.state, entry.attempts, entry.reason) == (State.DONE, tries, "busy")


async def test_one_leads_and_an_earlier_term_is_not_heard(stage: Stage) -> None:
    assert await stage.journal.lead("me", 0, 60) == 1
    assert await stage.journal.lead("me", 1, 60) == 1
    assert await stage.journal.lead("other", 0, 60) is None
    await stage.write("i-1", "a")
    assert await stage.claim() == [1]
    await stage.journal.step_down("me", 1)
    assert await stage.journal.lead("other", 0, 60) == 2
    assert await stage.journal.settle(1, [Settlement(1, State.APPLIED)]) == [False]
    assert await stage.claim(term=1) == []
    assert await stage.claim(term=2) == []
    (orphan,) = await stage.journal.orphans(2)
    assert (orphan.number, orphan.deadline, orphan.lost) == (1, NOW + 30, False)
    assert not await stage.journal.adopt(1, 1, NOW + 60, [])
    assert await stage.journal.adopt(2, 1, NOW + 60, [])
    assert await stage.journal.settle(2, [Settlement(1, State.APPLIED)]) == [True]


async def test_many_copies_settled_at_once_are_each_noted_as_if_alone(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.journal.append([an_intent(f"i-{number}", f"lane/{number}") for number in range(1, 8)], NOW)
    await stage.journal.outcomes([done(f"i-{number}") for number in range(1, 8)])
    applied, diverged, parked, retried, lost, copied, waiting = range(1, 8)
    assert len(await stage.claim(most=6)) == 6
    heard = await stage.journal.settle(1, [
        Settlement(applied, State.APPLIED, answer=CREATED, id="i-1"), Settlement(diverged, State.DIVERGED, "other ids"),
        Settlement(parked, State.PARKED, "refused"), Settlement(retried, "retry", "busy", NOW + 5),
        Settlement(lost, "lost", "no answer"), Settlement(copied, COPIED, "a word", NOW + 5),
        Settlement(waiting, State.APPLIED), Settlement(applied, State.DIVERGED, "twice"),
    ])  # fmt: skip
    assert heard == [True] * 6 + [False] * 2
    entries = {entry.number: entry for entry in await stage.journal.entries(range(1, 8))}
    found = [entries[number].state.value for number in (applied, diverged, parked, retried, lost, copied, waiting)]
    assert found == ["applied", "diverged", "parked", "done", "done", "done", "done"]
    assert [entries[number].attempts for number in (applied, retried, lost)] == [1, 1, 0]
    assert (entries[copied].copied, entries[copied].differed) == (True, "a word")
    assert [orphan.number for orphan in await stage.journal.orphans(1)] == [lost]
    (late,) = await stage.journal.append([an_intent("late", "lane/3")], NOW)
    assert isinstance(late, Admitted), "its lane is parked against the other side"
    assert await stage.claim() == [waiting]
    assert sorted(await stage.claim(now=NOW + 9)) == [retried, copied]


async def test_that_a_copy_may_not_have_been_answered_is_kept_until_it_was(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")

    async def settled(act: State | str, ended: bool | None) -> bool:
        assert await stage.claim() == [1]
        await stage.journal.settle(1, [Settlement(1, act, ended=ended)])
        ((entry,), again) = await stage.journal.open_in(["a"]), await stage.journal.entries([1])
        assert again[0].unanswered is entry.unanswered
        return entry.unanswered

    told = [("retry", None), ("retry", False), ("wait", None), ("retry", True), ("wait", False)]
    assert [await settled(*one) for one in told] == [False, True, True, False, True]
    await stage.journal.closed([1])
    assert [entry.unanswered for entry in await stage.journal.open_in(["a"])] == [False]


async def test_what_another_leader_may_have_sent_counts_as_unanswered(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.write("i-2", "b")
    assert await stage.claim(most=1) == [1]
    assert await stage.journal.lead("me", 1, 60) == 1
    assert [entry.unanswered for entry in await stage.journal.open_entries()] == [False, False]
    await stage.journal.step_down("me", 1)
    assert await stage.journal.lead("other", 0, 60) == 2
    assert [entry.unanswered for entry in await stage.journal.open_entries()] == [True, False]


async def test_a_copy_whose_fate_is_unknown_may_be_given_over_to_rows(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.claim()
    await stage.journal.settle(1, [Settlement(1, "lost", "a fault of cutover", ended=False)])
    assert [entry.unanswered for entry in await stage.journal.open_entries()] == [True]
    assert await stage.journal.only_rows([1]) == [1]


async def test_what_is_being_sent_is_not_given_over_to_rows(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    assert await stage.claim() == [1]
    await stage.write("i-2", "a")
    await stage.journal.append([an_intent("i-3", "b"), an_intent("i-4", "c")], NOW)
    await stage.journal.outcomes([Outcome("i-3", State.UNKNOWN)])
    assert sorted(await stage.journal.only_rows([1, 2, 3, 4])) == [2, 3]
    assert [entry.copied for entry in await stage.journal.entries([1, 2, 3, 4])] == [False, True, True, False]


async def test_a_lost_copy_is_never_sent_again_by_itself(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.claim()
    await stage.journal.settle(1, [Settlement(1, "lost", "no answer")])
    assert await stage.claim(now=NOW + 999) == []
    assert [orphan.lost for orphan in await stage.journal.orphans(1)] == [True]
    await stage.journal.park(1, "its source is lost, too")
    assert await stage.state(1) is State.PARKED
    assert not await stage.journal.retry(1)
    assert await stage.journal.skip(1, "it is there: looked at")
    assert await stage.journal.orphans(1) == []


async def test_that_a_copy_was_answered_is_kept_and_how_it_differed_outlives_the_heal(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.journal.append([an_intent("i-1", "a"), an_intent("i-2", "b")], NOW)
    await stage.journal.outcomes([done("i-1"), done("i-2")])
    await stage.claim()
    told = [Settlement(1, COPIED, "another id", NOW + 5, CREATED, "i-1"), Settlement(2, COPIED)]
    assert await stage.journal.settle(1, told) == [True, True]
    assert await stage.claim(now=NOW) == [2]
    assert await stage.journal.settle(1, [Settlement(2, "retry", "its rows are on their way")]) == [True]
    assert [(e.state, e.copied, e.differed) for e in await stage.journal.entries([1, 2])] == [
        (State.DONE, True, "another id"),
        (State.DONE, True, ""),
    ]
    await stage.journal.hold("h", ["a", "b"], 60)
    assert await stage.journal.heal("h", ["a", "b"], 2) == [1, 2]
    assert [e.state for e in await stage.journal.entries([1, 2])] == [State.HEALED, State.HEALED]
    assert await stage.journal.differed() == {1: "another id"}


async def test_a_person_retries_or_skips_what_is_parked(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.write("i-2", "a")
    assert await stage.claim(most=1) == [1]
    await stage.journal.settle(1, [Settlement(1, State.PARKED)])
    assert not await stage.journal.retry(2)
    assert await stage.journal.retry(1)
    assert await stage.claim(most=1) == [1]
    await stage.journal.settle(1, [Settlement(1, State.PARKED)])
    assert await stage.journal.skip(1, "a duplicate")
    assert await stage.claim() == [2]
    assert not await stage.journal.skip(1, "again")


async def test_lanes_parked_against_the_side_that_is_active_now_take_no_writes(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a/1")
    await stage.claim()
    await stage.journal.settle(1, [Settlement(1, State.PARKED)])
    await stage.write("i-2", "a/1")
    await stage.flip()
    below, beside = await stage.journal.append([an_intent("i-3", "a", epoch=2), an_intent("i-4", "b", epoch=2)], NOW)
    assert below == Refused(Why.PARKED, 2)
    assert isinstance(beside, Admitted)
    many = [an_intent(f"i-1{number}", lane, epoch=2) for number, lane in enumerate(("c", "a/1", "d", "e", "a/2", "f"))]
    answers = await stage.journal.append(many, NOW)
    assert [answer for answer in answers if not isinstance(answer, Admitted)] == [Refused(Why.PARKED, 2)]
    assert answers[1] == Refused(Why.PARKED, 2)


async def test_one_turn_settles_and_takes_what_that_lets_go(stage: Stage) -> None:
    one = replace(ROOM, most=1)
    await stage.journal.lead("me", 0, 60)
    first, second = await stage.write("i-1", "a"), await stage.write("i-2", "a")
    _, (claimed,) = await stage.journal.turn(1, [], one)
    assert (claimed.number, claimed.request, claimed.answer) == (first, an_intent().request, CREATED)
    settled = [Settlement(first, State.APPLIED), Settlement(second, State.APPLIED)]
    heard, (claimed,) = await stage.journal.turn(1, settled, one)
    assert (heard, claimed.number) == ([True, False], second)
    assert await stage.journal.turn(0, [Settlement(second, State.APPLIED)], one) == ([False], [])
    assert await stage.state(second) is State.DONE


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
