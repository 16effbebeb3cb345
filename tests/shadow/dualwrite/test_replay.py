"""The real replayer and resolver with a backend that knows ids and one that does not, and every fault between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from shadow.answer import Answer
from shadow.dualwrite.admission import Settlement
from shadow.dualwrite.copies import Copy
from shadow.dualwrite.entry import State
from shadow.dualwrite.lanes import lane_of_its_own
from shadow.dualwrite.resolve import HangTogether, NoMapping
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.testing import InMemoryJournal, Roles
from shadow.sender import Target
from shadow.settings import Rule, RuleKind
from shadow.testing import TurnedClock
from tests.shadow.dualwrite.backends import BOTH, CREATE, NAMED, PLAIN, ROWS, Stand


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand(InMemoryJournal())
    yield made
    made.close()


@pytest.fixture
def turned_stand() -> Iterator[Stand]:
    """The side with ids is active, the unmodified one gets the copies."""
    made = Stand(InMemoryJournal(Roles(1, "new", "old")), active="new")
    yield made
    made.close()


async def state(stand: Stand, number: int) -> State:
    (entry,) = await stand.journal.entries([number])
    return entry.state


async def differed(stand: Stand) -> dict[int, str]:
    found: dict[int, str] = await stand.journal.differed()
    return found


async def test_writes_arrive_in_order_with_their_ids(stand: Stand) -> None:
    await stand.write(("a",), "4xx", CREATE)
    for _ in range(3):
        await stand.write(("a",), route=CREATE)
    await stand.turns(5)
    assert stand.equal()
    assert stand.backends.sides["new"].serials == {2: 2, 3: 3, 4: 4}
    assert orjson.loads(stand.backends.copies[0].pin or b"")["ids"] == {"things": [2]}


async def test_an_unmodified_backend_draws_the_same_ids(turned_stand: Stand) -> None:
    stand = turned_stand
    for course in ("4xx", "ok", "4xx", "ok", "ok"):
        await stand.write(("a",), course, CREATE)
    await stand.turns(5)
    assert stand.equal()
    assert stand.backends.copies[0].pin is None


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


def held_back(stand: Stand, monkeypatch: pytest.MonkeyPatch, *ids: str) -> asyncio.Event:
    """Of the next copies of these the answers come when the event is set."""
    answered, honest = asyncio.Event(), stand.backends.send
    held = list(ids)

    async def send(copy: Copy, target: Target) -> Answer:
        answer = await honest(copy, target)
        if copy.id in held:
            held.remove(copy.id)
            await answered.wait()
        return answer

    monkeypatch.setattr(stand.backends, "send", send)
    return answered


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


async def test_the_standby_being_busy_when_a_leader_takes_over_costs_nobody_a_persons_time(stand: Stand) -> None:
    for cell in ("a", "b/1", "b/2", "a"):
        await stand.write((cell,))
    await stand.turns(1, ("hangs",))
    await stand.another_leads()
    stand.backends.unwilling.extend([NoMapping("none")] * 9)
    for _ in range(3):
        await stand.turns(1, ("busy",), keeps_faults=True)
        await asyncio.sleep(0.01)
    stand.backends.faults.clear()
    await stand.calm()
    assert [await state(stand, number) for number in range(1, 5)] == [State.APPLIED] * 4
    assert stand.equal()


@pytest.mark.parametrize("fault", ["busy", "lost", "lost after"])
async def test_with_ids_a_copy_is_sent_again_until_it_is_there_once(stand: Stand, fault: str) -> None:
    await stand.write(("b",))
    await stand.write(("a",))
    stand.backends.faults.append(fault)
    await stand.calm()
    assert stand.equal()
    assert await state(stand, 2) is State.APPLIED


async def test_a_refusal_does_not_count_while_a_write_is_open_that_it_may_have_seen(stand: Stand) -> None:
    one = await stand.write(("a",), "open")
    other = await stand.write(("b/1",), "open")
    await stand.finish(one, ("a",))
    stand.backends.refusing.add(one)  # it needs what the other one makes
    await stand.turns(3)
    assert await state(stand, one) is State.DONE
    await stand.finish(other, ("b/1",))
    stand.backends.refusing.clear()
    await stand.calm()
    assert [await state(stand, n) for n in (one, other)] == [State.APPLIED, State.APPLIED]


async def test_a_refusal_counts_once_everything_that_it_may_have_seen_is_settled(stand: Stand) -> None:
    one = await stand.write(("a",), "open")
    other = await stand.write(("b/1",), "open")
    for op, lanes in ((one, ("a",)), (other, ("b/1",))):
        await stand.finish(op, lanes)
        stand.backends.refusing.add(op)
    await stand.turns(20)
    assert [await state(stand, n) for n in (one, other)] == [State.PARKED, State.PARKED], "neither waits for ever"


@pytest.mark.parametrize("fault", ["lost", "lost after"])
async def test_without_ids_what_may_have_happened_is_healed_and_never_sent_again(
    turned_stand: Stand, fault: str
) -> None:
    await turned_stand.write(("a",))
    await turned_stand.turns(1, (fault,))
    await turned_stand.calm()
    assert (len(turned_stand.backends.sent), await state(turned_stand, 1)) == (1, State.HEALED)
    assert turned_stand.equal()


async def test_a_refused_write_is_parked_and_stops_its_lanes_only(stand: Stand) -> None:
    stand.backends.refusing.add(1)
    await stand.write(("a",))
    await stand.write(("a",))
    await stand.write(("b/1",))
    await stand.turns(5)
    assert [await state(stand, n) for n in (1, 2, 3)] == [State.PARKED, State.DONE, State.APPLIED]
    assert stand.backends.sides["new"].cells["a"] == []


async def test_another_answer_is_a_divergence_even_if_only_the_id_differs(stand: Stand) -> None:
    await stand.write(("a",), route=CREATE)
    stand.backends.sides["new"].take("id-1", orjson.dumps({"op": 1, "lanes": ["a"], "create": True}), 99)
    await stand.turns(2)
    (entry,) = await stand.journal.entries([1])
    assert (entry.state, entry.reason) == (State.DIVERGED, "another id of things")


async def test_routes_that_carry_rows_are_never_sent(stand: Stand) -> None:
    await stand.write(("a",), route=ROWS)
    await stand.calm()
    assert (stand.backends.sent, await state(stand, 1)) == ([], State.HEALED)
    assert stand.equal()


async def test_both_is_the_request_once_and_then_the_rows(stand: Stand) -> None:
    await stand.write(("a",), route=BOTH)
    await stand.turns(2)
    (entry,) = await stand.journal.entries([1])
    assert (entry.state, entry.copied, len(stand.backends.sent)) == (State.DONE, True, 1)
    await stand.calm()
    assert (len(stand.backends.sent), await state(stand, 1)) == (1, State.HEALED)
    assert stand.equal()
    assert await differed(stand) == {}


async def test_with_both_an_answer_that_differed_is_not_forgotten_when_its_rows_are_carried(stand: Stand) -> None:
    await stand.write(("a",), route=BOTH)
    stand.backends.sides["new"].take("id-1", orjson.dumps({"op": 1, "lanes": ["a"], "create": True}), 99)
    await stand.calm()
    assert (await state(stand, 1), await differed(stand)) == (State.HEALED, {1: "another id of things"})
    assert stand.equal()


async def test_with_both_a_refusal_parks_nothing(stand: Stand) -> None:
    stand.backends.refusing.add(1)
    await stand.write(("a",), route=BOTH)
    await stand.turns(5)
    assert (await state(stand, 1), await differed(stand)) == (State.HEALED, {1: "answered 400"})
    assert stand.equal()


async def test_another_leader_carries_the_rows_of_a_copy_and_never_sends_it_again(stand: Stand) -> None:
    stand.backends.unwilling.extend([OSError("the database is gone")] * 3)
    await stand.write(("a",), route=BOTH)
    await stand.turns(2)
    await stand.another_leads()
    await stand.calm()
    assert (len(stand.backends.sent), await state(stand, 1)) == (1, State.HEALED)
    assert stand.equal()


async def test_to_an_unmodified_backend_both_means_rows(turned_stand: Stand) -> None:
    await turned_stand.write(("a",), route=BOTH)
    await turned_stand.calm()
    assert (turned_stand.backends.sent, await state(turned_stand, 1)) == ([], State.HEALED)
    assert turned_stand.equal()


async def test_a_refusal_that_the_rules_allow_is_settled_by_rows_and_not_by_a_person() -> None:
    rule = Rule(name="gone", kind=RuleKind.STATUS, reason="nothing to change", statuses=((200, 400),))
    stand = Stand(InMemoryJournal(), rules=(rule,))
    stand.backends.refusing.add(1)
    await stand.write(("a",))
    await stand.turns(5)
    assert (await state(stand, 1), await differed(stand)) == (State.HEALED, {})
    assert stand.equal()


async def at_once(stand: Stand, *lanes: str) -> None:
    """Writes beside each other, whose rows are to be carried."""
    begun = [(await stand.write((lane,), "open", ROWS), lane) for lane in lanes]
    for op, lane in begun:
        await stand.finish(op, (lane,))


async def test_what_waits_for_its_rows_is_carried_by_one_heal(stand: Stand) -> None:
    await at_once(stand, "a", "b/1", "b/2")
    await stand.turns(3)
    assert stand.backends.healed == [("a", "b/1", "b/2")]
    assert [await state(stand, n) for n in (1, 2, 3)] == [State.HEALED] * 3


async def test_a_standby_that_was_away_gets_rows_that_wait_for_their_turn_in_one_heal(stand: Stand) -> None:
    for cell in ("a", "b/1", "b/2", "a", "b/1"):
        await stand.write((cell,), route=BOTH)
    stand.clock.turn(60)
    await stand.calm()
    assert stand.equal()
    assert (len(stand.backends.sent), len(stand.backends.healed)) == (1, 1)


async def test_no_rows_are_carried_where_a_copy_may_still_land_on_top_of_them(stand: Stand) -> None:
    """The standby was frozen with a copy under way, and goes on after others were told that it had failed."""
    await stand.write(("a",))
    await stand.turns(1, ("late",))
    await stand.turns(1, ("busy",), keeps_faults=True)
    await stand.write(("a", "b/1"))
    await stand.write(("b/1",), route=ROWS)
    assert await stand.replayer._resolver.heal(("b/1",)) == []
    assert stand.backends.healed == []
    assert await stand.write(("a",)), "nobody is held up meanwhile"
    await stand.copy_lands()
    stand.clock.turn(40)
    await stand.calm()
    assert stand.equal()


async def test_no_rows_go_in_company_where_a_copy_may_still_land(stand: Stand) -> None:
    await stand.write(("a",), route=BOTH)
    await stand.turns(1, ("lost",))
    await stand.write(("a",), route=BOTH)
    await stand.write(("b/1",), route=ROWS)
    await stand.write(("b/2",), route=BOTH)
    stand.clock.turn(25)
    await stand.turns(1, ("busy",) * 3)
    stand.replayer._care.carry(3, ("b/1",))
    await stand.turns(1, ("busy",) * 3)
    assert stand.backends.healed[0] == ("b/1", "b/2"), "the first copy may still land in the other lane"
    await stand.calm()
    assert stand.equal()


async def test_rows_of_what_has_just_been_written_wait_for_their_turn(stand: Stand) -> None:
    for cell in ("a", "b/1", "b/2"):
        await stand.write((cell,), route=BOTH)
    await stand.turns(3)
    assert stand.backends.healed[0] == ("a",), "its request is sent, so that the answers are compared"


async def test_company_that_cannot_be_carried_holds_up_nobody(stand: Stand) -> None:
    for cell in ("a", "b/1"):
        await stand.write((cell,), route=BOTH)
    stand.backends.unwilling.append(RuntimeError("not these together"))
    stand.clock.turn(60)
    await stand.turns(4)
    assert stand.backends.healed[:2] == [("a", "b/1"), ("a",)]
    await stand.calm()
    assert stand.equal()


async def test_rows_that_cannot_be_carried_in_company_are_carried_alone(stand: Stand) -> None:
    stand.backends.unwilling.append(OSError("one of them is odd"))
    await at_once(stand, "a", "b/1")
    await stand.turns(5)
    assert stand.backends.healed == [("a", "b/1"), ("a",), ("b/1",)]
    assert stand.equal()


async def test_rows_that_are_in_each_others_way_are_carried_in_company_in_the_end(stand: Stand) -> None:
    stand.backends.unwilling.extend([RuntimeError("the standby refused a row")] * 3)
    await at_once(stand, "a", "b/1")
    await stand.turns(6)
    assert stand.backends.healed == [("a", "b/1"), ("a",), ("b/1",), ("a", "b/1")]
    assert stand.equal()


async def test_rows_that_hang_on_others_are_carried_with_them(stand: Stand) -> None:
    stand.backends.unwilling.append(HangTogether(("b/1",)))
    await stand.write(("a",), route=ROWS)
    await stand.write(("b/1",))
    await stand.turns(3)
    assert stand.backends.healed == [("a",), ("a", "b/1")]
    assert [await state(stand, n) for n in (1, 2)] == [State.HEALED] * 2
    assert stand.equal()


async def test_what_was_held_for_rows_that_hung_together_once_is_not_settled_by_others(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a heal waits for a copy, that copy's lanes are held with all behind them; when it begins again with more
    rows, the copy is settled, and what it held together is not together any more."""
    answered = held_back(stand, monkeypatch, "id-1")
    await stand.write(("a", "b/1"))
    await stand.turns(1)
    await stand.write(("a",), route=ROWS)
    await stand.write(("b/1",))
    stand.backends.unwilling.append(HangTogether(("b/2",)))
    healing = asyncio.create_task(stand.replayer._resolver.heal(("a",)))
    answered.set()
    await asyncio.sleep(0.01)
    await stand.turns(1)
    assert await healing == [2]
    assert stand.backends.healed == [("a", "b/1"), ("a", "b/2")]
    assert [await state(stand, number) for number in (1, 2, 3)] == [State.APPLIED, State.HEALED, State.DONE]
    await stand.calm()
    assert stand.equal()


