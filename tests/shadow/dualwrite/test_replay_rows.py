"""What the standby gets as rows: beside its copy, instead of it, and never under one that may still land."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.resolve import HangTogether, NoMapping
from shadow.dualwrite.session import JournalUnavailable
from shadow.dualwrite.testing import InMemoryJournal
from shadow.settings import Rule, RuleKind
from tests.shadow.dualwrite.backends import BEGIN_WITHIN, BOTH, LANDS_WITHIN, ROWS, Backends, NoTokens, Stand
from tests.shadow.dualwrite.conftest import differed, held_back, state


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


@pytest.fixture
async def late(stand: Stand) -> Stand:
    """The standby was frozen with a copy under way, and may go on after others were told that it had failed."""
    await stand.write(("a",))
    await stand.turns(1, ("late",))
    await stand.settles()
    await stand.write(("a", "b/1"))
    await stand.write(("b/1",), route=ROWS)
    return stand


async def test_a_copy_that_may_still_land_is_closed_before_rows_are_carried(late: Stand) -> None:
    assert await late.replayer._resolver.heal(("b/1",)) == [1, 2, 3]
    await late.copy_lands()
    assert late.equal()


async def test_no_rows_are_carried_while_a_copy_may_still_land_on_top_of_them(late: Stand) -> None:
    late.backends.silent = True
    assert await late.replayer._resolver.heal(("b/1",)) == []
    assert late.backends.healed == []
    assert await late.write(("a",)), "nobody is held up meanwhile"
    await late.copy_lands()
    late.backends.silent = False
    await late.calm()
    assert late.equal()


async def test_what_the_standby_takes_no_copy_of_any_more_is_carried_though_its_heal_failed(late: Stand) -> None:
    late.backends.unwilling.append(RuntimeError("a row was odd"))
    with pytest.raises(RuntimeError):
        await late.replayer._resolver.heal(("b/1",))
    await late.calm()
    assert (late.equal(), len(late.backends.sent)) == (True, 1)


async def test_rows_are_carried_under_what_is_never_answered(stand: Stand) -> None:
    """The standby dies of this very write, each time."""
    await stand.write(("a",))
    for _ in range(20):
        await stand.turns(1, ("lost",), keeps_faults=True)
        await stand.settles()
    assert await stand.replayer._resolver.heal(("a",)) == [1]
    assert stand.equal()


async def test_a_fault_of_ours_in_a_copy_that_may_still_land_ends_with_its_rows(
    late: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NoTokens, "mint", lambda *_: 1 / 0)
    await late.turns(1)
    await late.settles()
    monkeypatch.undo()
    late.clock.turn(400)
    await late.calm()
    await late.copy_lands()
    assert late.equal()


async def test_no_rows_are_carried_under_what_an_earlier_leader_sent(stand: Stand) -> None:
    """The standby was stopped, and nobody led until the copy's time was over; a heal comes before anybody asks
    what became of it."""
    await stand.write(("a",))
    await stand.turns(1, ("late",))
    stand.clock.turn(400)
    await stand.another_leads()
    assert await stand.replayer._lead()
    assert await stand.replayer._resolver.carry(("a",), ("old", "new")) is None
    _, side, copy = stand.backends.late.popleft()
    stand.backends.late.append((float("inf"), side, copy))
    await stand.copy_lands()
    await stand.calm()
    assert stand.equal()


async def test_what_was_carried_is_not_sent_though_nobody_heard_that_it_was(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replayer dies, or its journal is away, between the commit of the rows and the end of the heal; when it comes
    again, the rows do not hang together any more."""
    await stand.write(("a",), "5xx")
    await stand.write(("b/1",))
    stand.backends.unwilling.append(HangTogether(("b/1",)))

    async def unheard(*_: object) -> None:
        monkeypatch.undo()
        raise JournalUnavailable("no answer within 5 s")

    monkeypatch.setattr(InMemoryJournal, "heal", unheard)
    with pytest.raises(JournalUnavailable):
        await stand.turns(1)
    await stand.calm()
    assert stand.equal()


async def test_an_outcome_that_is_told_while_rows_travel_has_its_rows_carried_again(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its edge could reach the journal only after everybody thought that it was gone."""
    await stand.write(("a",))
    op = await stand.write(("a",), "open after")
    await stand.journal.outcomes([Outcome(f"id-{op}", State.UNKNOWN)])
    stand.clock.turn(400)
    honest = Backends.__call__

    async def carry(*given: Any) -> None:
        await stand.finishes()
        await honest(*given)

    monkeypatch.setattr(Backends, "__call__", carry)
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


async def test_without_ids_no_rows_are_carried_while_a_copy_may_land_that_a_gateway_gave_up(
    turned_stand: Stand,
) -> None:
    stand = turned_stand
    await stand.write(("a",))
    await stand.turns(3, ("gave up",))
    assert stand.backends.healed == []
    await stand.copy_lands()
    stand.clock.turn(BEGIN_WITHIN + LANDS_WITHIN)
    await stand.calm()
    assert stand.backends.healed and stand.equal()
