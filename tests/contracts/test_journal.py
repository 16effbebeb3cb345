"""What every journal promises; the same tests run over the fake and over PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

import proxy
from shadow.answer import Answer
from shadow.dualwrite.admission import COPIED, Admitted, Flip, Noted, Refused, Repeated, Room, Settlement, Why
from shadow.dualwrite.entry import Entry, Outcome, State
from shadow.dualwrite.sealing import Keyring
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import CREATED, InMemoryJournal, an_intent, done

NOW = 1_770_000_000.0
ROOM = Room(most=9, targets=["new"], one_by_one=[], now=NOW, deadline=NOW + 30)
KEYS = Keyring({"k1": b"1" * 32}, "k1")
CONTROL = Path(proxy.__file__).with_name("schema.sql")


@dataclass
class Stage:
    """A journal, and the hands of whoever owns the control row."""

    journal: Any
    flip: Callable[[], Awaitable[None]]

    async def write(self, id: str, *lanes: str, **changes: object) -> int:
        """A write from its intent to its outcome; its number."""
        (admitted,) = await self.journal.append([an_intent(id, *lanes, **changes)], NOW)
        assert isinstance(admitted, Admitted), admitted
        assert await self.journal.outcomes([done(id)]) == [Noted.NOTED]
        return admitted.number

    async def claim(self, term: int = 1, **changes: Any) -> list[int]:
        _, found = await self.journal.turn(term, [], replace(ROOM, **changes))
        return [entry.number for entry in found]

    async def state(self, number: int) -> State:
        (entry,) = await self.journal.entries([number])
        found: State = entry.state
        return found


def control_row(url: str) -> None:
    """What `proxy.store` makes at start-up."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CONTROL.read_bytes())
        connection.execute(
            "INSERT INTO cutover.control (epoch, active, standby, phase) VALUES (1, 'old', 'new', 'ramping')"
        )


