"""When a person has to look at the journal, and what they are told."""

from __future__ import annotations

import pytest

from proxy.control.attention import Waiting, duration, lag, reasons
from shadow.dualwrite.entry import State


def said(state: State, oldest: float = 1.0, *, held_up: str = "", **how: bool) -> list[str]:
    return reasons({state: Waiting(2, oldest)}, held_up=held_up, **({"copying": True, "led": True} | how))


@pytest.mark.parametrize("state", [State.PARKED, State.DIVERGED, State.ABANDONED])
def test_what_waits_for_a_person_calls_for_one_at_once(state: State) -> None:
    assert said(state)[0].startswith(f"2 {state.value}")


def test_an_unknown_outcome_gets_time_to_settle_by_itself() -> None:
    assert said(State.UNKNOWN, 5) == []
    assert "31 s ago" in said(State.UNKNOWN, 31)[0]


def test_a_standby_that_stays_behind_calls_for_a_person_while_it_gets_copies() -> None:
    assert said(State.DONE, 29) == []
    assert said(State.DONE, 300) == ["the standby is 5 min behind"]
    assert said(State.DONE, 300, held_up="answered 503") == ["the standby is 5 min behind: answered 503"]
    assert said(State.DONE, 300, copying=False) == []
    assert "nobody replays" in said(State.DONE, 1, led=False)[0]
    assert said(State.DONE, 1, led=False, copying=False) == []


def test_the_lag_is_that_of_the_oldest_write_that_only_the_active_side_has() -> None:
    assert lag({State.DONE: Waiting(3, 4.5), State.PARKED: Waiting(1, 99)}) == 4.5
    assert lag({State.INTENT: Waiting(1, 9)}) == 0.0


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172800, "2 d")]
)
def test_durations_are_short(seconds: float, written: str) -> None:
    assert duration(seconds) == written
