"""On which side a differing row was changed, as far as PostgreSQL's own notes tell, and what need not be looked at.

Every row carries the number of the transaction that wrote it (`xmin`), on any server, whoever wrote. Let both sides
have been equal at some moment: a row that the active side has not written since then, and that differs now, was
changed on the standby, where nobody but the copies may write. That conclusion is certain. The opposite one is not (a
row may have been written on both sides), so every doubt is decided for the active side: its rows are the truth.

What this cannot see: a foreign change that a copy overwrote before anyone looked; one that left every value as it was;
one in a row that the active side wrote too since both were equal. And a row that the active side removed in the very
time in which the standby got it looks like one that was only ever on the standby: it is reported, never removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from migration.digests import Key

NUMBERS = 2**32
"""Rows know their transaction by its last 32 bits."""


class Written(Enum):
    """When a row was written, seen from a moment at which both sides were equal."""

    ABSENT = "it is not there"
    BEFORE = "certainly before"
    SINCE = "since then, or nobody knows"


class Origin(Enum):
    """Whose change makes a row differ."""

    ACTIVE = "active"
    STANDBY = "standby"


@dataclass(frozen=True)
class Moment:
    """One look at both sides: on each, the oldest transaction that was still open, or the next one to begin."""

    active: int
    standby: int


@dataclass(frozen=True)
class Marks:
    """When each row of a table was last equal on both sides."""

    equal: Moment | None = None
    """Of all rows that are not `behind`; also of those that were on neither side."""
    behind: Mapping[Key, Moment | None] = field(default_factory=dict)

    def of(self, row: Key) -> Moment | None:
        """The last moment at which a row was equal; None if it never was."""
        return self.behind.get(row, self.equal)

    def after(self, differing: Iterable[Key], moment: Moment) -> Marks:
        """The marks once all rows but the *differing* ones were seen to be equal."""
        return Marks(moment, {row: self.of(row) for row in differing})

    def unless_turned_back(self, moment: Moment) -> Marks:
        """Nothing, if a server counts from an earlier number again: it was restored, and the marks mean nothing."""
        known = [one for one in (self.equal, *self.behind.values()) if one is not None]
        back = any(one.active > moment.active or one.standby > moment.standby for one in known)
        return Marks() if back else self


def written(xmin: int | None, following: int, mark: int | None) -> Written:
    """When a row was written, from its 32 bits and the number of the transaction that comes next; None: no row."""
    if xmin is None:
        return Written.ABSENT
    if mark is None:
        return Written.SINCE
    number = following - (following - xmin) % NUMBERS
    return Written.SINCE if number >= mark else Written.BEFORE


def origin(active: Written, standby: Written) -> Origin:
    """Whose change it is that makes a row differ."""
    if active is Written.SINCE:
        return Origin.ACTIVE
    if active is Written.BEFORE:
        return Origin.ACTIVE if standby is Written.BEFORE else Origin.STANDBY
    return Origin.STANDBY if standby is Written.SINCE else Origin.ACTIVE


@dataclass(frozen=True)
class Look:
    """The last look at a table that left nothing open: when, and how much had been written to it on either side."""

    at: float
    traces: object


def due(tables: Iterable[str], looks: Mapping[str, Look], traces: Mapping[str, object], now: float, every: float) -> (
    list[str]
):  # fmt: skip
    """The tables to be compared now: those with traces of writing, and all others *every* so many seconds.

    A table whose traces are not known is always among them.
    """
    return [name for name in tables if _due(looks.get(name), traces.get(name), now, every)]


def _due(look: Look | None, trace: object, now: float, every: float) -> bool:
    return look is None or trace is None or look.traces != trace or now - look.at >= every