def change(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(params=["fake", "postgres"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "fake":
        yield a_fake_stage()
        return
    url = request.getfixturevalue("fresh_database")()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal:

        async def flip() -> None:
            change(url, "UPDATE cutover.control SET epoch = epoch + 1, active = standby, standby = active")

        yield Stage(journal, flip)


def a_fake_stage() -> Stage:
    journal = InMemoryJournal()

    async def flip() -> None:
        journal.roles.flip()

    return Stage(journal, flip)


# ---- admission


async def test_numbers_are_given_in_order_and_a_batch_is_answered_one_by_one(stage: Stage) -> None:
    stale, busy = an_intent("i-2", "b", epoch=7), an_intent("i-3", "a")
    answers = await stage.journal.append([an_intent("i-1", "a"), stale, busy, an_intent("i-4", "c")], NOW)
    assert answers == [Admitted(1, 0), Refused(Why.STALE_EPOCH, 1), Refused(Why.QUEUED, 1), Admitted(2, 0)]


async def test_an_intent_told_twice_is_one_entry(stage: Stage) -> None:
    assert await stage.journal.append([an_intent()], NOW) == await stage.journal.append([an_intent()], NOW)
    assert (await stage.journal.position())[0] == 1


async def test_lanes_wait_for_ancestors_and_descendants(stage: Stage) -> None:
    await stage.journal.append([an_intent("i-1", "cadets/57")], NOW)
    (above, below, beside) = await stage.journal.append(
        [an_intent("i-2", "cadets"), an_intent("i-3", "cadets/57/grades"), an_intent("i-4", "cadets/5")], NOW
    )
    assert (above, below) == (Refused(Why.QUEUED, 1), Refused(Why.QUEUED, 1))
    assert isinstance(beside, Admitted)
    (everything,) = await stage.journal.append([an_intent("i-5", "")], NOW)
    assert everything == Refused(Why.QUEUED, 1)


async def test_first_come_is_first_served(stage: Stage) -> None:
    waiting = {"wait_until": NOW + 5}
    await stage.journal.append([an_intent("i-1", "a")], NOW)
    await stage.journal.append([an_intent("first", "a", **waiting), an_intent("second", "a", **waiting)], NOW)
    await stage.journal.outcomes([done("i-1")])
    late, second, first = await stage.journal.append(
        [an_intent("late", "a"), an_intent("second", "a", **waiting), an_intent("first", "a", **waiting)], NOW + 1
    )
    assert (late, second) == (Refused(Why.QUEUED, 1), Refused(Why.QUEUED, 1))
    assert isinstance(first, Admitted)


async def test_a_place_in_the_queue_lapses(stage: Stage) -> None:
    await stage.journal.append([an_intent("i-1", "a"), an_intent("gone", "a", wait_until=NOW + 5)], NOW)
    await stage.journal.append([an_intent("given up", "a", wait_until=NOW + 99)], NOW)
    await stage.journal.outcomes([done("i-1")])
    await stage.journal.forget_waiting(["given up"], NOW)
    assert isinstance((await stage.journal.append([an_intent("i-2", "a")], NOW + 6))[0], Admitted)


async def test_a_fence_holds_new_writes_and_lets_outcomes_through(stage: Stage) -> None:
    await stage.journal.append([an_intent("i-1", "a")], NOW)
    fence = await stage.journal.fence(9)
    assert await stage.journal.append([an_intent("i-2", "b")], NOW) == [Refused(Why.FENCED, 1)]
    assert await stage.journal.outcomes([done("i-1")]) == [Noted.NOTED]
    assert await stage.journal.lift(fence)
    assert isinstance((await stage.journal.append([an_intent("i-2", "b")], NOW))[0], Admitted)


async def test_roles_are_those_of_the_control_row(stage: Stage) -> None:
    first = await stage.write("i-1", "a")
    await stage.flip()
    assert await stage.journal.append([an_intent("i-2", "b")], NOW) == [Refused(Why.STALE_EPOCH, 2)]
    second = await stage.write("i-3", "b", epoch=2)
    one, other = await stage.journal.entries([first, second])
    assert (one.origin, one.target, other.origin, other.target) == ("old", "new", "new", "old")


# ---- the client's own key


async def test_the_idempotency_contract(stage: Stage) -> None:
    key = {"client": "alice", "key": "k", "fingerprint": "f"}
    await stage.journal.append([an_intent("i-1", "a", **key)], NOW)
    again = [an_intent("i-2", "b", **key), an_intent("i-3", "b", **key | {"fingerprint": "other"})]
    assert await stage.journal.append(again, NOW) == [Refused(Why.KEY_RUNNING, 1), Refused(Why.KEY_REUSED, 1)]
    await stage.journal.outcomes([done("i-1")])
    repeated, reused = await stage.journal.append(again, NOW)
    assert isinstance(repeated, Repeated)
    assert (repeated.number, repeated.answer, reused) == (1, CREATED, Refused(Why.KEY_REUSED, 1))
    (bob,) = await stage.journal.append([an_intent("i-4", "b", **key | {"client": "bob"})], NOW)
    assert isinstance(bob, Admitted)


async def test_a_key_of_nobody_is_nobodys_answer(stage: Stage) -> None:
    await stage.write("i-1", "a", key="k", fingerprint="f")
    assert isinstance((await stage.journal.append([an_intent("i-2", "a", key="k", fingerprint="f")], NOW))[0], Admitted)


# ---- outcomes


async def test_outcomes_complete_in_their_own_order(stage: Stage) -> None:
    await stage.journal.append([an_intent("i-1", "a"), an_intent("i-2", "b")], NOW)
    await stage.journal.outcomes([done("i-2"), done("i-1")])
    first, second = await stage.journal.entries([1, 2])
    assert (first.completion, second.completion, first.horizon) == (2, 1, 2)
    assert await stage.journal.append([an_intent("i-3", "a")], NOW) == [Admitted(3, 2)]


async def test_many_outcomes_told_at_once_are_each_noted_as_if_alone(stage: Stage) -> None:
    ids = [f"i-{number}" for number in range(6)]
    await stage.journal.append([an_intent(id, id, client="anna", key=id) for id in ids], NOW)
    told = [
        done("i-0"), Outcome("i-1", State.FAILED, reason="it was never forwarded"), Outcome("nobody", State.DONE),
        Outcome("i-2", State.UNKNOWN, reason="cut off"), Outcome("i-3", State.FAILED, CREATED), done("i-0"),
        done("i-4"), Outcome("i-4", State.FAILED), done("i-2"),
    ]  # fmt: skip
    noted = await stage.journal.outcomes(told)
    assert noted == [Noted.MISSING if outcome.id == "nobody" else Noted.NOTED for outcome in told]
    entries = await stage.journal.entries(range(1, 7))
    assert [entry.state.value for entry in entries] == ["done", "failed", "done", "failed", "done", "intent"]
    assert sorted(entry.completion for entry in entries if entry.completion) == [1, 2, 3, 4, 5]
    assert [entry.answer for entry in entries] == [CREATED, None, CREATED, CREATED, CREATED, None]
    again = [an_intent(f"again-{number}", f"x-{number}", client="anna", key=f"i-{number}") for number in (0, 1, 3, 5)]
    answers = await stage.journal.append(again, NOW)
    assert [type(one) for one in answers] == [Repeated, Admitted, Repeated, Refused]


async def test_an_outcome_told_twice_changes_nothing(stage: Stage) -> None:
    await stage.write("i-1", "a")
    assert await stage.journal.outcomes([done("i-1"), Outcome("i-9", State.DONE)]) == [Noted.NOTED, Noted.MISSING]
    assert await stage.journal.position() == (1, 1)


async def test_requests_and_answers_come_back_as_they_were(stage: Stage) -> None:
    odd = Answer(200, ((b"x-odd", b"\xff\xfe"),), b"\0\xff" * 9)
    intent = an_intent("i-1", "a", actor='{"id": 3}')
    await stage.journal.append([intent], NOW)
    await stage.journal.outcomes([done("i-1", odd)])
    (entry,) = await stage.journal.entries([1])
    assert (entry.request, entry.answer, entry.actor) == (intent.request, odd, '{"id": 3}')
    (seen,) = await stage.journal.open_entries()
    assert (seen.request, seen.answer, seen.actor, seen.lanes) == (None, None, None, ("a",))


async def test_an_unknown_outcome_lets_clients_go_on_and_stops_replay(stage: Stage) -> None:
    await stage.journal.append([an_intent("i-1", "a")], NOW)
    await stage.journal.outcomes([Outcome("i-1", State.UNKNOWN)])
    await stage.write("i-2", "a")
    beside = await stage.write("i-3", "b")
    await stage.journal.lead("me", 0, 9)
    assert await stage.claim() == [beside]


async def test_a_late_answer_settles_an_unknown_that_nothing_overtook(stage: Stage) -> None:
    await stage.journal.append([an_intent("i-1", "a"), an_intent("i-2", "b")], NOW)
    await stage.journal.outcomes([Outcome("i-1", State.UNKNOWN), Outcome("i-2", State.UNKNOWN)])
    later = await stage.write("i-3", "b")
    assert await stage.journal.outcomes([done("i-1"), done("i-2")]) == [Noted.NOTED, Noted.OVERTAKEN]
    one, other = await stage.journal.entries([1, 2])
    assert (one.state, other.state, other.ended) == (State.DONE, State.UNKNOWN, True)
    await stage.journal.lead("me", 0, 9)
    assert later not in await stage.claim()


async def test_an_intent_of_a_silent_edge_becomes_unknown(stage: Stage) -> None:
    await stage.journal.append([an_intent("i-1", "a", forward_by=NOW), an_intent("i-2", "b", forward_by=NOW + 9)], NOW)
    await stage.journal.expire(NOW + 5)
    assert (await stage.state(1), await stage.state(2)) == (State.UNKNOWN, State.INTENT)
    assert isinstance((await stage.journal.append([an_intent("i-3", "a")], NOW))[0], Admitted)


async def test_what_is_abandoned_gets_no_success(stage: Stage) -> None:
    await stage.journal.append([an_intent("i-1", "a")], NOW)
    assert await stage.journal.abandon("its side is lost") == [1]
    assert await stage.journal.outcomes([done("i-1")]) == [Noted.ABANDONED]


async def test_one_commit_takes_outcomes_first_and_then_who_waited_for_them(stage: Stage) -> None:
    await stage.journal.append([an_intent("i-1", "a")], NOW)
    noted, (second, third) = await stage.journal.commit(
        [done("i-1"), done("nobody's")], [an_intent("i-2", "a/1"), an_intent("i-3", "a")], NOW
    )
    assert noted == [Noted.NOTED, Noted.MISSING]
    assert (second, third) == (Admitted(2, 1), Refused(Why.QUEUED, 1))
    assert await stage.journal.commit([], [], NOW) == ([], [])


# ---- reading one's own writes


async def test_the_tail_names_the_newest_unsettled_write_of_each_client(stage: Stage) -> None:
    await stage.write("i-1", "a", client="alice")
    await stage.write("i-2", "b", client="alice")
    await stage.write("i-3", "c")
    assert dict(await stage.journal.tail()) == {"alice": 2}
    await stage.journal.lead("me", 0, 9)
    while numbers := await stage.claim():
        await stage.journal.settle(1, [Settlement(number, State.APPLIED) for number in numbers])
    assert dict(await stage.journal.tail()) == {}


# ---- replay


async def test_replay_is_as_parallel_as_the_traffic_was(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.journal.append([an_intent("i-1", "a"), an_intent("i-2", "b")], NOW)
    await stage.journal.outcomes([done("i-2"), done("i-1")])
    await stage.write("i-3", "c")  # began when both had completed
    assert await stage.claim() == [2, 1]
    assert await stage.claim() == []
    assert await stage.journal.settle(1, [Settlement(1, State.APPLIED), Settlement(2, State.DIVERGED)]) == [True, True]
    assert await stage.claim() == [3]


async def test_replay_keeps_the_order_within_lanes(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.journal.append([an_intent("i-1", "a/1"), an_intent("i-2", "b")], NOW)
    await stage.journal.outcomes([done("i-1")])
    await stage.write("i-3", "a")
    assert await stage.claim() == [1]
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


async def test_a_copy_is_tried_again_not_before_its_time(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.write("i-1", "a")
    await stage.claim()
    await stage.journal.settle(1, [Settlement(1, "retry", "busy", NOW + 5)])
    assert await stage.claim(now=NOW + 4) == []
    assert await stage.claim(now=NOW + 5) == [1]
    (entry,) = await stage.journal.entries([1])
    assert (entry.attempts, entry.reason) == (1, "busy")


async def test_waiting_for_a_standby_that_takes_nothing_counts_as_no_try(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 9)
    await stage.write("i-1", "a")
    await stage.claim()
    await stage.journal.settle(1, [Settlement(1, "wait", "no connection", NOW + 5)])
    assert await stage.claim(now=NOW + 4) == []
    assert await stage.claim(now=NOW + 5) == [1]
    (entry,) = await stage.journal.entries([1])
    assert (entry.state, entry.attempts, entry.reason) == (State.DONE, 0, "no connection")


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
    assert not await stage.journal.adopt(1, 1, NOW + 60)
    assert await stage.journal.adopt(2, 1, NOW + 60)
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
    assert await stage.journal.heal("h", 2) == [1, 2]
    assert [e.state for e in await stage.journal.entries([1, 2])] == [State.HEALED, State.HEALED]
    assert await stage.journal.differed() == {1: "another id"}


async def test_a_person_retries_or_skips_what_is_parked(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.write("i-2", "a")
    await stage.claim()
    await stage.journal.settle(1, [Settlement(1, State.PARKED)])
    assert not await stage.journal.retry(2)
    assert await stage.journal.retry(1)
    assert await stage.claim() == [1]
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
    await stage.journal.lead("me", 0, 60)
    first, second = await stage.write("i-1", "a"), await stage.write("i-2", "a")
    _, (claimed,) = await stage.journal.turn(1, [], ROOM)
    assert (claimed.number, claimed.request, claimed.answer) == (first, an_intent().request, CREATED)
    settled = [Settlement(first, State.APPLIED), Settlement(second, State.APPLIED)]
    heard, (claimed,) = await stage.journal.turn(1, settled, ROOM)
    assert (heard, claimed.number) == ([True, False], second)
    assert await stage.journal.turn(0, [Settlement(second, State.APPLIED)], ROOM) == ([False], [])
    assert await stage.state(second) is State.DONE


# ---- roles


async def test_one_fence_at_a_time_and_only_its_own_mark_lifts_it(stage: Stage) -> None:
    fence = await stage.journal.fence(9)
    assert fence is not None
    assert await stage.journal.fence(9) is None
    assert await stage.journal.lift(fence)
    assert not await stage.journal.lift(fence)
    another = await stage.journal.fence(9)
    assert not await stage.journal.lift(fence)
    assert await stage.journal.flip(1, fence) is Flip.UNFENCED
    assert await stage.journal.flip(1, another) is Flip.FLIPPED


async def test_the_roles_are_swapped_once_the_standby_has_everything(stage: Stage) -> None:
    fence = await stage.journal.fence(9)
    assert await stage.journal.flip(2, fence) is Flip.STALE_EPOCH
    assert await stage.journal.flip(1, fence) is Flip.FLIPPED
    assert await stage.journal.flip(1, fence) is Flip.STALE_EPOCH
    assert await stage.journal.flip(2, fence) is Flip.UNFENCED, "the flip lifts its fence"
    stale, admitted = await stage.journal.append([an_intent("i-1", "a"), an_intent("i-2", "b", epoch=2)], NOW)
    assert (stale, type(admitted)) == (Refused(Why.STALE_EPOCH, 2), Admitted)
    (entry,) = await stage.journal.entries([admitted.number])
    assert (entry.origin, entry.target) == ("new", "old")


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (State.INTENT, Flip.UNDECIDED), (State.UNKNOWN, Flip.UNDECIDED), (State.DONE, Flip.BEHIND),
        (State.PARKED, Flip.UNRESOLVED), (State.DIVERGED, Flip.UNRESOLVED), (State.ABANDONED, Flip.UNRESOLVED),
        (State.FAILED, Flip.FLIPPED), (State.APPLIED, Flip.FLIPPED), (State.SKIPPED, Flip.FLIPPED),
    ],
)  # fmt: skip
async def test_nothing_is_swapped_while_anything_is_open(stage: Stage, state: State, why: Flip) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.journal.append([an_intent("i-1", "a")], NOW)
    if state is State.ABANDONED:
        await stage.journal.abandon("lost")
    elif state in (State.FAILED, State.UNKNOWN):
        await stage.journal.outcomes([Outcome("i-1", state)])
    elif state is not State.INTENT:
        await stage.journal.outcomes([done("i-1")])
    if state in (State.PARKED, State.DIVERGED, State.APPLIED, State.SKIPPED):
        await stage.claim()
        await stage.journal.settle(1, [Settlement(1, State.PARKED if state is State.SKIPPED else state)])
    if state is State.SKIPPED:
        await stage.journal.skip(1, "not needed")
    assert await stage.state(1) is state
    fence = await stage.journal.fence(9)
    assert await stage.journal.flip(1, fence) is why
    if why is not Flip.FLIPPED:
        assert await stage.journal.lift(fence), "called off: the fence is as it was"


# ---- heal


async def test_what_is_open_is_found_by_its_lanes_its_age_and_its_state(stage: Stage) -> None:
    await stage.write("i-1", "a/1")
    await stage.journal.append([an_intent("i-2", "b"), an_intent("i-3", "a/2"), an_intent("i-4", "c")], NOW)
    await stage.journal.outcomes([Outcome("i-4", State.UNKNOWN), Outcome("i-2", State.FAILED)])

    def numbers(entries: list[Entry]) -> list[int]:
        return [entry.number for entry in entries]

    assert numbers(await stage.journal.open_entries()) == [1, 3, 4]
    assert numbers(await stage.journal.open_entries(up_to=3)) == [1, 3]
    assert numbers(await stage.journal.open_entries(most=1)) == [1]
    assert numbers(await stage.journal.open_in(["a"])) == [1, 3]
    assert numbers(await stage.journal.open_in(["a/1/x", "b", "c"])) == [1, 4]
    assert numbers(await stage.journal.unknown_entries()) == [4]


async def test_heal_holds_its_lanes_and_settles_what_its_rows_stand_for(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.journal.append([an_intent("i-1", "a")], NOW)
    await stage.journal.outcomes([Outcome("i-1", State.UNKNOWN, ended=True)])
    await stage.write("i-2", "a")
    beside = await stage.write("i-3", "b")
    await stage.journal.hold("h", ["a"], 60)
    assert await stage.journal.append([an_intent("i-4", "a/1")], NOW) == [Refused(Why.QUEUED, 1)]
    assert await stage.journal.under_way("h", NOW) == []
    _, completion = await stage.journal.position()
    assert await stage.journal.heal("h", completion) == [1, 2]
    await stage.journal.release("h")
    assert await stage.claim() == [beside]
    assert isinstance((await stage.journal.append([an_intent("i-4", "a/1")], NOW))[0], Admitted)


async def test_a_hold_that_was_let_go_is_not_renewed(stage: Stage) -> None:
    await stage.journal.hold("h", ["a", "b/1"], 60)
    assert await stage.journal.renew("h", ["a", "b/1"], 60)
    assert not await stage.journal.renew("h", ["a", "c"], 60)
    await stage.journal.release("h")
    assert not await stage.journal.renew("h", ["a"], 60)


async def test_a_hold_that_ended_by_itself_is_not_renewed(fresh_database: Callable[[], str]) -> None:
    """Its holder was frozen meanwhile: others have been admitted in its lanes."""
    url = fresh_database()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal:
        await journal.hold("h", ["a"], 60)
        change(url, "UPDATE cutover.journal_hold SET until = now() - interval '1s'")
        assert isinstance((await journal.append([an_intent("i-1", "a")], NOW))[0], Admitted)
        assert not await journal.renew("h", ["a"], 60)


async def test_heal_sees_what_is_still_under_way(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a/1")
    await stage.claim()
    await stage.journal.append([an_intent("i-2", "a/2"), an_intent("i-3", "b")], NOW)
    await stage.journal.hold("h", ["a"], 60)
    assert await stage.journal.under_way("h", NOW) == [1, 2]
    await stage.journal.outcomes([done("i-2")])
    await stage.journal.settle(1, [Settlement(1, "lost")])
    assert await stage.journal.under_way("h", NOW) == [1]
    assert await stage.journal.under_way("h", NOW + 31) == []
    assert await stage.journal.heal("h", 1) == [1]
    assert await stage.journal.heal("h", 9) == [2]
    assert await stage.journal.orphans(1) == []


async def test_heal_leaves_what_the_active_side_itself_lacks(stage: Stage) -> None:
    await stage.journal.lead("me", 0, 60)
    await stage.write("i-1", "a")
    await stage.claim()
    await stage.journal.settle(1, [Settlement(1, State.PARKED)])
    await stage.flip()
    await stage.journal.hold("h", ["a"], 60)
    assert await stage.journal.under_way("h", NOW) == [1]
    assert await stage.journal.heal("h", 9) == []


async def test_counts_say_what_waits_and_since_when(stage: Stage) -> None:
    await stage.write("i-1", "a", at=NOW - 5)
    await stage.journal.append([an_intent("i-2", "b")], NOW)
    assert await stage.journal.counts() == {State.DONE: (1, NOW - 5), State.INTENT: (1, NOW)}


# ---- many at once


async def test_writers_of_several_machines_never_admit_two_in_one_lane(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    control_row(url)
    journals = [await ReplayJournal.open(url, KEYS) for _ in range(4)]
    try:

        async def race(round: int) -> int:
            batches = [
                [an_intent(f"{round}-{m}-{n}", ("a", "a/1", "b")[n % 3]) for n in range(3)]
                for m in range(len(journals))
            ]
            answers = await asyncio.gather(*(j.append(b, NOW) for j, b in zip(journals, batches, strict=True)))
            admitted = [
                intent.id
                for batch, got in zip(batches, answers, strict=True)
                for intent, answer in zip(batch, got, strict=True)
                if isinstance(answer, Admitted)
            ]
            await journals[0].outcomes([done(id) for id in admitted])
            return len(admitted)

        assert [await race(round) for round in range(25)] == [2] * 25
        assert await journals[0].position() == (50, 50)
    finally:
        for journal in journals:
            await journal.close()
