"""The answers of the journal to an intent, and what every journal promises."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shadow.answer import Answer
from shadow.dualwrite.entry import Entry, Intent, Outcome, State


class Why(StrEnum):
    """Why an intent was not admitted, with what its edge should do."""

    QUEUED = "queued"  # a lane is busy: ask again, the place in the queue is kept
    FENCED = "fenced"  # new writes are held for a moment: ask again
    STALE_EPOCH = "stale_epoch"  # the roles have changed: route again
    PARKED = "parked"  # the side that is active now lacks a write of these lanes: 503
    KEY_REUSED = "key_reused"  # another request was sent under the client's key: 422
    KEY_RUNNING = "key_running"  # the first request under this key is under way, or its answer is not kept: 409
    UNAVAILABLE = "unavailable"  # the journal does not answer: 503 with Retry-After


@dataclass(frozen=True, slots=True)
class Admitted:
    """The write is durable and has its number: forward it before `forward_by`, then tell its outcome."""

    number: int
    after: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The write must not be forwarded."""

    why: Why
    epoch: int = 0  # the journal's, for STALE_EPOCH


@dataclass(frozen=True, slots=True)
class Repeated:
    """The client's key was used for the very same request before: this was the answer, send it again."""

    number: int
    answer: Answer


Admission = Admitted | Refused | Repeated


class Noted(StrEnum):
    """What became of an outcome that was told."""

    NOTED = "noted"  # durable; the client may have its answer
    OVERTAKEN = "overtaken"  # durable, but the standby can only be healed; the client had its 504 long ago
    ABANDONED = "abandoned"  # its side was lost meanwhile: the client must not get a success
    MISSING = "missing"  # no such intent


NEWEST = 2**62
"""Above every number."""
COPIED = "copied"
"""The standby has answered a copy whose rows are still to be carried: it is never sent again, by no leader."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a replayer says of one copy: settled, to be tried again, copied, lost on its way, or never sent."""

    number: int
    act: State | str  # APPLIED, DIVERGED, PARKED, "retry", "wait" (a retry that is not counted), COPIED, "lost",
    # "back" (it was not sent), "again" (nor by us, but perhaps by an earlier leader: an orphan it stays)
    reason: str = ""  # of COPIED: how the answers differed, if they did
    retry_at: float = 0.0  # of "retry": not before; of "lost": when it ended for sure, if it did
    answer: Answer | None = None
    id: str = ""  # the entry's, under which the answer is sealed
    ended: bool | None = None  # False: this copy may still land; True: no copy can any more; None: as before

    def __post_init__(self) -> None:
        if self.answer is not None and not self.id:
            raise ValueError("an answer is sealed under the id of its entry")


@dataclass(frozen=True, slots=True)
class Orphan:
    """A copy whose sender no longer waits for it; from `deadline` on it cannot land any more."""

    number: int
    deadline: float
    lost: bool


class Appends(Protocol):
    """The journal as a writer uses it. All methods raise JournalUnavailable; repeating one changes nothing."""

    async def commit(
        self, outcomes: Sequence[Outcome], intents: Sequence[Intent], now: float
    ) -> tuple[list[Noted], list[Admission]]:
        """Make outcomes durable, each done or failed one with the next completion number; then admit what may be
        admitted, in this order, with an answer for each. All in one commit."""

    async def forget_waiting(self, ids: Sequence[str], now: float) -> None:
        """Give up places in the queue."""

    async def stay(self) -> None:
        """Be connected: see `Replays.absent`."""

    async def tail(self) -> Mapping[str, int]:
        """{client key → its newest entry that is not settled}."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a replayer can take on now."""

    most: int
    targets: Sequence[str]
    one_by_one: Sequence[str]  # sides without ids, whose sequences are set
    apart: Sequence[str]  # routes whose entries no answer settles: nothing is taken ahead of these
    under_way: Sequence[int]  # copies that are waited for
    now: float
    deadline: float  # of what is claimed: it cannot land later


