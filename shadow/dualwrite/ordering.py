"""Lanes and the order of writes in them: who may run beside whom, who may be replayed, when a refusal is final."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from shadow.dualwrite.entry import OPEN, SETTLED, Entry, State

EVERYTHING = ""
"""The lane above all lanes: what a write has whose route declares none."""


_FEW = 32  # pairs of lanes that are compared at less cost than sets are made


def conflict(one: Collection[str], other: Collection[str]) -> bool:
    """Whether two sets of lanes have a lane in common, or one holds an ancestor of a lane of the other."""
    if len(one) * len(other) <= _FEW:
        return any(_above(a, b) or _above(b, a) for a in one for b in other)
    return Taken(other).meets(one)


def _above(upper: str, lower: str) -> bool:
    return upper in (EVERYTHING, lower) or lower.startswith(upper + "/")


def _ancestors(lane: str) -> Iterator[str]:
    """What lies above it: a few, however many lanes there are. To compare hundreds with hundreds takes a tenth of a
    second."""
    if lane:
        yield EVERYTHING
    end = lane.find("/")
    while end >= 0:
        yield lane[:end]
        end = lane.find("/", end + 1)


class Taken:
    """Lanes that somebody has, for asking of many others whether they meet them."""

    def __init__(self, lanes: Iterable[str] = ()) -> None:
        self._lanes: set[str] = set()
        self._above: set[str] = set()
        self.add(lanes)

    def add(self, lanes: Iterable[str]) -> None:
        """These, too."""
        for lane in lanes:
            self._lanes.add(lane)
            self._above.update(_ancestors(lane))

    def meets(self, lanes: Iterable[str]) -> bool:
        """Whether one of them is taken, or lies above or below one that is."""
        return any(
            lane in self._lanes or lane in self._above or not self._lanes.isdisjoint(_ancestors(lane)) for lane in lanes
        )


def minimal(lanes: Iterable[str]) -> tuple[str, ...]:
    """The lanes without those below another of them, sorted: an entry must not be in its own way."""
    found = set(lanes)
    if len(found) == 1:
        return tuple(found)
    return tuple(sorted(lane for lane in found if found.isdisjoint(_ancestors(lane))))


def within(lanes: Iterable[str], others: Collection[str]) -> bool:
    """Whether each of the lanes is one of the others or lies below one."""
    return all(lane in others or any(above in others for above in _ancestors(lane)) for lane in lanes)


def heads(waiting: Sequence[tuple[str, ...]]) -> list[int]:
    """Places in the queue, first come first served, of those that share no lane with one before them."""
    passed = Taken()
    found = []
    for place, lanes in enumerate(waiting):
        if not passed.meets(lanes):
            found.append(place)
        passed.add(lanes)
    return found


def stuck(entries: Iterable[Entry]) -> frozenset[int]:
    """Numbers of what is unknown or parked and of all that waits behind it in its lanes, directly or not.

    They stop their own lanes and nobody else: were they to hold up the completion clock, one parked entry would stop
    all replay.
    """
    lanes = Taken()
    found = set()
    for entry in sorted(entries, key=lambda entry: entry.number):
        stops = entry.state in (State.UNKNOWN, State.PARKED)
        if stops or (entry.state is State.DONE and lanes.meets(entry.lanes)):
            found.add(entry.number)
            lanes.add(entry.lanes)
    return frozenset(found)


def in_the_way(
    entry: Entry, others: Iterable[Entry], stuck: frozenset[int], waited_for: Collection[int] = ()
) -> str | None:
    """Why the entry may not be replayed yet, or None (design.md section 4, *Order*; I8).

    `others` holds at least all entries that are not settled; `stuck` is what the function of that name finds in them;
    `waited_for` are copies that whoever sends the entry waits for.
    """
    for other in others:
        if other.number == entry.number or other.state in SETTLED:
            continue
        was_before = other.state is State.DONE and (other.completion or 0) <= entry.after
        if was_before and other.number in waited_for:
            continue
        if was_before and other.number not in stuck:
            return f"{other.number} had completed before it began and is not settled"
        if other.number < entry.number and conflict(other.lanes, entry.lanes):
            return f"{other.number} is {other.state} in its lanes"
    return None


def overtaken(entry: Entry, others: Iterable[Entry]) -> bool:
    """Whether a later entry began in its lanes: then nobody knows which of the two the database took first."""
    return any(other.number > entry.number and conflict(other.lanes, entry.lanes) for other in others)


def is_final(entry: Entry, others: Iterable[Entry], refused: Mapping[int, int], progress: int) -> bool:
    """Whether the standby's refusal counts: nothing that may have been visible to the entry is still to come.

    That is all that had started before the entry *completed*. `refused` says at which `progress` (count of settled
    entries) an entry was refused last; of several that wait for each other the first one gives up.
    """
    return not any(
        other.number <= entry.horizon
        and other.number != entry.number
        and other.state in OPEN - {State.PARKED}
        and not (refused.get(other.number) == progress and other.number > entry.number)
        for other in others
    )


def closure(lanes: Iterable[str], entries: Iterable[Entry]) -> tuple[str, ...]:
    """The lanes together with those of every unsettled entry that touches them: what must be healed as one."""
    unsettled = [entry for entry in entries if entry.state in OPEN]
    found = set(lanes)
    while True:
        touched = Taken(found)
        more = {lane for entry in unsettled if touched.meets(entry.lanes) for lane in entry.lanes}
        if more <= found:
            return minimal(found)
        found |= more
