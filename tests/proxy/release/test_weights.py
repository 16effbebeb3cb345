"""What an operator may do to the weights, and the words of every refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Refused
from proxy.release import weights
from proxy.release.changes import applied, exposed
from proxy.state import ControlState, GuardState, Phase


def state(
    phase: Phase = Phase.SHADOWING, share: float = 0.0, guard: GuardState = GuardState.ARMED, **more: object
) -> ControlState:
    return ControlState(7, 1, "old", "new", phase, share=share, guard=guard, **more)  # type: ignore[arg-type]


RAISED = [
    (state(Phase.RESTING), True, "nothing is compared yet: run `cutover start --empty` first"),
    (state(Phase.HALTED), True, "the release is halted"),
    (state(Phase.WATCHING), True, "the roles have just been swapped"),
    (state(Phase.COMPLETE), True, "the release is complete"),
    (state(guard=GuardState.LATCHED, guard_reason="errors"), True, r"latched \(errors\).*cutover rearm"),
    (state(guard=GuardState.FROZEN), True, "frozen"),
    (state(), False, "new fails its health check"),
    (state(), None, "not known yet"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "healthy", "why"), RAISED)
def test_a_raise_that_is_not_safe_is_refused_with_its_reason(
    before: ControlState, healthy: bool | None, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        weights.set_share(before, 5, None, healthy)
    with pytest.raises(Refused, match=why):
        weights.set_share(before, 5, "GET /a", healthy)


@pytest.mark.parametrize(("before", "healthy", "why"), RAISED)
def test_lowering_is_never_refused(before: ControlState, healthy: bool | None, why: str) -> None:
    higher = applied(before, weights.Change(share=50), 0)
    assert weights.set_share(higher, 10, None, healthy).share == 10
    assert weights.set_share(higher, 0, None, healthy).share == 0


def test_the_first_share_begins_the_ramp_and_the_last_ends_it() -> None:
    up = applied(state(), weights.set_share(state(), 5, None, True), 0)
    assert (up.phase, up.share) == (Phase.RAMPING, 5)
    route = applied(up, weights.set_share(up, 50, "GET /a", True), 0)
    down = applied(route, weights.set_share(route, 0, None, True), 0)
    assert (down.phase, dict(down.route_shares)) == (Phase.RAMPING, {"GET /a": 50})
    last = applied(down, weights.set_share(down, 0, "GET /a", True), 0)
    assert last.phase is Phase.SHADOWING


def test_zero_while_shadowing_is_no_move() -> None:
    assert weights.set_share(state(), 0, None, None).phase is None


def test_taking_a_routes_own_share_away_can_be_a_raise() -> None:
    ramping = state(Phase.RAMPING, share=50, route_shares={"GET /a": 10})
    with pytest.raises(Refused, match="health check"):
        weights.set_share(ramping, None, "GET /a", False)
    assert weights.set_share(ramping, None, "GET /a", True).route_shares == {}


def test_a_start_needs_a_copy_or_the_word_that_none_is_needed() -> None:
    with pytest.raises(Refused, match=r"needs a copy.*--empty"):
        weights.start(state(Phase.RESTING), empty=False)
    assert weights.start(state(Phase.RESTING), empty=True).phase is Phase.SHADOWING


def test_a_second_start_is_refused_and_names_the_phase() -> None:
    with pytest.raises(Refused, match="shadowing cannot start"):
        weights.start(state(), empty=True)


def test_a_stop_takes_everything_home() -> None:
    after = applied(state(Phase.RAMPING, 20, route_shares={"GET /a": 5}), weights.stop(state(Phase.RAMPING)), 0)
    assert (after.phase, after.share, dict(after.route_shares)) == (Phase.RESTING, 0, {})


@pytest.mark.parametrize(("guard", "why"), [(GuardState.ARMED, "armed already"), (GuardState.OFF, "is off")])
def test_a_guard_that_did_not_act_needs_no_arming(guard: GuardState, why: str) -> None:
    with pytest.raises(Refused, match=why):
        weights.rearm(state(guard=guard))


states = st.builds(
    state,
    st.sampled_from([Phase.SHADOWING, Phase.RAMPING]),
    st.floats(0, 100),
    route_shares=st.dictionaries(st.sampled_from(["GET /a", "GET /b"]), st.floats(0, 100)),
)


@pytest.mark.property_test
@given(states, st.floats(0, 100), st.sampled_from([None, "GET /a", "GET /c"]))
def test_the_phase_says_ramping_exactly_while_the_standby_answers_somebody(
    before: ControlState, share: float, route: str | None
) -> None:
    after = applied(before, weights.set_share(before, share, route, True), 0)
    assert (after.phase is Phase.RAMPING) == exposed(after)
