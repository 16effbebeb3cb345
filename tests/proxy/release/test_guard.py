"""When the weight goes home by itself, and when it does not."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import GuardRule
from proxy.release.changes import applied
from proxy.release.guard import STALE_AFTER, Action, Verdict, consequence, judge
from proxy.release.phases import MOVES, Move
from proxy.release.readings import Counts, Readings, Second
from proxy.state import ControlState, GuardState, Phase

NOW = 1_000_000
RULE = GuardRule()
WELL = {"old": True, "new": True}
STATE = ControlState(7, 1, "old", "new", Phase.RAMPING, share=25.0)


def counted(new: tuple[int, int], old: tuple[int, int] = (500, 0), ago: int = 0) -> Readings:
    """Requests and failures of the standby and of the active side, all in one second."""
    by = {("new", "GET /a"): Counts(*new), ("old", "GET /a"): Counts(*old)}
    return Readings(NOW, (Second(NOW - ago, by),))


def look(
    readings: Readings | None, state: ControlState = STATE, health: dict[str, bool | None] | None = None
) -> Verdict:
    return judge([RULE], readings, state, WELL if health is None else health, NOW + 0.5)


def in_state(**changes: Any) -> ControlState:
    return replace(STATE, **changes)


SICK = counted((100, 40))
RULES = [
    # readings, state, health, action, words of the reason
    (counted((500, 5)), STATE, WELL, Action.HOLD, "not surely above 10 %"),
    (SICK, STATE, WELL, Action.ROLL_BACK, "all reads go back to old"),
    (counted((100, 15)), STATE, WELL, Action.HOLD, "not surely above"),  # 15 % counted, but it may be 8 %
    (counted((0, 0)), STATE, WELL, Action.WAIT, "answered nothing lately; 20 more"),  # silence is not health
    (counted((19, 19)), STATE, WELL, Action.WAIT, "1 more requests are needed"),  # nor sickness
    (counted((20, 20)), STATE, WELL, Action.ROLL_BACK, "at least 75"),
    (None, STATE, WELL, Action.WAIT, "there are no readings"),  # missing data never acts
    (Readings(NOW), STATE, WELL, Action.WAIT, "no edge has reported anything"),
    (counted((100, 99), ago=STALE_AFTER + 1), STATE, WELL, Action.WAIT, "no edge has reported for 11 s"),
    (SICK, STATE, {"old": False, "new": True}, Action.HALT, "nowhere better to go"),
    (SICK, STATE, {"old": None, "new": True}, Action.WAIT, "the health of old is not known yet"),
    (counted((100, 40), (100, 90)), STATE, WELL, Action.HALT, "old fails even more"),
    (counted((100, 40), (100, 40)), STATE, WELL, Action.ROLL_BACK, "go back"),  # no worse at home
    (SICK, in_state(share=0.0), WELL, Action.HOLD, "nothing to take home"),
    (SICK, in_state(share=0.0, route_shares={"GET /a": 0.0}), WELL, Action.HOLD, "nothing to take home"),
    (SICK, in_state(share=0.0, route_shares={"GET /a": 1.0}), WELL, Action.ROLL_BACK, "go back"),
    (SICK, in_state(guard=GuardState.LATCHED, guard_reason="as before"), WELL, Action.HOLD, "as before"),  # one per arm
    (SICK, in_state(guard=GuardState.FROZEN), WELL, Action.HOLD, "frozen"),
    (SICK, in_state(guard=GuardState.OFF), WELL, Action.HOLD, "off"),
    (SICK, in_state(phase=Phase.HALTED), WELL, Action.HOLD, "a person decides"),
    (SICK, in_state(guard_since=NOW + 1.0), WELL, Action.WAIT, "20 more requests"),  # before it was armed
]  # fmt: skip


@pytest.mark.parametrize(("readings", "state", "health", "action", "words"), RULES)
def test_it_says(
    readings: Readings | None, state: ControlState, health: dict[str, bool | None], action: Action, words: str
) -> None:
    verdict = look(readings, state, health)
    assert (verdict.action, words in verdict.reason) == (action, True), verdict.reason


def test_the_reason_can_be_read_aloud() -> None:
    assert look(SICK).reason == (
        "new failed 40 of 100 requests (40 %) in 120 s; that is above 10 % beyond doubt (at least 28.4 %); "
        "all reads go back to old"
    )


def test_the_evidence_holds_the_numbers_behind_the_reason() -> None:
    evidence = look(SICK).evidence
    assert evidence["requests"] == 100
    assert evidence["failed"] == 40
    assert evidence["interval"] == [0.2839, 0.5286]
    assert evidence["active"] == {"backend": "old", "requests": 500, "failed": 0}


def test_a_rule_that_only_notifies_changes_nothing() -> None:
    verdict = judge([GuardRule(action="notify")], SICK, STATE, WELL, NOW)
    assert verdict.action is Action.NOTIFY
    assert consequence(STATE, verdict) is None


def test_the_gravest_rule_is_heard() -> None:
    rules = [GuardRule(above=0.05, action="notify"), GuardRule(above=0.10), GuardRule(above=0.9)]
    verdict = judge(rules, SICK, STATE, WELL, NOW)
    assert (verdict.action, verdict.rule) == (Action.ROLL_BACK, "error_rate>0.1")


def test_a_roll_back_takes_every_share_home_and_latches() -> None:
    state = in_state(route_shares={"GET /a": 50.0, "GET /b": 0.0})
    change = consequence(state, look(SICK, state))
    assert change is not None
    after = applied(state, change, NOW)
    assert (after.share, dict(after.route_shares)) == (0.0, {"GET /a": 0.0, "GET /b": 0.0})
    assert (after.phase, after.guard) == (Phase.SHADOWING, GuardState.LATCHED)
    assert "40 of 100" in after.guard_reason
    assert look(SICK, after).action is Action.HOLD


def test_a_halt_moves_no_weight() -> None:
    change = consequence(STATE, look(SICK, health={"old": False, "new": True}))
    assert change is not None
    after = applied(STATE, change, NOW)
    assert (after.share, after.phase, after.guard) == (25.0, Phase.HALTED, GuardState.LATCHED)


def test_after_the_flip_the_same_rules_guard_the_other_way_round() -> None:
    flipped = ControlState(9, 2, "new", "old", Phase.RAMPING, share=10.0)
    by = {("old", "r"): Counts(100, 60), ("new", "r"): Counts(100, 0)}
    verdict = judge([RULE], Readings(NOW, (Second(NOW, by),)), flipped, WELL, NOW)
    assert verdict.action is Action.ROLL_BACK
    assert verdict.reason.endswith("all reads go back to new")


counts = st.integers(0, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
anything = st.tuples(
    st.one_of(st.none(), st.builds(counted, counts, counts, st.integers(0, 20))),
    st.builds(
        in_state,
        phase=st.sampled_from([phase for phase in Phase if Move.HALT in MOVES[phase]] + [Phase.HALTED]),
        share=st.floats(0, 100),
        guard=st.sampled_from(list(GuardState)),
        guard_since=st.sampled_from([0.0, NOW - 5.0, NOW + 5.0]),
        route_shares=st.dictionaries(st.sampled_from(["GET /a", "GET /b"]), st.floats(0, 100)),
    ),
    st.fixed_dictionaries({"old": st.sampled_from([True, False, None]), "new": st.sampled_from([True, False, None])}),
)


@pytest.mark.property_test
@given(anything)
def test_it_never_raises_a_weight_and_always_says_why(
    case: tuple[Readings | None, ControlState, dict[str, bool | None]],
) -> None:
    readings, state, health = case
    verdict = look(readings, state, health)
    assert verdict.reason
    change = consequence(state, verdict)
    if change is not None:
        after = applied(state, change, NOW)
        assert after.share <= state.share
        assert all(after.route_shares[route] <= share for route, share in state.route_shares.items())
        assert after.guard is GuardState.LATCHED  # one action per arm
        assert consequence(after, look(readings, after, health)) is None


@pytest.mark.property_test
@given(anything)
def test_it_sends_nobody_to_a_side_that_fails_its_health_check(
    case: tuple[Readings | None, ControlState, dict[str, bool | None]],
) -> None:
    readings, state, health = case
    if look(readings, state, health).action is Action.ROLL_BACK:
        assert health["old"] is True


@pytest.mark.property_test
@given(st.integers(20, 400), st.data())
def test_more_failures_never_calm_it(requests: int, data: st.DataObject) -> None:
    failed = data.draw(st.integers(0, requests - 1))
    order = list(Action)
    fewer, more = look(counted((requests, failed))), look(counted((requests, failed + 1)))
    assert order.index(fewer.action) <= order.index(more.action)


class Simulation:
    """A standby with Poisson arrivals, looked at every ten seconds (prior-art.md section 8.2)."""

    def __init__(self, rate: float, errors: float, seed: int) -> None:
        self._chance = random.Random(seed)
        self._rate, self._errors = rate, errors
        self._seconds: list[Second] = []

    def first_roll_back(self, hours: float, warm_up: float = 0.0, warm_errors: float = 0.0) -> int | None:
        """Seconds from the end of the warm-up to the roll-back."""
        begin, end = int(NOW - warm_up), int(NOW + hours * 3600)
        state = in_state(guard_since=float(begin))
        for at in range(begin, end):
            self._second(at, warm_errors if at < NOW else self._errors)
            if at % 10 == 0:
                readings = Readings(at, tuple(self._seconds[-1900:]))
                if judge([RULE], readings, state, WELL, at).action is Action.ROLL_BACK:
                    return at - NOW
        return None

    def _second(self, at: int, errors: float) -> None:
        arrivals, waited = 0, self._chance.expovariate(self._rate)
        while waited < 1:
            arrivals, waited = arrivals + 1, waited + self._chance.expovariate(self._rate)
        failed = sum(self._chance.random() < errors for _ in range(arrivals))
        if arrivals or at % 10 == 0:  # an edge reports every second; fewer make the same day shorter to simulate
            self._seconds.append(Second(at, {("new", "r"): Counts(arrivals, failed)}))


@pytest.mark.parametrize(("rate", "errors"), [(0.02, 0.02), (0.1, 0.01), (0.5, 0.02)])
def test_a_healthy_day_with_little_traffic_never_fires(rate: float, errors: float) -> None:
    assert Simulation(rate, errors, seed=1).first_roll_back(hours=24) is None


@pytest.mark.parametrize("seed", range(5))
def test_thirty_percent_errors_at_one_request_in_two_seconds_fire_within_five_minutes(seed: int) -> None:
    fired = Simulation(0.5, 0.30, seed).first_roll_back(hours=1, warm_up=600, warm_errors=0.01)
    assert fired is not None
    assert 0 <= fired <= 300


@pytest.mark.parametrize("seed", range(3))
def test_a_dead_standby_fires_within_seconds_at_usual_traffic(seed: int) -> None:
    fired = Simulation(10, 1.0, seed).first_roll_back(hours=0.1, warm_up=300, warm_errors=0.01)
    assert fired is not None
    assert fired <= 40
