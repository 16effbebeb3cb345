"""What every journal promises to the replayer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shadow.dualwrite.admission import COPIED, Admitted, Refused, Settlement, Why
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
    assert await stage.journal.only_rows([1], NOW) == [1]


async def test_what_is_being_sent_is_not_given_over_to_rows(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    assert await stage.claim() == [1]
    await stage.write("i-2", "a")
    await stage.journal.append([an_intent("i-3", "b"), an_intent("i-4", "c")], NOW)
    await stage.journal.outcomes([Outcome("i-3", State.UNKNOWN)])
    assert sorted(await stage.journal.only_rows([1, 2, 3, 4], NOW)) == [2, 3]
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


async def test_with_ids_a_copy_is_under_way_until_somebody_has_said_what_became_of_it(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    assert await stage.claim() == [1]
    await stage.journal.hold("h", ["a"], 60)
    late = NOW + 31
    assert await stage.journal.under_way("h", late) == []
    assert await stage.journal.under_way("h", late, ["old"]) == []
    assert await stage.journal.under_way("h", late, ["new"]) == [1]
    assert await stage.journal.only_rows([1], late, ["new"]) == []
    assert await stage.journal.only_rows([1], late, ["old"]) == [1]
    await stage.journal.settle(1, [Settlement(1, "lost", "a fault of cutover", ended=False)])
    assert await stage.journal.under_way("h", late, ["new"]) == []
    assert await stage.journal.only_rows([1], late, ["new"]) == [1]


async def test_it_is_kept_why_an_entry_still_waits(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.write("i-2", "b")
    await stage.claim(most=1)
    await stage.journal.settle(1, [Settlement(1, State.APPLIED)])
    for number in (1, 2):
        await stage.journal.explain(number, "nobody answers")
    assert [entry.reason for entry in await stage.journal.entries([1, 2])] == ["", "nobody answers"]
