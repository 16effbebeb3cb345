"""Programs of writes, faults and time for the real replayer, resolver and journal, and what holds after every step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import strategies as st

from shadow.dualwrite.entry import State
from tests.shadow.dualwrite.backends import BOTH, CELLS, CREATE, PLAIN, ROWS, Stand

Step = tuple[object, ...]
COURSES = ("ok", "ok", "ok", "ok", "4xx", "5xx", "lost", "never", "late", "dies", "dies after", "open after")
LANES = st.sampled_from((("a",), ("b/1",), ("b",), ("a", "b/1")))
ROUTES = (PLAIN, PLAIN, CREATE, ROWS, BOTH)
FAULTS = ("none", "none", "busy", "lost", "lost after", "late", "hangs", "hangs after")
LATER = st.sampled_from(
    [("lands", True), ("lands", False), ("copy lands",), ("finish",), ("poison",), ("another leads",)]
)
FLIPS = st.just(("flips",))
TIME = st.tuples(st.just("time"), st.sampled_from((1, 40, 400)))


def programs(
    courses: Sequence[str] = COURSES, routes: Sequence[str] = ROUTES, faults: Sequence[str] = FAULTS
) -> st.SearchStrategy[list[Step]]:
    """Programs whose writes go by these routes, and take one of these courses on the active side; copies meet these
    faults."""
    befall = st.lists(st.sampled_from(faults), max_size=4).map(tuple)
    turns = st.tuples(st.just("turns"), st.integers(1, 3), befall)
    write = st.tuples(st.just("write"), LANES, st.sampled_from(courses), st.sampled_from(routes))
    return st.lists(st.one_of(write, write, write, turns, turns, LATER, TIME, FLIPS), max_size=30)


async def check(stand: Stand) -> None:
    """I3 and I4: at most once on each side, and the standby's effects in the order of the active side's; nobody has to
    decide about what the standby never refused, and no two answers differ."""
    active = stand.backends.sides[stand.active]
    standby = stand.backends.sides[stand.standby]
    for cell in CELLS:
        one, other = active.cells[cell], standby.cells[cell]
        assert len(one) == len(set(one)), f"twice in {cell}: {one}"
        assert len(other) == len(set(other)), f"twice in {cell}: {other}"
        assert other == one[: len(other)], f"in {cell} {other} is not a prefix of {one}"
    counts = await stand.journal.counts()
    assert State.DIVERGED not in counts, "answers differ"
    parked = {entry.number for entry in await stand.journal.open_entries() if entry.state is State.PARKED}
    reasons = stand.poison | {op for op, on in stand.leans.items() if on in stand.poison | parked}
    assert parked <= reasons, f"parked without a reason: {parked - reasons}"


async def run(stand: Stand, program: list[Step]) -> None:
    """Raises AssertionError as soon as a promise is broken, or if the sides are not equal once faults are gone (L1)."""
    try:
        for what, *with_ in program:
            match what:
                case "write":
                    await stand.write(*with_)  # type: ignore[arg-type]
                case "turns":
                    await stand.turns(*with_)  # type: ignore[arg-type]
                    if stand.backends.late:
                        await stand.settles()
                case "lands":
                    await stand.lands(*with_)  # type: ignore[arg-type]
                case "copy lands":
                    await stand.copy_lands()
                case "finish":
                    await stand.finishes()
                case "poison":
                    stand.poisoned()
                case "flips":
                    await stand.flips()
                case "another leads":
                    await stand.another_leads()
                case _:
                    stand.clock.turn(float(str(with_[0])))
            await check(stand)
        if stand.replayer._running:
            await stand.another_leads()  # a copy that hangs for ever is a fault
        await stand.calm()
        await check(stand)
        assert stand.equal(), "with faults gone both sides are equal (L1)"
    finally:
        stand.close()
        await asyncio.sleep(0)