async def test_rows_without_a_mapping_wait_for_a_person(stand: Stand) -> None:
    stand.backends.unwilling.extend([NoMapping("none")] * 2)
    await stand.write(("a",), route=BOTH)
    await stand.turns(5)
    (entry,) = await stand.journal.entries([1])
    assert (entry.state, entry.reason) == (State.PARKED, "it cannot be sent, and none")


@pytest.mark.parametrize("hangs", ["hangs", "hangs after"])
async def test_another_leader_asks_again_by_id(stand: Stand, hangs: str) -> None:
    await stand.write(("a",))
    await stand.turns(1, (hangs,))
    await stand.another_leads()
    await stand.calm()
    assert await state(stand, 1) is State.APPLIED
    assert stand.equal()


@pytest.mark.parametrize("hangs", ["hangs", "hangs after"])
async def test_another_leader_heals_what_an_unmodified_backend_may_have_taken(turned_stand: Stand, hangs: str) -> None:
    await turned_stand.write(("a",))
    await turned_stand.turns(1, (hangs,))
    await turned_stand.another_leads()
    await turned_stand.turns(3)
    assert await state(turned_stand, 1) is State.DONE, "the copy may still land: too early to heal"
    await turned_stand.calm()
    assert (len(turned_stand.backends.sent), await state(turned_stand, 1)) == (1, State.HEALED)
    assert turned_stand.equal()


