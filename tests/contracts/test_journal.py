"""What every journal promises to whoever writes; the same tests run over the fake and over PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shadow.answer import Answer
from shadow.dualwrite.admission import Admitted, Noted, Refused, Repeated, Settlement, Why
from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.settling import ReplayJournal
from shadow.dualwrite.testing import CREATED, an_intent, done
from tests.contracts.journals import KEYS, NOW, Stage, control_row

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


async def test_what_a_writer_left_under_way_when_it_went_becomes_unknown(stage: Stage) -> None:
    await stage.journal.append([an_intent("ours", "a", at=NOW)], NOW)
    async with stage.another() as other:
        await other.append([an_intent("theirs", "b", at=NOW), an_intent("ended", "c", at=NOW)], NOW)
        await other.outcomes([done("ended")])
        assert await stage.journal.absent(NOW + 1) == set()
    async with asyncio.timeout(5):  # PostgreSQL notices in its own time that a connection is closed
        while not await stage.journal.absent(NOW + 1):
            await asyncio.sleep(0.005)
    assert await stage.journal.absent(NOW) == set(), "what has just begun is not asked for"
    await stage.journal.bereave([2], NOW)
    assert await stage.state(2) is State.INTENT, "it had just begun"
    async with stage.another() as back:
        await back.stay()
        await stage.journal.bereave([2], NOW + 1)
        assert await stage.state(2) is State.INTENT, "it is back"
    async with asyncio.timeout(5):
        while not await stage.journal.absent(NOW + 1):
            await asyncio.sleep(0.005)
    await stage.journal.bereave([2], NOW + 1)
    states = [await stage.state(number) for number in (1, 2, 3)]
    assert states == [State.INTENT, State.UNKNOWN, State.DONE]
    assert await stage.journal.absent(NOW + 1) == set()
    assert isinstance((await stage.journal.append([an_intent("i-3", "b")], NOW))[0], Admitted), "its lane is free"
    assert (await stage.journal.outcomes([done("theirs")]))[0] is Noted.OVERTAKEN, "it may be told all the same"


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
