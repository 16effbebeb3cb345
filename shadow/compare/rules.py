"""Which allowed differences hold where: from the configured rules to what the walk asks at each place of a body."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shadow.compare import paths
from shadow.compare.paths import Pattern, PatternStep, Wild
from shadow.settings import Rule, RuleKind

_MOST_PLACES = 20_000


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule with its patterns read."""

    rule: Rule
    patterns: tuple[Pattern, ...]
    parts: frozenset[str]

    def covers(self, path: tuple[PatternStep | int, ...]) -> bool:
        """Whether the rule holds at this place of the body."""
        return not self.rule.paths or any(pattern.matches(path) for pattern in self.patterns)

    def covers_part(self, part: str) -> bool:
        """Whether the rule names this part of an answer; a rule without paths is about the body alone."""
        return part in self.parts


def compiled(rule: Rule) -> Compiled:
    """Raises ValueError if a path of the rule cannot be read."""
    parts = frozenset(rule.paths) & frozenset(paths.PARTS)
    return Compiled(rule, tuple(paths.parse(path) for path in rule.paths if path not in parts), parts)


class Place:
    """A place in a body, or all places alike (every element of a list is one), with the rules that hold there.

    Places are made when they are first met and kept, so that a rule's patterns are matched once for each and not once
    for every value.
    """

    __slots__ = ("_children", "_path", "_rules", "ignored", "instant", "null", "numeric", "unordered")

    def __init__(self, rules: tuple[Compiled, ...], path: tuple[PatternStep, ...] = ()) -> None:
        self._rules = rules
        self._path = path
        self._children: dict[PatternStep, Place] = {}
        here = {entry.rule.kind: entry.rule for entry in reversed(rules) if entry.covers(path)}
        self.ignored = here.get(RuleKind.IGNORE)
        self.numeric = here.get(RuleKind.NUMERIC_STRING)
        self.instant = here.get(RuleKind.SAME_INSTANT)
        self.unordered = here.get(RuleKind.UNORDERED)
        self.null = here.get(RuleKind.ABSENT_IS_NULL)

    def field(self, name: str) -> Place:
        """The place of an object's field."""
        return self._child(name)

    def item(self) -> Place:
        """The place of a list's elements."""
        return self._child(Wild.ITEM)

    def _child(self, step: PatternStep) -> Place:
        child = self._children.get(step)
        if child is None:
            child = Place(self._rules, (*self._path, step))
            if len(self._children) < _MOST_PLACES:  # objects keyed by ids would grow this for ever
                self._children[step] = child
        return child


@dataclass(frozen=True, slots=True)
class RouteRules:
    """The rules of one route for one pair of statuses on one day."""

    rules: tuple[Compiled, ...]
    body: Place

    def of_kind(self, kind: RuleKind) -> tuple[Rule, ...]:
        """Those of one kind, in the order of the configuration."""
        return tuple(entry.rule for entry in self.rules if entry.rule.kind is kind)

    def ignores_part(self, part: str) -> Rule | None:
        """The rule that ignores a part of an answer, such as `header.location`."""
        ignoring = (entry for entry in self.rules if entry.rule.kind is RuleKind.IGNORE)
        return next((entry.rule for entry in ignoring if entry.covers_part(part)), None)


NO_RULES = RouteRules((), Place(()))


class RuleBook:
    """All rules of a configuration."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(compiled(rule) for rule in rules)
        self._known: dict[tuple[str, ...], RouteRules] = {}

    def of(self, route: str, statuses: tuple[int, int], today: date) -> RouteRules:
        """The rules that hold for a route, the statuses (active, standby) and a day. Expired ones do not."""
        chosen = tuple(entry for entry in self._rules if _holds(entry.rule, route, statuses, today))
        names = tuple(entry.rule.name for entry in chosen)
        if names not in self._known:
            self._known[names] = RouteRules(chosen, Place(chosen))
        return self._known[names]

    def expired(self, today: date) -> tuple[str, ...]:
        """Names of the rules that no longer hold."""
        return tuple(entry.rule.name for entry in self._rules if _is_expired(entry.rule, today))


def _holds(rule: Rule, route: str, statuses: tuple[int, int], today: date) -> bool:
    if _is_expired(rule, today) or (rule.routes and route not in rule.routes):
        return False
    return not rule.statuses or rule.kind is RuleKind.STATUS or statuses in rule.statuses


def _is_expired(rule: Rule, today: date) -> bool:
    return rule.expires is not None and today >= rule.expires