@pytest.mark.parametrize(("course", "becomes"), [("lost", State.APPLIED), ("never", State.FAILED)])
async def test_an_unknown_outcome_is_resolved_by_its_id(turned_stand: Stand, course: str, becomes: State) -> None:
    await turned_stand.write(("a",), course)
    await turned_stand.calm()
    assert await state(turned_stand, 1) is becomes
    late = turned_stand.backends.sides["new"].take("id-1", b"", None)
    assert late.status == (200 if course == "lost" else 410), "what was given up cannot land any more"
    assert turned_stand.equal()


async def test_an_overtaken_unknown_is_healed(turned_stand: Stand) -> None:
    await turned_stand.write(("a",), "lost")
    await turned_stand.write(("a",))
    await turned_stand.calm()
    assert [await state(turned_stand, n) for n in (1, 2)] == [State.HEALED, State.HEALED]
    assert turned_stand.equal()


async def test_without_ids_a_5xx_is_healed_at_once_and_a_silence_later(stand: Stand) -> None:
    await stand.write(("a",), "5xx")
    await stand.write(("b/1",), "lost")
    await stand.turns(3)
    assert [await state(stand, n) for n in (1, 2)] == [State.HEALED, State.UNKNOWN]
    stand.clock.turn(301)
    await stand.turns(1)
    assert await state(stand, 2) is State.HEALED
    assert stand.equal()


