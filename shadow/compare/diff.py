"""Where two bodies differ. DeepDiff stays behind this file: it sees only lists of different lengths, within a bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from deepdiff import DeepDiff

from shadow.compare.decoding import NotComparable, NotComparedReason
from shadow.compare.normalise import canonical
from shadow.compare.paths import Path, path_text
from shadow.compare.rules import Place
from shadow.compare.walk import ABSENT, Difference, Forgiven, Kind, Walked, walk, weight

_WALKED_PER_SECOND = 300_000
_DEEP_PER_SECOND = 20_000
MOST_DIFFERENCES = 50
"""Different places (pattern and kind) that are named for one pair of answers."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one comparison may cost. Counted in values and not in seconds, so that the same pair always ends alike."""

    decoded: int  # bytes of a decoded body
    walked: int  # pairs of values
    deep: int  # values given to DeepDiff, and twenty times that many comparisons by it

    @classmethod
    def of(cls, seconds: float, body_limit: int) -> Limits:
        """Bounds that take about this long on a slow machine."""
        return cls(8 * body_limit, int(seconds * _WALKED_PER_SECOND), int(seconds * _DEEP_PER_SECOND))


@dataclass(frozen=True, slots=True)
class Found:
    """What sets two bodies apart, and what a rule allowed."""

    differences: tuple[Difference, ...] = ()
    forgiven: frozenset[Forgiven] = frozenset()


def compare_json(active: Any, standby: Any, place: Place, limits: Limits) -> Found:
    """Compare two parsed bodies. Raises NotComparable if they are too complex and no difference was met until then."""
    walked = walk(active, standby, place, limits.walked)
    budget = limits.deep
    for path, one, other, here in walked.unequal_lists:
        budget -= weight(one, budget) + weight(other, budget)
        _line_up(path, one, other, here, budget, walked)
    if not walked.complete and not walked.differing:
        raise NotComparable(NotComparedReason.TOO_COMPLEX)
    named = list(walked.differing.items())[:MOST_DIFFERENCES]
    differences = (Difference(path_text(p), pattern, kind, a, b) for (pattern, kind), (p, a, b) in named)
    return Found(tuple(differences), frozenset(walked.forgiven))


def parsed(body: bytes) -> Any:
    """The JSON value of a body. Raises ValueError if it is none."""
    return orjson.loads(body)


def _line_up(path: Path, one: list[Any], other: list[Any], here: Place, budget: int, walked: Walked) -> None:
    """Say which elements one of two lists has more, as far as the budget goes."""
    before = len(walked.differing)
    if budget > 0 and weight(one, budget) <= budget:
        active, standby = canonical(one, here), canonical(other, here)
        for kind, step, a, b in _deep(active, standby, budget):
            walked.differs((*path, *step), kind, a, b)
    if len(walked.differing) == before:
        walked.differs(path, Kind.LENGTH, len(one), len(other))


_KINDS = {
    "values_changed": Kind.VALUE,
    "type_changes": Kind.TYPE,
    "dictionary_item_added": Kind.ADDED,
    "dictionary_item_removed": Kind.MISSING,
    "iterable_item_added": Kind.ADDED,
    "iterable_item_removed": Kind.MISSING,
}


def _deep(active: list[Any], standby: list[Any], budget: int) -> list[tuple[Kind, Path, Any, Any]]:
    # Finding the most alike elements among those that are not the same costs every pair; only small lists get it.
    pairs = weight(active, budget) * len(standby)
    affordable = pairs <= 20 * budget
    delta = DeepDiff(
        active, standby, view="tree", ignore_order=True, report_repetition=True, ignore_numeric_type_changes=True,
        ignore_private_variables=False, cutoff_intersection_for_pairs=0.7 if affordable else 0,
    )  # fmt: skip
    found = [(kind, level) for name, kind in _KINDS.items() for level in delta.get(name, ())]
    return [
        (
            kind,
            tuple(level.path(output_format="list")),
            ABSENT if kind is Kind.ADDED else level.t1,
            ABSENT if kind is Kind.MISSING else level.t2,
        )
        for kind, level in found
    ]
