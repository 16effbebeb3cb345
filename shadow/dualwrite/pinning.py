"""The values that the active side made up for a write, and how its copy gets the same ones (design.md section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import orjson

from shadow.answer import Answer
from shadow.dualwrite.lanes import WriteRoute, at

HEADER = b"x-cutover-pin"


class Unpinnable(Exception):
    """The active side's answer does not name a value that the route declares: only rows can be carried."""


@dataclass(frozen=True, slots=True)
class Pins:
    """What the copy of one write has to adopt."""

    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    actor: Any = None
    at: float = 0.0

    def header(self) -> bytes:
        """The value of X-Cutover-Pin for a backend that cooperates: JSON in ASCII, keys sorted."""
        written = orjson.dumps(
            {"values": dict(self.values), "actor": self.actor, "at": self.at}, option=orjson.OPT_SORT_KEYS
        )
        return _ascii(written)


def pins_of(route: WriteRoute, answer: Answer | None, *, actor: str | None, at_time: float) -> Pins:
    """The pins of a write that was answered like this. Raises Unpinnable."""
    body = _parsed(answer) if route.pins else None
    values = {}
    for name, path in route.pins.items():
        values[name] = at(body, path)
        if values[name] is None:
            raise Unpinnable(f"the answer has nothing at {path}, where {name} should be")
    return Pins(MappingProxyType(values), orjson.loads(actor) if actor else None, at_time)


def sequence_value(route: WriteRoute, pins: Pins) -> tuple[str, int] | None:
    """The sequence of an unmodified backend to set just before the copy, and to what; None if it draws none.

    Raises Unpinnable if the route draws from a sequence and its `id` is not a whole number above zero.
    """
    if route.sequence is None:
        return None
    value = pins.values.get("id")
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Unpinnable(f"{value!r} cannot be set on {route.sequence}")
    return route.sequence, value


def _parsed(answer: Answer | None) -> Any:
    try:
        return orjson.loads(answer.body) if answer else None
    except orjson.JSONDecodeError:
        return None


def _ascii(written: bytes) -> bytes:
    """A header field holds no other letters; JSON can write them as escapes."""
    text = written.decode("utf-8")
    return "".join(
        letter if ord(letter) < 128 else letter.encode("utf-16-be").hex(" ", 2).replace(" ", "\\u").join(("\\u", ""))
        for letter in text
    ).encode("ascii")