async def test_a_request_may_live_its_whole_life_from_the_last_moment_at_which_it_was_forwarded(stand: Stand) -> None:
    """Its edge was frozen between the intent and the first byte: the backend had it for less time than the journal."""
    forward_by = stand.clock.now() + 5
    await stand.write(("a",), "never")
    stand.clock.turn(forward_by + 295.5 - stand.clock.now())
    await stand.turns(1)
    assert await state(stand, 1) is State.UNKNOWN
    stand.clock.turn(forward_by + 301 - stand.clock.now())
    await stand.turns(1)
    assert await state(stand, 1) is State.HEALED


async def test_an_edge_is_waited_for_while_its_writer_may_only_have_lost_its_connection() -> None:
    journal = InMemoryJournal(writer=1, present={1})
    stand = Stand(journal, clock=TurnedClock())
    await stand.write(("a",), "open")
    stand.clock.turn(1.1)
    for is_here in (False, False, True, False, False):  # twice for less than two seconds in a row
        journal.present = {1} if is_here else set()
        stand.clock.turn(0.6)
        await stand.turns(1)
        assert await state(stand, 1) is State.INTENT
    stand.clock.turn(60.0)
    await stand.turns(1)
    assert await state(stand, 1) is State.INTENT, "nobody has looked for long: it may have been here all the time"
    assert not await stand.write(("a",)), "its lane is not free"
    await stand.turns(11)
    assert await state(stand, 1) is State.UNKNOWN
    assert await stand.write(("a",))
    stand.close()


