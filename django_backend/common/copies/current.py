"""Tells everybody who serves a request whether it is a copy, and of which kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from common.copies.pins import Pins


class Kind(StrEnum):
    """What a copy is for."""

    # The answer is compared with the original's: nothing may be written or sent out.
    MIRROR = "mirror"
    # The same write on the other side: rows yes, side effects no.
    REPLAY = "replay"
    # What became of a write whose answer got lost; if nothing, it is refused from now on.
    RESOLVE = "resolve"


@dataclass(frozen=True)
class Copy:
    """The request that is being served: an original, unless it has a kind."""

    kind: Kind | None = None
    pins: Pins = field(default_factory=Pins)


ORIGINAL = Copy()
_current: ContextVar[Copy] = ContextVar("copy", default=ORIGINAL)


@contextmanager
def serving(copy: Copy) -> Iterator[None]:
    """What runs inside belongs to `copy`."""
    token = _current.set(copy)
    try:
        yield
    finally:
        _current.reset(token)


def is_copy() -> bool:
    """Whether the outside world has already heard of this request, from the original."""
    return _current.get().kind is not None


def pins() -> Pins:
    """What the original made up."""
    return _current.get().pins


def pinned_id(table: str) -> int | UUID | None:
    """The id that the next row of a table is to get; None leaves it to the database."""
    return pins().next_id(table)
