"""The real replayer with a backend that knows ids and one that does not, and every fault between them."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from shadow.answer import Answer
from shadow.dualwrite.care import Care
from shadow.dualwrite.copies import Copy
from shadow.dualwrite.entry import Entry, State
from shadow.dualwrite.resolve import NoMapping
from shadow.dualwrite.retry import FAULT_TRIES, IN_PROGRESS_TRIES
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.testing import InMemoryJournal, Roles
from shadow.sender import Target
from tests.shadow.dualwrite.backends import BEGIN_WITHIN, CREATE, Stand
from tests.shadow.dualwrite.conftest import state


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


async def test_a_refusal_does_not_count_while_what_it_leaned_on_is_just_being_settled(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A heal brings it after the refusal, and before the look at what is open."""
    stand.leaning = True
    await stand.write(("a",), "5xx")
    await stand.write(("b/1",))
    honest = InMemoryJournal.open_entries

    async def open_entries(journal: InMemoryJournal, **which: int) -> list[Entry]:
        monkeypatch.undo()
        assert await stand.replayer._resolver.heal(("a",)) == [1]
        return await honest(journal, **which)

    monkeypatch.setattr(InMemoryJournal, "open_entries", open_entries)
    monkeypatch.setattr(Care, "look", lambda *_: asyncio.sleep(0))
    await stand.turns(1)
    await stand.settles()
    assert await state(stand, 2) is State.DONE
    await stand.calm()
    assert stand.equal()


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


async def test_a_copy_whose_sequence_took_too_long_to_be_set_is_not_sent_after_its_time(
    turned_stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deadline counts from its claim: a heal may carry its rows after that."""
    stand, honest = turned_stand, turned_stand.backends.set_sequence

    async def slow(target: Target, sequence: str, value: int) -> None:
        await honest(target, sequence, value)
        stand.clock.turn(BEGIN_WITHIN + 1)

    monkeypatch.setattr(stand.backends, "set_sequence", slow)
    await stand.write(("a",), route=CREATE)
    await stand.turns(2)
    assert stand.backends.copies == []
    assert await state(stand, 1) is State.DONE
    monkeypatch.undo()
    await stand.calm()
    assert len(stand.backends.copies) == 1
    assert stand.equal()


async def test_what_is_too_late_to_be_sent_does_not_set_a_sequence_back(
    turned_stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another leader may be drawing from it."""
    stand = turned_stand
    await stand.write(("a",), "ok", CREATE)
    stand.backends.sides["old"].sequence = 50
    (entry,) = await stand.journal.entries([1])
    assert await stand.replayer._copying.copy(entry, begin_by=stand.clock.now() - 1) is None
    assert (stand.backends.copies, stand.backends.sides["old"].sequence) == ([], 50)


async def test_a_replayer_goes_on_looking_while_a_copy_takes_its_time(stand: Stand) -> None:
    await stand.write(("a",))
    stand.backends.faults.append("hangs")
    assert await stand.replayer.turn()
    assert await stand.replayer.turn(), "others may be sent meanwhile"


@pytest.mark.parametrize("answering", [True, False])
async def test_one_copy_that_makes_the_standby_hang_up_does_not_hold_up_all_others_for_ever(
    stand: Stand, answering: bool
) -> None:
    """A standby that answers nobody is waited for; one that only never answers this copy is not."""
    stand.backends.answering = answering
    await stand.write(("a",))
    await stand.write(("b/1",))
    for _ in range(FAULT_TRIES + 4):
        await stand.turns(1, ("lost",), keeps_faults=False)
        stand.clock.turn(20)
    assert await state(stand, 1) is (State.PARKED if answering else State.DONE)
    await stand.turns(3)
    assert await state(stand, 2) is State.APPLIED


async def test_a_copy_that_is_still_under_way_is_waited_for_though_the_standby_answers_others(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.backends.answering = True

    async def in_progress(copy: Copy, target: Target) -> Answer:
        return Answer(409, (), b'{"code":"IN_PROGRESS"}')

    monkeypatch.setattr(stand.backends, "send", in_progress)
    await stand.write(("a",))
    for _ in range(IN_PROGRESS_TRIES):
        await stand.turns(1)
        stand.clock.turn(20)
    assert await state(stand, 1) is State.DONE
    for _ in range(4):
        await stand.turns(1)
        stand.clock.turn(20)
    assert await state(stand, 1) is State.PARKED