class Replays(Protocol):
    """The journal as a replayer uses it. All methods raise JournalUnavailable."""

    async def lead(self, holder: str, term: int, lease: float) -> int | None:
        """Become the leader or stay it; the term, or None while another one leads."""

    async def step_down(self, holder: str, term: int) -> None:
        """Let another replayer lead at once."""

    async def turn(self, term: int, settlements: Sequence[Settlement], room: Room) -> tuple[list[bool], list[Entry]]:
        """Whether each settlement was heard (a replayer of an earlier term is not), and what may be sent, its `sending`
        durable: entries with request and answer, in the order of their completion.

        Some wait for others of these, or of those that are said to be under way: whatever had completed before an entry
        began has to be applied before the entry is sent; if that fails, it is not sent and given "back".
        """

    async def settle(self, term: int, settlements: Sequence[Settlement]) -> list[bool]:
        """The same without taking anything on."""

    async def orphans(self, term: int) -> list[Orphan]:
        """Copies of earlier terms, and lost ones."""

    async def adopt(self, term: int, number: int, deadline: float, under_way: Sequence[int]) -> bool:
        """Take over an orphan in order to send it again by its id, after those under way that it waits for. False if it
        is no orphan any more, its turn has not come, or its lanes are held."""

    async def let_go(self, term: int, number: int, now: float) -> None:
        """An orphan ahead of its turn that nobody waits for is sent in its turn; it may have been sent before."""

    async def only_rows(self, numbers: Sequence[int], now: float, by_id: Sequence[str] = ()) -> list[int]:
        """Never send these again, whatever becomes of them: their rows are carried. Those of them that are not being
        sent (`under_way`), and only those are marked."""

    async def explain(self, number: int, why: str) -> None:
        """Keep why an entry is not settled yet."""

    async def closed(self, numbers: Sequence[int]) -> None:
        """No copy of these can land any more."""

    async def open_entries(self, up_to: int = NEWEST, most: int = NEWEST) -> list[Entry]:
        """What is not settled, without bodies: the oldest so many, up to a number. All of it may be very much."""

    async def open_in(self, lanes: Sequence[str]) -> list[Entry]:
        """Of these those that share a lane with one of the lanes."""

    async def unknown_entries(self) -> list[Entry]:
        """Of these those whose outcome is unknown."""

    async def entries(self, numbers: Sequence[int]) -> list[Entry]:
        """These entries with request and answer."""

    async def outcomes(self, outcomes: Sequence[Outcome]) -> list[Noted]:
        """Make outcomes durable: the resolver's answer to an unknown."""

    async def park(self, number: int, reason: str) -> None:
        """What nothing can settle waits for a person, and is never sent again by itself."""

    async def expire(self, before: float) -> None:
        """Intents that were to be forwarded before this time and whose outcome was never told become unknown."""

    async def absent(self, before: float) -> set[int]:
        """Writers that are not connected now, though something that came before this time and that they admitted is
        under way. A writer without a presence of its own never is."""

    async def bereave(self, writers: Collection[int], before: float) -> None:
        """Of this, what these admitted becomes unknown, unless they are back."""

    async def hold(self, id: str, lanes: Sequence[str], seconds: float) -> None:
        """Admit and replay nothing new in these lanes; again: more lanes."""

    async def renew(self, id: str, lanes: Sequence[str], seconds: float) -> bool:
        """Hold these for longer; False if any was let go meanwhile, for a hold ends by itself."""

    async def under_way(self, id: str, now: float, by_id: Sequence[str] = ()) -> list[int]:
        """What can still change something in the held lanes. A copy to one of the sides that know copies by their ids
        is under way until somebody has said what became of it; to any other until its deadline."""

    async def position(self) -> tuple[int, int]:
        """The newest number and the newest completion."""

    async def heal(self, id: str, lanes: Sequence[str], completion: int) -> list[int] | None:
        """Mark as healed what the rows of these lanes stand for, which the hold has. None, and nothing was marked, if
        one of them is not held any more."""

    async def release(self, id: str) -> None:
        """Let the held lanes go on."""


class Flip(StrEnum):
    """What became of a wish to swap the roles; but for the first, nothing was changed."""

    FLIPPED = "flipped"  # one epoch later: the standby is active
    STALE_EPOCH = "stale_epoch"  # somebody else has swapped them
    UNFENCED = "unfenced"  # writes are not held, or not by this fence any more
    UNDECIDED = "undecided"  # a write is under way, or its outcome is not known
    BEHIND = "behind"  # the standby lacks a write, or is still being copied
    UNRESOLVED = "unresolved"  # the two sides differ, and a person has to decide


class Flips(Protocol):
    """The journal as whoever swaps the roles uses it. All methods raise JournalUnavailable."""

    async def fence(self, seconds: float) -> object | None:
        """Admit nothing new for at most so long. What marks this fence, or None while another one stands."""

    async def lift(self, fence: object) -> bool:
        """Admit writes again; False if the fence had ended before."""

    async def flip(self, epoch: int, fence: object) -> Flip:
        """Swap the roles in one step that looks itself whether it may: a planned flip (design.md section 7, step 6)."""
