"""Walks two JSON bodies side by side: what a rule forgives, what differs, and which lists have to be lined up first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Final

from shadow.compare import ties
from shadow.compare.normalise import canonical, is_number, is_one_number, key_text, same_instant, same_number
from shadow.compare.paths import Path, pattern_text
from shadow.compare.rules import Place
from shadow.settings import Rule, RuleKind

DEEPEST = 100
"""Values nested deeper than this are not lined up: the encoders and the stack have their own limits."""


class Kind(StrEnum):
    """How two answers differ at one place."""

    STATUS = "status"
    MEDIA_TYPE = "media_type"
    LOCATION = "location"
    BODY = "body"  # bodies that are not JSON, and not the same bytes
    VALUE = "value"
    TYPE = "type"  # such as a number here and a string there
    MISSING = "missing"  # only the active backend has it
    ADDED = "added"  # only the standby has it
    ORDER = "order"  # the same elements in another order (found only where a rule names the fields it follows)
    LENGTH = "length"  # lists of different lengths, too large to say which elements


class Absent(StrEnum):
    """Stands for a field or an element that one side does not have."""

    ABSENT = "(absent)"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the answers differ; the first of its pattern and kind, others like it are not repeated."""

    path: str
    pattern: str
    kind: Kind
    active: Any
    standby: Any


@dataclass(frozen=True, slots=True)
class Forgiven:
    """A difference that a rule allows."""

    rule: str
    pattern: str
    kind: Kind
    below: bool = False  # it stands for every difference at the pattern and below it, whatever its kind


@dataclass(slots=True)
class Walked:
    """What a walk found. `complete` is False if it ran out of `budget`: then nothing is known about the rest."""

    budget: int
    differing: dict[tuple[str, Kind], tuple[Path, Any, Any]] = field(default_factory=dict)
    unequal_lists: list[tuple[Path, list[Any], list[Any], Place]] = field(default_factory=list)
    forgiven: set[Forgiven] = field(default_factory=set)
    complete: bool = True

    def differs(self, path: Path, kind: Kind, active: Any, standby: Any) -> None:
        """Note a difference."""
        self.differing.setdefault((pattern_text(path), kind), (path, active, standby))

    def affords(self, *values: Any) -> bool:
        """Take the weight of these values out of the budget; False if there is not that much left."""
        self.budget -= sum(weight(value, self.budget) for value in values)
        self.complete = self.complete and self.budget > 0
        return self.budget > 0

    def forgive(self, rule: Rule, path: Path, kind: Kind) -> None:
        """Note what a rule allowed."""
        below = rule.kind in (RuleKind.IGNORE, RuleKind.UNORDERED)
        self.forgiven.add(Forgiven(rule.name, pattern_text(path), kind, below))


# A pair of values still to be looked at: active, standby, the rules' place, the path.
_Pair = tuple[Any, Any, Place, Path]


def walk(active: Any, standby: Any, place: Place, budget: int) -> Walked:
    """Compare two parsed bodies, looking at no more than `budget` pairs of values."""
    walked = Walked(budget)
    waiting: list[_Pair] = [(active, standby, place, ())]
    while waiting:
        walked.budget -= 1
        if walked.budget < 0:
            walked.complete = False
            break
        one, other, here, path = waiting.pop()
        if type(one) is type(other) and not isinstance(one, (dict, list)) and one == other:
            continue
        if here.ignored is not None:
            if one != other or type(one) is not type(other):
                walked.forgive(here.ignored, path, kind_of(one, other))
        elif isinstance(one, dict) and isinstance(other, dict):
            waiting.extend(reversed(_fields(one, other, here, path)))
        elif isinstance(one, list) and isinstance(other, list):
            waiting.extend(reversed(_items(one, other, here, path, walked)))
        else:
            _judge(one, other, here, path, walked)
    return walked


def kind_of(active: Any, standby: Any) -> Kind:
    """How two different values differ."""
    if active is ABSENT:
        return Kind.ADDED
    if standby is ABSENT:
        return Kind.MISSING
    alike = type(active) is type(standby) or (is_number(active) and is_number(standby))
    return Kind.VALUE if alike else Kind.TYPE


def _judge(one: Any, other: Any, here: Place, path: Path, walked: Walked) -> None:
    """Two values of which at least one is a scalar or absent, and which are not the same."""
    if is_number(one) and is_number(other) and is_one_number(one, other):
        return  # JS prints 20 where Python prints 20.0; it is one JSON number
    kind = kind_of(one, other)
    if here.numeric and same_number(one, other):
        walked.forgive(here.numeric, path, kind)
    elif here.instant and same_instant(one, other, here.instant.precision):
        walked.forgive(here.instant, path, kind)
    elif here.null and {id(one), id(other)} == {id(ABSENT), id(None)}:
        walked.forgive(here.null, path, kind)
    else:
        walked.differs(path, kind, one, other)


