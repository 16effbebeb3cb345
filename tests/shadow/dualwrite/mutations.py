"""The ways in which we know how to break the replayer, the resolver and the journal, as changes of their own code."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from shadow.answer import Answer
from shadow.dualwrite import copying, ordering, replay, resolve, statements
from shadow.dualwrite.admission import Flip, Settlement
from shadow.dualwrite.care import Care
from shadow.dualwrite.copying import Copying
from shadow.dualwrite.entry import SETTLED, Entry, Outcome, State
from shadow.dualwrite.landing import Landing
from shadow.dualwrite.pinning import Pins
from shadow.dualwrite.replay import Replayer
from shadow.dualwrite.resolve import Resolver
from shadow.dualwrite.retry import Act
from shadow.dualwrite.testing import CREATED, InMemoryJournal, journal, writes
from tests.shadow.dualwrite.backends import CREATE, PLAIN, ROWS
from tests.shadow.dualwrite.programs import COURSES, FAULTS, ROUTES, Step

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutation:
    """A change, and the side that has to be active for it to show: "old" has no ids, "new" has."""

    patch: Patch
    active: str
    leaning: bool = False
    courses: tuple[str, ...] = COURSES
    routes: tuple[str, ...] = ROUTES
    faults: tuple[str, ...] = FAULTS


def _nothing(*_: object) -> Any:
    async def done() -> None:
        return None

    return done()


def _yes(*_: object) -> Any:
    async def done() -> bool:
        return True

    return done()


def _never(*_: object) -> bool:
    return False


def _lanes_hold_nobody_back(patch: pytest.MonkeyPatch) -> None:
    def only_the_clock(entry: Entry, others: Any, stuck: frozenset[int], waited_for: Any = ()) -> str | None:
        earlier = [other for other in others if other.state is State.DONE and (other.completion or 0) <= entry.after]
        return "the clock" if any(other.number not in stuck | set(waited_for) for other in earlier) else None

    patch.setattr(journal, "in_the_way", only_the_clock)


def _unknown_lanes_go_on(patch: pytest.MonkeyPatch) -> None:
    def without_unknown(entry: Entry, others: Any, stuck: frozenset[int], waited_for: Any = ()) -> str | None:
        known = [other for other in others if other.state is not State.UNKNOWN]
        return ordering.in_the_way(entry, known, stuck, waited_for)

    patch.setattr(journal, "in_the_way", without_unknown)


def _expired(state: State) -> Patch:
    def patched(patch: pytest.MonkeyPatch) -> None:
        async def expire(journal: InMemoryJournal, before: float) -> None:
            late = [n for n, i in journal.intents.items() if i.forward_by < before]
            for entry in [journal.all[number] for number in late if journal.all[number].state is State.INTENT]:
                await journal.outcomes([Outcome(entry.id, state, CREATED)])

        patch.setattr(InMemoryJournal, "expire", expire)

    return patched


def _every_try_has_an_id_of_its_own(patch: pytest.MonkeyPatch) -> None:
    tries, honest = itertools.count(), copying.copy_of

    def copy_of(*given: Any, **more: Any) -> Any:
        copy = honest(*given, **more)
        return replace(copy, id=f"{copy.id} {next(tries)}")

    patch.setattr(copying, "copy_of", copy_of)


def _what_is_unknown_counts_as_failed(patch: pytest.MonkeyPatch) -> None:
    def recorded(entry: Entry, answer: Answer) -> Outcome:
        return Outcome(entry.id, State.FAILED, answer)

    patch.setattr(resolve, "_recorded", recorded)


def _any_backend_has_ids(patch: pytest.MonkeyPatch) -> None:
    honest = copying.decide
    patch.setattr(copying, "decide", lambda heard, ids, attempts: honest(heard, ids=True, attempts=attempts))


def _a_refusal_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    honest = copying.decide

    def decide(*given: Any, **more: Any) -> Any:
        decision = honest(*given, **more)
        return replace(decision, act=Act.COMPARE) if decision.act is Act.REFUSED else decision

    patch.setattr(copying, "decide", decide)
    patch.setattr(copying, "judged", lambda *_: (State.APPLIED, ""))


def _rows_are_not_carried(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Copying, "_carried", lambda _, entry, why: Settlement(entry.number, State.APPLIED, why))


def _copied_counts_as_applied(patch: pytest.MonkeyPatch) -> None:
    def copied(_: Copying, entry: Entry, differed: str, answer: Answer | None) -> Settlement:
        return Settlement(entry.number, State.APPLIED, differed)

    patch.setattr(Copying, "_copied", copied)


def _heal_waits_for_nothing(patch: pytest.MonkeyPatch) -> None:
    """It neither waits, nor looks whether all that it takes along could be marked."""
    patch.setattr(Resolver, "_calm", _yes)
    patch.setattr(Resolver, "_marked", _yes)


def _heal_is_not_closed(patch: pytest.MonkeyPatch) -> None:
    def alone(lanes: Sequence[str], entries: Any) -> tuple[str, ...]:
        return ordering.minimal(lanes)

    patch.setattr(resolve, "closure", alone)
    patch.setattr(journal, "within", ordering.conflict)  # which alone would leave them for another heal


def _heal_stands_for_all(patch: pytest.MonkeyPatch) -> None:
    """Of the lanes' entries also those that it never looked at: everything that is not settled."""

    async def heal(journal: InMemoryJournal, id: str, lanes: Sequence[str], completion: int) -> list[int]:
        found = [entry for entry in journal.all.values() if entry.state not in SETTLED | {State.FAILED, State.INTENT}]
        for entry in found:
            journal.sending.pop(entry.number, None)
            journal._change(entry, state=State.HEALED)
        return [entry.number for entry in found]

    patch.setattr(InMemoryJournal, "heal", heal)


