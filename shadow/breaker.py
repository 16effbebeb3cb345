"""The circuit breaker of one backend: a backend that is down is left alone, and tried again now and then.

       failures in a row                 pause over, one exchange
CLOSED ─────────────────▶ OPEN ──────────────────────────────────▶ PROBING
   ▲                        ▲                 failed                 │  │
   │                        └─────────────────────────────────────────┘  │
   └──────────────────────────────────── answered ──────────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

FAILURES = 5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


class State(Enum):
    """What is done with the next exchange."""

    CLOSED = "closed"  # it is sent
    OPEN = "open"  # it is skipped until the pause is over
    PROBING = "probing"  # one is under way to find out; all others are skipped


class Event(Enum):
    """What happened to one exchange."""

    ADMITTED = "admitted"
    ANSWERED = "answered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where the breaker stands. `until` is monotonic time."""

    state: State = State.CLOSED
    failures: int = 0
    pause: float = FIRST_PAUSE
    until: float = 0.0

    def admits(self, now: float) -> bool:
        """Whether an exchange may be sent now; if it is, tell `after` that it was ADMITTED."""
        return self.state is State.CLOSED or (self.state is State.OPEN and now >= self.until)

    def after(self, event: Event, now: float) -> Breaker:
        """The breaker once this happened. What a state does not react to leaves it as it is."""
        move = _MOVES.get((self.state, event))
        return move(self, now) if move else self


def _count(breaker: Breaker, now: float) -> Breaker:
    failures = breaker.failures + 1
    if failures < FAILURES:
        return replace(breaker, failures=failures)
    return Breaker(State.OPEN, failures, FIRST_PAUSE, now + FIRST_PAUSE)


def _reopen(breaker: Breaker, now: float) -> Breaker:
    pause = min(breaker.pause * 2, LONGEST_PAUSE)
    return Breaker(State.OPEN, breaker.failures + 1, pause, now + pause)


def _close(breaker: Breaker, now: float) -> Breaker:
    return Breaker()


def _probe(breaker: Breaker, now: float) -> Breaker:
    return replace(breaker, state=State.PROBING)


# An OPEN breaker does not react to late answers: they were asked before it opened and prove nothing about now.
_MOVES = {
    (State.CLOSED, Event.ANSWERED): _close,
    (State.CLOSED, Event.FAILED): _count,
    (State.OPEN, Event.ADMITTED): _probe,
    (State.PROBING, Event.ANSWERED): _close,
    (State.PROBING, Event.FAILED): _reopen,
}
