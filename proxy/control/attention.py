"""What of the journal a person has to look at, in plain words: a pure function of counts and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shadow.dualwrite.entry import State

NEEDING = (State.PARKED, State.DIVERGED, State.ABANDONED, State.UNKNOWN)
UNKNOWN_FOR = 30.0  # seconds in which an unknown outcome usually settles by itself
BEHIND = 30.0  # seconds that the standby may lag behind


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many entries are in one state, and for how many seconds the oldest of them has been in the journal."""

    count: int
    oldest: float


def lag(waiting: Mapping[State, Waiting]) -> float:
    """Seconds since the oldest write that the active side has done and the standby has not; 0 if there is none."""
    done = waiting.get(State.DONE)
    return done.oldest if done else 0.0


def reasons(waiting: Mapping[State, Waiting], *, copying: bool, led: bool, held_up: str = "") -> list[str]:
    """Why a person should look; nothing while everything goes its way.

    `copying`: the standby gets copies in this phase. `led`: some replayer leads. `held_up`: what the standby said to
    the oldest copy that waits.
    """
    found = [
        f"{one.count} {said}, the oldest came {duration(one.oldest)} ago"
        for state, said in _SAID.items()
        if (one := waiting.get(state)) and (state is not State.UNKNOWN or one.oldest > UNKNOWN_FOR)
    ]
    if copying and not led:
        found.append("nobody replays: is `cutover serve --only replayer`, or all of it, running?")
    elif copying and lag(waiting) > BEHIND:
        found.append(f"the standby is {duration(lag(waiting))} behind" + (f": {held_up}" if held_up else ""))
    return found


def out_of_band(watched: Mapping[str, Any] | None) -> list[str]:
    """Why a person should look at the rows, from what the last look at both databases came to."""
    if watched is None:
        return []
    found = []
    if watched["open"]:
        found.append(
            f"{watched['open']} rows of the standby were changed by somebody else, where only copies may write (the "
            "log names them; `cutover reconcile --watch --heal-foreign` puts them right)"
        )
    if watched["failed"]:
        found.append(f"the rows of both sides cannot be compared: {watched['failed']}")
    return found


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h`, `2 d`."""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


_SAID = {
    State.PARKED: "parked: the standby refused, and what belongs to it waits (heal, retry or skip)",
    State.DIVERGED: "diverged: the standby answered differently (heal or skip)",
    State.ABANDONED: "abandoned: undecided when its side was lost (skip)",
    State.UNKNOWN: "unknown: nobody heard what became of it, and what belongs to it waits",
}
