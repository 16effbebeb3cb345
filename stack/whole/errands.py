"""All errands: who runs them, how often, and how long they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from stack.cast import Cast
from stack.operations import ADMIN, CADET, INSTRUCTOR, STAFF, USER
from stack.whole import administrator, cadet, everybody, grading, staff
from stack.whole.actor import Actor, Journey


@dataclass(frozen=True)
class Errand:
    """One kind of errand. *steps* is its usual number of requests, by which a rate becomes a rate of errands."""

    walk: Callable[[Actor], Journey]
    roles: tuple[str, ...]
    weight: float
    steps: int

    @property
    def name(self) -> str:
        """What it is called."""
        return self.walk.__name__


ERRANDS = (
    Errand(everybody.account, USER, 8, 7),
    Errand(everybody.sign_in, USER, 1, 3),
    Errand(everybody.notices, USER, 8, 6),
    Errand(everybody.push, USER, 2, 3),
    Errand(everybody.reading, USER, 14, 7),
    Errand(everybody.standing, USER, 12, 6),
    Errand(everybody.letter, USER, 2, 2),
    Errand(everybody.files, USER, 2, 7),
    Errand(everybody.chat, USER, 3, 10),
    Errand(everybody.listening, USER, 3, 8),
    Errand(cadet.own_record, (CADET,), 6, 5),
    Errand(cadet.history, (CADET,), 6, 3),
    Errand(staff.roll_call, STAFF, 2, 11),
    Errand(staff.same_mark, STAFF, 2, 4),
    Errand(staff.same_scan, STAFF, 1, 5),
    Errand(staff.letters, STAFF, 2, 4),
    Errand(staff.activity, STAFF, 2, 7),
    Errand(staff.report, STAFF, 1, 6),
    Errand(staff.colleagues, STAFF, 3, 5),
    Errand(grading.roster, STAFF, 12, 5),
    Errand(grading.cadet, STAFF, 2, 7),
    Errand(grading.same_cadet, STAFF, 2, 4),
    Errand(grading.grade, STAFF, 2, 10),
    Errand(grading.many_grades, STAFF, 2, 4),
    Errand(grading.same_grade, STAFF, 2, 4),
    Errand(administrator.personnel, (ADMIN,), 1, 7),
    Errand(administrator.spreadsheets, (ADMIN,), 1, 2),
    Errand(administrator.discharge, (ADMIN,), 1, 3),
    Errand(administrator.categories, (ADMIN,), 1, 3),
    Errand(administrator.settings, (ADMIN,), 2, 4),
    Errand(administrator.word_to_all, (ADMIN,), 1, 4),
)
# How many of an errand's people have which role, where it is one of several. In a school nearly all are cadets.
_SHARES = {CADET: 6, INSTRUCTOR: 3, ADMIN: 1}
MEAN_STEPS = sum(errand.weight * errand.steps for errand in ERRANDS) / sum(errand.weight for errand in ERRANDS)


def errands(seed: int, cast: Cast) -> Iterator[tuple[str, Journey, Actor]]:
    """Errands for ever, each with its name and who runs it; they follow from the seed alone.

    Each errand comes once for each of its roles before chance and weight decide, so that a short run has had all.
    """
    rng = Random(seed)
    first = [(errand, role) for errand in ERRANDS for role in errand.roles]
    rng.shuffle(first)
    weights, number = [errand.weight for errand in ERRANDS], 0
    while True:
        number += 1
        errand, role = first.pop() if first else _by_chance(rng, weights)
        own = Random(f"{seed}/{number}")
        me = Actor(own.choice(cast.of_role(role)), cast, own, f"{seed}-{number}")
        yield f"{errand.name} of {role}", errand.walk(me), me


def _by_chance(rng: Random, weights: list[float]) -> tuple[Errand, str]:
    errand = rng.choices(ERRANDS, weights)[0]
    return errand, rng.choices(errand.roles, [_SHARES[role] for role in errand.roles])[0]
