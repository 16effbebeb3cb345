from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker, Event, State

OPENED = Breaker(State.OPEN, FAILURES, FIRST_PAUSE, until=101.0)
PROBING = Breaker(State.PROBING, FAILURES, FIRST_PAUSE, until=101.0)


@pytest.mark.parametrize(
    ("breaker", "event", "expected"),
    [
        (Breaker(), Event.ANSWERED, Breaker()),
        (Breaker(failures=FAILURES - 1), Event.ANSWERED, Breaker()),  # only failures in a row count
        (Breaker(), Event.FAILED, Breaker(failures=1)),
        (Breaker(failures=FAILURES - 1), Event.FAILED, OPENED),
        (OPENED, Event.FAILED, OPENED),  # asked before it opened
        (OPENED, Event.ANSWERED, OPENED),
        (OPENED, Event.ADMITTED, PROBING),
        (PROBING, Event.ADMITTED, PROBING),
        (PROBING, Event.ANSWERED, Breaker()),
        (PROBING, Event.FAILED, Breaker(State.OPEN, FAILURES + 1, 2 * FIRST_PAUSE, 100 + 2 * FIRST_PAUSE)),
    ],
)
def test_a_breaker_moves_by_its_table(breaker: Breaker, event: Event, expected: Breaker) -> None:
    assert breaker.after(event, now=100.0) == expected


@pytest.mark.parametrize(
    ("breaker", "now", "expected"),
    [(Breaker(), 100.0, True), (OPENED, 100.9, False), (OPENED, 101.0, True), (PROBING, 500.0, False)],
)
def test_a_breaker_admits_one_exchange_after_each_pause(breaker: Breaker, now: float, expected: bool) -> None:
    assert breaker.admits(now) is expected


def test_the_pauses_grow_up_to_a_limit() -> None:
    breaker, now, pauses = OPENED, 101.0, []
    for _ in range(8):
        breaker = breaker.after(Event.ADMITTED, now).after(Event.FAILED, now)
        pauses.append(breaker.until - now)
        now = breaker.until
    assert pauses == [2, 4, 8, 16, 30, 30, 30, 30]
    assert max(pauses) == LONGEST_PAUSE


@pytest.mark.property_test
@given(st.lists(st.sampled_from([Event.ANSWERED, Event.FAILED]), max_size=60))
def test_a_backend_that_answers_is_always_asked_again_in_the_end(events: list[Event]) -> None:
    breaker, now = Breaker(), 0.0
    for event in events:
        now += 0.1
        breaker = (breaker.after(Event.ADMITTED, now) if breaker.admits(now) else breaker).after(event, now)
    now += LONGEST_PAUSE
    if breaker.state is State.PROBING:
        breaker = breaker.after(Event.ANSWERED, now)
    assert breaker.admits(now)
