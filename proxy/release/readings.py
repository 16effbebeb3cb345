"""What the edges counted, second by second, and windows over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

Key: TypeAlias = tuple[str, str]  # backend and route


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests that came to an end on one backend."""

    requests: int = 0
    failed: int = 0  # the backend's fault: 5xx, time-outs, lost connections; never the client's
    slow: int = 0  # took longer than one second
    very_slow: int = 0  # took longer than two seconds

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.requests + other.requests,
            self.failed + other.failed,
            self.slow + other.slow,
            self.very_slow + other.very_slow,
        )


NOTHING = Counts()


@dataclass(frozen=True)
class Second:
    """What was reported for one second of Unix time."""

    at: int
    by: Mapping[Key, Counts]
    reporters: int = 1  # edge processes that said something, be it that nothing happened

    @cached_property
    def totals(self) -> Mapping[str, Counts]:
        """The counts by backend."""
        totals: dict[str, Counts] = {}
        for (backend, _), counts in self.by.items():
            totals[backend] = totals.get(backend, NOTHING) + counts
        return totals


@dataclass(frozen=True, slots=True)
class Window:
    """One backend's counts over the newest `seconds` seconds."""

    counts: Counts
    seconds: int
    reported: int  # of them, how many had any edge reporting: 0 means that nobody was looking


@dataclass(frozen=True, slots=True)
class Readings:
    """Seconds that have ended, oldest first, gaps where nobody reported; `until` is the newest that may be there."""

    until: int
    seconds: tuple[Second, ...] = field(default=())

    def window(self, backend: str, width: float, widest: float, samples: int, since: float = 0.0) -> Window:
        """The newest `width` seconds, widened up to `widest` until they hold `samples` requests.

        Nothing older than `since` is looked at: what happened before the guard was armed is not held against anybody.
        """
        counts, reported, oldest = NOTHING, 0, self.until + 1
        for second in reversed(self.seconds):
            age = self.until - second.at
            enough = age >= width and counts.requests >= samples
            if enough or age >= widest or second.at < since:
                break
            counts += second.totals.get(backend, NOTHING)
            reported += second.reporters > 0
            oldest = second.at
        spanned = self.until - oldest + 1
        return Window(counts, max(spanned, int(min(width, self.until + 1 - since))), reported)

    def routes(self, backend: str, width: int) -> dict[str, Counts]:
        """The counts of the newest `width` seconds by route."""
        found: dict[str, Counts] = {}
        for second in reversed(self.seconds):
            if self.until - second.at >= width:
                break
            for (name, route), counts in second.by.items():
                if name == backend:
                    found[route] = found.get(route, NOTHING) + counts
        return found

    @property
    def newest(self) -> int | None:
        """The last second for which any edge reported anything, if there is one."""
        return next((second.at for second in reversed(self.seconds) if second.reporters), None)