def _flips_without_a_look(patch: pytest.MonkeyPatch) -> None:
    async def flip(journal: InMemoryJournal, epoch: int, fence: object) -> Flip:
        journal.roles.fence = None
        journal.roles.flip()
        return Flip.FLIPPED

    patch.setattr(InMemoryJournal, "flip", flip)


def _ahead(*, waits: bool) -> Patch:
    """What was claimed ahead of its turn is sent at once, or once all before it has ended, however it did."""
    honest = replay._went_well

    async def went_well(copies: Any, within: float | None) -> bool:
        if waits:
            await honest(copies, within)
        return True

    return _set(replay, "_went_well", went_well)


def _set(target: object, name: str, value: object) -> Patch:
    return lambda patch: patch.setattr(target, name, value)


MUTATIONS = {
    "a copy is sent before what is before it in its lanes": Mutation(_lanes_hold_nobody_back, "old"),
    "what was claimed ahead of its turn is sent at once": Mutation(_ahead(waits=False), "old", courses=("ok",)),
    "what was claimed ahead of its turn is sent although what is before it failed": Mutation(
        _ahead(waits=True), "old", courses=("ok",)
    ),
    "an unknown outcome does not stop its lanes": Mutation(_unknown_lanes_go_on, "old", courses=("ok", "late")),
    "the intent of a dead edge counts as failed": Mutation(_expired(State.FAILED), "old"),
    "the intent of a dead edge counts as done": Mutation(_expired(State.DONE), "old"),
    "every try has an id of its own": Mutation(_every_try_has_an_id_of_its_own, "old"),
    "what is unknown counts as failed": Mutation(_what_is_unknown_counts_as_failed, "new"),
    "nobody looks after what is unknown": Mutation(_set(Resolver, "resolve_unknown", _nothing), "old"),
    "rows are taken while a request may still land": Mutation(_set(Landing, "is_over", _yes), "old"),
    "what may have happened is sent again without ids": Mutation(_any_backend_has_ids, "new"),
    "a refusal is passed over": Mutation(_a_refusal_is_passed_over, "old"),
    "the first refusal is final": Mutation(
        _set(copying, "is_final", lambda *_: True), "old", leaning=True, courses=("ok", "open after")
    ),
    "nothing is pinned": Mutation(_set(copying, "pins_of", lambda *_, **__: Pins()), "old", courses=("ok", "4xx")),
    "no sequence is set": Mutation(_set(copying, "sequence_value", lambda *_: None), "new"),
    "creates on one sequence go side by side": Mutation(
        _set(Replayer, "_unmodified", lambda _: []), "new", courses=("ok", "open after"), routes=(CREATE,)
    ),
    "rows are not carried": Mutation(_rows_are_not_carried, "old"),
    "nobody looks after the copies of an earlier leader": Mutation(_set(Care, "_see_to_orphans", _nothing), "old"),
    "heal takes some lanes of what hangs together": Mutation(_heal_is_not_closed, "old"),
    "heal does not wait for what is in flight": Mutation(
        _heal_waits_for_nothing, "old", courses=("ok", "open after", "5xx", "5xx")
    ),
    "rows are carried while a copy may still land on top of them": Mutation(
        _set(Landing, "copy_may_land", _never), "old", courses=("ok", "5xx"), routes=(PLAIN,), faults=("late",)
    ),
    "the roles are swapped although the standby has not caught up": Mutation(_flips_without_a_look, "old"),
    "heal settles what it has not carried": Mutation(_heal_stands_for_all, "old"),
    "a late answer counts although it was overtaken": Mutation(
        _set(writes, "overtaken", lambda *_: False), "old", courses=("ok", "late")
    ),
}

