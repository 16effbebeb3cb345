"""One write and the states it goes through (design.md section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shadow.answer import Answer
from shadow.exchange import Fields


class State(StrEnum):
    """Where a write stands. The table below says what may follow."""

    INTENT = "intent"  # durable, its outcome not known yet
    DONE = "done"  # the active side did it: to be replayed
    FAILED = "failed"  # the active side refused it: nothing is ever sent to the standby
    UNKNOWN = "unknown"  # it may have happened, half or whole
    APPLIED = "applied"  # the standby did the same
    DIVERGED = "diverged"  # the standby took it and answered differently
    PARKED = "parked"  # the standby refused it: its lanes wait for a person or for heal
    HEALED = "healed"  # the standby got the rows instead
    SKIPPED = "skipped"  # a person said so
    ABANDONED = "abandoned"  # undecided when its side was lost


MOVES: Mapping[State, frozenset[State]] = {
    State.INTENT: frozenset({State.DONE, State.FAILED, State.UNKNOWN, State.ABANDONED}),
    State.UNKNOWN: frozenset({State.DONE, State.FAILED, State.HEALED, State.PARKED, State.ABANDONED}),
    State.DONE: frozenset({State.APPLIED, State.DIVERGED, State.PARKED, State.HEALED}),
    State.DIVERGED: frozenset({State.HEALED, State.SKIPPED}),
    State.PARKED: frozenset({State.DONE, State.HEALED, State.SKIPPED}),  # done again: to be tried once more
    State.ABANDONED: frozenset({State.SKIPPED}),
    State.FAILED: frozenset(),
    State.APPLIED: frozenset(),
    State.HEALED: frozenset(),
    State.SKIPPED: frozenset(),
}
UNDECIDED = frozenset({State.INTENT, State.UNKNOWN})
OPEN = UNDECIDED | {State.DONE, State.PARKED}
"""What stands in the way of later entries in its lanes."""
SETTLED = frozenset(State) - OPEN


class IllegalMove(Exception):
    """An entry cannot go from the one state to the other."""

    def __init__(self, was: State, wanted: State) -> None:
        super().__init__(f"an entry that is {was} cannot become {wanted}")


def moved(was: State, wanted: State) -> State:
    """`wanted`, if the table allows it. Raises IllegalMove."""
    if wanted not in MOVES[was]:
        raise IllegalMove(was, wanted)
    return wanted


@dataclass(frozen=True, slots=True)
class Request:
    """A write as it went to the active side. Bytes are those of the wire; only its journal may keep it, encrypted."""

    method: str
    target: bytes
    host: bytes
    headers: Fields
    body: bytes


@dataclass(frozen=True, slots=True)
class Intent:
    """What an edge asks the journal to admit. `id` is the Idempotency-Key that originals and copies carry."""

    id: str
    epoch: int
    at: float  # Unix time of arrival
    forward_by: float  # Unix time: not forwarded by then, it never will be
    route: str
    lanes: tuple[str, ...]
    request: Request
    client: str | None = None  # the client key of routing, for reading one's own writes
    actor: str | None = None  # the claims of the client's token as JSON, to mint another from
    key: str | None = None  # the client's own Idempotency-Key
    fingerprint: str = ""  # of target and body, to tell a repeat from another request under the same key
    sequence: str | None = None  # where the backend draws the id of what this write creates
    wait_until: float = 0.0  # Unix time up to which it keeps its place in the queue of a busy lane


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an admitted write on the active side: done, failed or unknown."""

    id: str
    state: State
    answer: Answer | None = None
    reason: str = ""
    ended: bool = False  # of an unknown: it can no longer land


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the journal. `request` and `answer` are None once they are purged."""

    number: int
    id: str
    epoch: int
    origin: str  # names of backends: who got the write, and who is to get the copy
    target: str
    route: str
    lanes: tuple[str, ...]
    at: float
    forward_by: float  # until then it may have begun on the active side
    after: int  # the newest completion when it began
    state: State
    completion: int | None = None
    horizon: int = 0  # the newest number when it completed
    ended: bool = False
    uncertain: bool = False  # parked while a copy of it may have landed: it is not to be sent again
    unanswered: bool = False  # a copy may have been sent, and what the standby did with it nobody was told
    attempts: int = 0
    sequence: str | None = None
    client: str | None = None
    actor: str | None = None
    reason: str = ""
    request: Request | None = None
    answer: Answer | None = None
    copied: bool = False  # the standby has answered its copy: only rows are still to come
    differed: str = ""  # how that answer differed, whatever state the entry is in since
