"""Values that each backend makes up for itself, by names that both share: clocks, UUIDs, names of stored files.

Until writes travel with such values pinned, two answers to one write differ in them. Each is replaced only where it is
what it claims to be: a time must be of this very moment, and a value that came once must be the same ever after.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

NEAR = timedelta(seconds=20)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?")
_CLOCK = re.compile(r"\b\d{1,2}:\d\d:\d\d [AP]M\b")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_STORED = re.compile(r'/uploads/[^"\\ ]+')


@dataclass
class Sides:
    """The names of both sides' values, and the directory that only the legacy spells out in the URLs of its reports."""

    uploads_parent: str
    known: tuple[dict[str, str], dict[str, str]] = field(default_factory=lambda: ({}, {}))

    def shared(self, active: bytes, standby: bytes, *, are_new: bool) -> tuple[bytes, bytes]:
        """Two bodies with their made-up values under shared names. Bytes that are no text stay as they are.

        *are_new*: what only one of them has is new. In a page of a list it may be a row of the other's next page.
        """
        try:
            texts = active.decode().replace(self.uploads_parent, ""), standby.decode()
        except UnicodeDecodeError:
            return active, standby
        for kind in (_UUID, _STORED) if are_new else ():
            self._name(kind, texts)
        one, other = (self._renamed(text, known) for text, known in zip(texts, self.known, strict=True))
        return one.encode(), other.encode()

    def _name(self, kind: re.Pattern[str], texts: tuple[str, str]) -> None:
        """Values that only one side has and that are new belong together in the order in which they come."""
        found = [list(dict.fromkeys(kind.findall(text))) for text in texts]
        new = [
            [value for value in mine if value not in other and value not in known]
            for mine, other, known in zip(found, reversed(texts), self.known, strict=True)
        ]
        for pair in zip(*new, strict=False):
            name = f"made-up-{len(self.known[0]) + 1}"
            for value, known in zip(pair, self.known, strict=True):
                known[value] = name

    @staticmethod
    def _renamed(text: str, known: dict[str, str]) -> str:
        now = datetime.now(UTC)
        for kind in (_STORED, _UUID):
            text = kind.sub(lambda found: known.get(found[0], found[0]), text)
        text = _INSTANT.sub(_if(lambda written: _is_near(written, now), "this-moment"), text)
        return _CLOCK.sub(_if(lambda written: _is_now(written, now), "this-second"), text)


def _if(holds: Callable[[str], bool], name: str) -> Callable[[re.Match[str]], str]:
    return lambda found: name if holds(found[0]) else found[0]


def _is_near(written: str, now: datetime) -> bool:
    # The audit log keeps times as the database prints them: without a zone, which is UTC on both sides.
    at = datetime.fromisoformat(written)
    return abs((at if at.tzinfo else at.replace(tzinfo=UTC)) - now) < NEAR


def _is_now(clock: str, now: datetime) -> bool:
    at = datetime.strptime(clock, "%I:%M:%S %p").replace(year=now.year, month=now.month, day=now.day, tzinfo=UTC)
    return abs(at - now) < NEAR