def _fields(one: dict[str, Any], other: dict[str, Any], here: Place, path: Path) -> list[_Pair]:
    pairs = [(value, other.get(name, ABSENT), here.field(name), (*path, name)) for name, value in one.items()]
    if one.keys() != other.keys():
        pairs += [(ABSENT, other[name], here.field(name), (*path, name)) for name in other if name not in one]
    return pairs


def _items(one: list[Any], other: list[Any], here: Place, path: Path, walked: Walked) -> list[_Pair]:
    if here.unordered is not None:
        return _lined_up(one, other, here, path, walked)
    if len(one) != len(other) and here.item().ignored is None:
        walked.unequal_lists.append((path, one, other, here))
        return []
    item = here.item()
    pairs = zip_longest(one, other, fillvalue=ABSENT)
    return [(a, b, item, (*path, index)) for index, (a, b) in enumerate(pairs)]


def _lined_up(one: list[Any], other: list[Any], here: Place, path: Path, walked: Walked) -> list[_Pair]:
    """The elements of two lists of which the order does not matter, in pairs that belong together."""
    if not walked.affords(one, other):
        return []
    assert here.unordered is not None
    item, key = here.item(), here.unordered.key
    places = _by_key(other, item, key)
    partner = [places[k].popleft() if places.get(k := _key(value, item, key)) else None for value in one]
    left_over = deque(sorted(index for indexes in places.values() for index in indexes))
    if _explained(one, other, partner, left_over, here, path, walked):
        return [(value, other[there], item, (*path, n)) for n, (value, there) in _met(one, partner)]
    pairs: list[_Pair] = []
    for index, (value, there) in enumerate(zip(one, partner, strict=True)):
        if there is None and key is None and left_over:
            there = left_over.popleft()  # without a key, what is left belongs together as well as anything
        pairs.append((value, ABSENT if there is None else other[there], item, (*path, index)))
    return pairs + [(ABSENT, other[there], item, (*path, there)) for there in left_over]


def _met(one: list[Any], partner: list[int | None]) -> list[tuple[int, tuple[Any, int]]]:
    """The elements that both lists have: where each is in one, its value, and where it is in the other."""
    both = enumerate(zip(one, partner, strict=True))
    return [(index, (value, there)) for index, (value, there) in both if there is not None]


def _explained(
    one: list[Any], other: list[Any], partner: list[int | None], left_over: deque[int], here: Place, path: Path,
    walked: Walked,
) -> bool:  # fmt: skip
    """Whether the rule allows what sets the order apart, and what only one of the lists has: that needs ties."""
    rule, item = here.unordered, here.item()
    assert rule is not None
    order, others = ([_order(value, item, rule.ties) for value in values] for values in (one, other))
    missing = [index for index, there in enumerate(partner) if there is None]
    exchanged = bool(rule.ties) and ties.over_the_edge(order, others, missing, left_over)
    if rule.ties and ties.out_of_order(partner, order):
        walked.differs(path, Kind.ORDER, [text.decode() for text in order], [text.decode() for text in others])
    elif exchanged or any(there is not None and there != index for index, there in enumerate(partner)):
        walked.forgive(rule, path, Kind.ORDER)
    return exchanged


def _order(value: Any, item: Place, fields: tuple[str, ...]) -> bytes:
    """What a list orders this element by."""
    known = value if isinstance(value, dict) else {}
    return key_text([canonical(known.get(name), item.field(name)) for name in fields])


def _by_key(values: list[Any], item: Place, key: str | None) -> dict[bytes, deque[int]]:
    places: dict[bytes, deque[int]] = {}
    for index, value in enumerate(values):
        places.setdefault(_key(value, item, key), deque()).append(index)
    return places


def _key(value: Any, item: Place, key: str | None) -> bytes:
    """What tells an element apart: its field `key`, or all of it."""
    if key is not None and isinstance(value, dict) and key in value:
        return key_text(canonical(value[key], item.field(key)))
    return key_text(canonical(value, item))


def weight(value: Any, limit: int) -> int:
    """How many values are inside, counted up to `limit`; more than `limit` also if they are nested too deeply."""
    waiting, count = [(value, 0)], 0
    while waiting and count <= limit:
        inner, depth = waiting.pop()
        count += 1
        if depth > DEEPEST:
            return limit + 1
        if isinstance(inner, dict):
            waiting.extend((child, depth + 1) for child in inner.values())
        elif isinstance(inner, list):
            waiting.extend((child, depth + 1) for child in inner)
    return count