_EARLIER_IN_ITS_LANES = """
               AND (clock.calm OR NOT EXISTS (
                   SELECT FROM cutover.journal_lane mine JOIN cutover.journal_lane l ON l.span && mine.span
                   WHERE mine.number = w.number AND l.number < w.number))"""
_OVERTAKEN = """EXISTS (
            SELECT FROM cutover.journal_lane mine JOIN cutover.journal_lane l ON l.span && mine.span
            WHERE mine.number = e.number AND l.number > e.number
        )"""
_KEPT = "UPDATE cutover.journal_lane SET claimed = false WHERE number = e.number AND claimed;\n            noted"

A = ("a",)
BEHIND_AN_UNKNOWN: list[Step] = [
    ("write", A, "lost", PLAIN), ("write", A, "ok", PLAIN), ("write", ("b/1",), "ok", PLAIN), ("turns", 2)
]  # fmt: skip
STATEMENTS: dict[str, tuple[str, str, list[Step]]] = {
    "a copy is sent before what is before it in its lanes": (
        _EARLIER_IN_ITS_LANES, "", BEHIND_AN_UNKNOWN
    ),
    "what waits for rows that are still to be carried is claimed ahead": (
        "l.after < barrier.stop", "true", [("write", A, "ok", ROWS), ("write", A, "ok", PLAIN), ("turns", 2)]
    ),
    "an unknown outcome does not stop its lanes": (
        _KEPT, "DELETE FROM cutover.journal_lane WHERE number = e.number;\n            noted",
        BEHIND_AN_UNKNOWN,
    ),
    "a late answer counts although it was overtaken": (
        _OVERTAKEN, "false", [("write", A, "late", PLAIN), ("write", A, "ok", PLAIN), ("lands", True), ("turns", 3)]
    ),
    "the roles are swapped although a write is on its way to the standby": (
        "EXISTS (SELECT FROM cutover.journal_entry WHERE state = 'done')", "false",
        [("write", A, "ok", PLAIN), ("turns", 1, ("hangs",)), ("flips",)],
    ),
    "the roles are swapped although an outcome is not known": (
        "EXISTS (SELECT FROM cutover.journal_entry WHERE state IN ('intent', 'unknown'))", "false",
        [("write", A, "late", PLAIN), ("lands", False), ("flips",)],
    ),
    "rows are carried while a copy may still land on top of them": (
        "coalesce(NOT m.ended, e.unanswered)", "false",
        [("write", A, "ok", PLAIN), ("turns", 1, ("late",)), ("write", A, "5xx", PLAIN), ("turns", 1),
         ("copy lands",)],
    ),
    "the intent of a dead edge counts as failed": (
        "SET state = 'unknown', reason = 'its edge fell silent'",
        "SET state = 'failed', reason = 'its edge fell silent', settled_at = now()",
        [("write", A, "dies after", PLAIN), ("time", 400), ("turns", 3)],
    ),
}  # fmt: skip
"""What is broken in the statements: their words, the other words, and a program that shows it."""
CAUGHT_BY_THE_SCHEMA = {"a late answer counts although it was overtaken"}
"""Of these the constraint that forbids two copies in a lane says so, before any promise is broken."""


def break_statements(patch: pytest.MonkeyPatch, honest: str, broken: str) -> None:
    """Have the journal made, and asked, with other words. Raises LookupError if nobody says these any more."""
    asked = {name: text for name, text in statements.QUERIES.items() if honest in text}
    if statements.SCHEMA.count(honest) + len(asked) == 0:
        raise LookupError(honest)
    patch.setattr(statements, "SCHEMA", statements.SCHEMA.replace(honest, broken))
    for name, text in asked.items():
        patch.setitem(statements.QUERIES, name, text.replace(honest, broken))
