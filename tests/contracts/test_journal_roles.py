"""What every journal promises to whoever swaps the roles."""

from __future__ import annotations

import pytest

from shadow.dualwrite.admission import Admitted, Flip, Refused, Settlement, Why
from shadow.dualwrite.entry import Outcome, State
from shadow.dualwrite.testing import an_intent, done
from tests.contracts.journals import NOW, Stage


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
