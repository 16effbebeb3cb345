"""What the operator reads of the comparisons, and the interface of every ledger, the real one and the fake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from shadow.compare.summary import Example, Judged
from shadow.settings import CompareSettings

COMPARED = ("matched", "ignored", "mismatched")


class GroupStatus(StrEnum):
    """Whether a group of mismatches still happens."""

    OPEN = "open"
    IGNORED = "ignored by rule"  # a rule has allowed it since it was last seen


@dataclass(frozen=True, slots=True)
class Group:
    """Mismatches with the same route, path pattern and kind."""

    id: str
    route: str
    pattern: str
    kind: str
    count: int
    first_seen: datetime
    last_seen: datetime
    status: GroupStatus
    rule: str | None  # the rule that allows it now


@dataclass(frozen=True, slots=True)
class GroupDetail:
    """A group with the redacted examples that are kept of it, oldest first."""

    group: Group
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class RouteTotals:
    """The sums of one route since the beginning, or since `clear`."""

    route: str
    verdicts: Mapping[str, int]  # verdict → exchanges
    not_compared: Mapping[str, int]  # reason → exchanges, of the verdicts not_compared and failed
    rules: Mapping[str, int]  # rule → exchanges in which it allowed something

    @property
    def compared(self) -> int:
        """Exchanges with a verdict on their answers: matched, ignored or mismatched."""
        return sum(self.verdicts.get(verdict, 0) for verdict in COMPARED)

    @property
    def match_rate(self) -> float | None:
        """Share of the compared ones that matched or were ignored by rule; None if nothing was compared."""
        return 1 - self.verdicts.get("mismatched", 0) / self.compared if self.compared else None


@dataclass(frozen=True, slots=True)
class NoiseReport:
    """A place where the active backend disagrees with itself; `rule` is YAML for `compare.rules`."""

    route: str
    pattern: str
    kind: str
    rule: str
    count: int
    first_seen: datetime
    last_seen: datetime


def totalled(sums: Iterable[tuple[Any, ...]], uses: Iterable[tuple[Any, ...]]) -> list[RouteTotals]:
    """Rows of (route, verdict, reason, count) and (route, rule, count) as the sums of each route, by name."""
    verdicts: dict[str, dict[str, int]] = {}
    reasons: dict[str, dict[str, int]] = {}
    rules: dict[str, dict[str, int]] = {}
    for route, verdict, reason, count in sums:
        _count(verdicts, route, verdict, count)
        if reason:
            _count(reasons, route, reason, count)
    for route, rule, count in uses:
        _count(rules, route, rule, count)
    return [RouteTotals(r, verdicts[r], reasons.get(r, {}), rules.get(r, {})) for r in sorted(verdicts)]


def _count(sums: dict[str, dict[str, int]], route: str, name: str, count: int) -> None:
    of_route = sums.setdefault(route, {})
    of_route[name] = of_route.get(name, 0) + count


class LedgerUnavailable(Exception):
    """The ledger's PostgreSQL did not answer: try again later."""


class LedgerRefused(LedgerUnavailable):
    """PostgreSQL refused the values themselves: trying again would end alike."""


class Records(Protocol):
    """What a worker does with a ledger."""

    def record(self, judged: Judged) -> None:
        """Take note of a judgement. Returns at once and never raises; memory is bounded, what does not fit counted."""

    def wants_example(self, group: str) -> bool:
        """Whether an example of this group would be kept; making one is not for free."""


class Reports(Protocol):
    """What an operator does with a ledger. Every method may raise LedgerUnavailable."""

    async def groups(self, route: str | None = None, limit: int = 50, offset: int = 0) -> list[Group]:
        """Groups of mismatches: open ones first, then by count."""

    async def group(self, id: str) -> GroupDetail | None:
        """One group with its examples, None if there is none of that id."""

    async def totals(self) -> list[RouteTotals]:
        """The sums per route, in the order of the routes' names."""

    async def noise(self) -> list[NoiseReport]:
        """Proposed rules, the most frequent first."""

    async def clear(self) -> None:
        """Forget everything; what happens from now on is counted anew."""


class Ledger(Records, Reports, Protocol):
    """All of it, with a life: `start` before the first record, `stop` writes what is left."""

    def start(self) -> None:
        """Begin to write. Needs a running event loop."""

    def use(self, settings: CompareSettings) -> None:
        """Go by these settings from now on."""

    async def stop(self) -> None:
        """Write what is left, as far as the store answers, and close."""
