"""Outcomes that nobody knows, and heals that wait for what may still land."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shadow.answer import Answer
from shadow.dualwrite.admission import Room, Settlement
from shadow.dualwrite.copies import Copy
from shadow.dualwrite.entry import State
from shadow.dualwrite.lanes import lane_of_its_own
from shadow.dualwrite.resolve import NoMapping
from shadow.dualwrite.testing import InMemoryJournal
from shadow.sender import Target
from shadow.testing import TurnedClock
from tests.shadow.dualwrite.backends import NAMED, PLAIN, ROUTES, Backends, Stand
from tests.shadow.dualwrite.conftest import state


@pytest.mark.parametrize(("course", "becomes"), [("lost", State.APPLIED), ("never", State.FAILED)])
async def test_an_unknown_outcome_is_resolved_by_its_id(turned_stand: Stand, course: str, becomes: State) -> None:
    await turned_stand.write(("a",), course)
    await turned_stand.calm()
    assert await state(turned_stand, 1) is becomes
    late = turned_stand.backends.sides["new"].take("id-1", b"", None)
    assert late.status == (200 if course == "lost" else 410), "what was given up cannot land any more"
    assert turned_stand.equal()


@pytest.mark.parametrize("status", [302, 401, 404, 413])
async def test_the_word_of_somebody_before_the_backend_resolves_nothing(
    turned_stand: Stand, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A balancer's redirect is no success, and its refusal no proof that the write will never be."""
    await turned_stand.write(("a",), "lost")
    honest = Backends.send

    async def send(backends: Backends, copy: Copy, target: Target) -> Answer:
        return Answer(status, (), b"") if copy.purpose == "resolve" else await honest(backends, copy, target)

    monkeypatch.setattr(Backends, "send", send)
    await turned_stand.turns(2)
    assert await state(turned_stand, 1) is State.UNKNOWN
    monkeypatch.undo()
    await turned_stand.calm()
    assert await state(turned_stand, 1) is State.APPLIED


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


async def test_no_heal_settles_what_nobody_knows_the_rows_of(stand: Stand) -> None:
    """Its answers differed, so nobody looks for what its route may touch."""
    await stand.journal.lead("me", 0, 60)
    await stand.write((lane_of_its_own("id-1"),))
    (entry,) = await stand.journal.open_entries()
    await stand.journal.turn(1, [], Room(1, ["new"], [], [], [], stand.clock.now(), stand.clock.now() + 30))
    await stand.journal.settle(1, [Settlement(1, State.DIVERGED)])
    with pytest.raises(NoMapping, match="which rows"):
        await stand.replayer._resolver.carry(entry.lanes, ("old", "new"))
    assert await state(stand, 1) is State.DIVERGED


async def test_a_database_that_cannot_be_reached_is_tried_again_for_an_unknown_outcome(stand: Stand) -> None:
    stand.backends.unwilling.append(ConnectionError("the server is gone"))
    await stand.write(("a",), "5xx")
    await stand.turns(1)
    assert await state(stand, 1) is State.UNKNOWN
    await stand.calm()
    assert await state(stand, 1) is State.HEALED


async def test_lanes_stay_held_when_a_heal_is_cut_off_for_its_rows_may_still_be_written(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    travelling = asyncio.Event()

    async def never_over(self: Backends, lanes: tuple[str, ...], source: str, destination: str, within: float) -> None:
        travelling.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Backends, "__call__", never_over)
    await stand.write(("a",), "5xx")
    healing = asyncio.create_task(stand.replayer._resolver.heal(("a",)))
    await travelling.wait()
    healing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await healing
    assert await stand.write(("a",)) == 0, "it was admitted"
    assert await stand.write(("b/1",)) > 0


async def test_no_rows_are_carried_under_a_copy_that_nobody_has_answered_yet_however_late_it_is(stand: Stand) -> None:
    """With ids a deadline is no end: it may lie in a process that was stopped."""
    await stand.write(("a",))
    await stand.turns(1, ("hangs",))
    stand.clock.turn(400)
    stand.replayer._resolver._patience = replace(stand.replayer._resolver._patience, hold=0.0)
    assert await stand.replayer._resolver.carry(("a",), ("old", "new")) is None
    assert stand.backends.healed == []


async def test_an_outcome_that_cannot_be_resolved_keeps_why(
    turned_stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await turned_stand.write(("a",), "lost")
    honest = Backends.send

    async def send(backends: Backends, copy: Copy, target: Target) -> Answer:
        refused = Answer(403, (), b'{"code":"COPY_NOT_PROVEN"}')
        return refused if copy.purpose == "resolve" else await honest(backends, copy, target)

    monkeypatch.setattr(Backends, "send", send)
    await turned_stand.turns(2)
    (entry,) = await turned_stand.journal.entries([1])
    assert entry.reason == "asked by its id: new answered 403 COPY_NOT_PROVEN"


@pytest.mark.parametrize(("course", "becomes"), [("5xx", State.FAILED), ("lost", State.PARKED), ("late", State.PARKED)])
async def test_only_a_5xx_is_what_a_route_declares_to_have_no_effect(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, course: str, becomes: State
) -> None:
    routes = {PLAIN: replace(ROUTES[PLAIN], on_5xx="no_effect")}
    stand.replayer._resolver.use(routes)
    stand.backends.unwilling.extend([NoMapping("none")] * 9)
    await stand.write(("a",), course)
    if course == "late":
        await stand.write(("a",))
        await stand.lands(told=True)  # too late: it was overtaken
    stand.clock.turn(400)
    await stand.turns(2)
    assert await state(stand, 1) is becomes


async def test_a_backend_with_ids_that_is_away_for_a_moment_has_nothing_parked(turned_stand: Stand) -> None:
    turned_stand.backends.silent = True
    turned_stand.backends.unwilling.extend([NoMapping("none")] * 9)
    await turned_stand.write(("a",), "5xx")
    await turned_stand.turns(3)
    assert await state(turned_stand, 1) is State.UNKNOWN
    turned_stand.backends.silent = False
    turned_stand.backends.unwilling.clear()
    await turned_stand.calm()
    assert await state(turned_stand, 1) in (State.APPLIED, State.FAILED, State.HEALED)


async def test_what_an_id_was_closed_for_leaves_no_answer_to_repeat(turned_stand: Stand) -> None:
    await turned_stand.write(("a",), "never")
    await turned_stand.turns(2)
    (entry,) = await turned_stand.journal.entries([1])
    assert (entry.state, entry.answer) == (State.FAILED, None)