async def test_heal_waits_for_an_unknown_in_its_lanes_that_may_still_land(stand: Stand) -> None:
    await stand.write(("a",), "never")
    await stand.write(("a",), "5xx")
    await stand.turns(3)
    assert [await state(stand, n) for n in (1, 2)] == [State.UNKNOWN, State.UNKNOWN]
    stand.clock.turn(301)
    await stand.turns(2)
    assert [await state(stand, n) for n in (1, 2)] == [State.HEALED, State.HEALED]
    assert stand.equal()


async def test_a_heal_whose_hold_has_lapsed_carries_nothing_and_begins_again(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lapsed(*_: object) -> bool:
        return False

    await stand.write(("a",), "5xx")
    with monkeypatch.context() as frozen:
        frozen.setattr(InMemoryJournal, "renew", lapsed)
        await stand.turns(2)
        assert (stand.backends.healed, await state(stand, 1)) == ([], State.UNKNOWN)
    await stand.calm()
    assert await state(stand, 1) is State.HEALED
    assert stand.equal()


async def test_heal_waits_for_what_is_in_flight_in_its_lanes(stand: Stand) -> None:
    await stand.write(("a",), "5xx")
    running = await stand.write(("a",), "open")
    await stand.turns(2)
    assert await state(stand, 1) is State.UNKNOWN
    await stand.finish(running, ("a",))
    await stand.calm()
    assert [await state(stand, n) for n in (1, running)] == [State.HEALED, State.HEALED]
    assert stand.equal()


@pytest.mark.parametrize(("route", "carried"), [(NAMED, ("b",)), (PLAIN, ("",))])
async def test_what_nobody_could_read_is_healed_by_all_that_its_route_may_touch(
    stand: Stand, route: str, carried: tuple[str, ...]
) -> None:
    await stand.write((lane_of_its_own("id-1"),), "5xx", route)
    await stand.write(("a",))
    await stand.calm()
    assert await state(stand, 1) is State.HEALED
    assert stand.backends.healed == [carried]
    assert stand.equal()


@pytest.mark.parametrize("active", ["old", "new"])
async def test_a_claim_whose_answer_is_lost_is_seen_to_under_another_term(
    active: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = Stand(InMemoryJournal(Roles(1, active, "new" if active == "old" else "old")), active=active)
    honest = InMemoryJournal.turn

    async def silent(*given: Any, **more: Any) -> None:
        monkeypatch.undo()
        await honest(*given, **more)
        raise JournalUnavailable("no answer within 5 s")

    await stand.write(("a",))
    await stand.write(("b/1",), route=CREATE)
    monkeypatch.setattr(InMemoryJournal, "turn", silent)
    with pytest.raises(JournalUnavailable):
        await stand.turns(1)
    await stand.calm()
    assert stand.equal()
    assert stand.replayer.term == 2
    stand.close()


async def test_a_database_that_cannot_be_reached_is_tried_again_for_an_unknown_outcome(stand: Stand) -> None:
    stand.backends.unwilling.append(ConnectionError("the server is gone"))
    await stand.write(("a",), "5xx")
    await stand.turns(1)
    assert await state(stand, 1) is State.UNKNOWN
    await stand.calm()
    assert await state(stand, 1) is State.HEALED


async def test_the_roles_are_swapped_again_and_again_with_writes_in_between_and_nothing_is_lost(stand: Stand) -> None:
    for turn in range(1, 5):
        await stand.write(("a",), route=CREATE)
        await stand.write(("b/1",), "5xx")
        await stand.write(("a",), "4xx")
        await stand.flips()
        assert (stand.flipped, stand.epoch) == (turn, turn + 1)
    assert stand.equal()
    assert [len(side.serials) for side in stand.backends.sides.values()] == [4, 4]


async def test_a_flip_is_called_off_while_a_write_may_still_land(stand: Stand) -> None:
    await stand.write(("a",), "late")
    await stand.write(("b/1",))
    await stand.flips()
    assert stand.flipped == 0
    await stand.lands(True)
    assert await stand.write(("b/1",)), "the fence is lifted"
    await stand.calm()
    assert stand.equal()
