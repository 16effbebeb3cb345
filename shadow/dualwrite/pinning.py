"""The values that the active side made up for a write, and how its copy gets the same ones (design.md section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import orjson

from shadow.answer import Answer
from shadow.dualwrite.lanes import WriteRoute
from shadow.dualwrite.places import found, parsed

HEADER = b"x-cutover-pin"
IDS = "ids."


class Unpinnable(Exception):
    """The copy cannot be told all that the active side made up: only rows can be carried."""


@dataclass(frozen=True, slots=True)
class Pins:
    """What the copy of one write has to adopt."""

    ids: Mapping[str, tuple[int | str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """By table, in the order in which the rows are made."""
    now: str | None = None
    """The instant of the write, in ISO 8601 with its zone."""
    actor: int | None = None
    urls: tuple[str, ...] = ()

    def header(self) -> bytes:
        """The value of X-Cutover-Pin for a backend that cooperates: JSON in ASCII, keys sorted, without what is not
        there."""
        told = {"ids": dict(self.ids), "now": self.now, "actor": self.actor, "urls": self.urls}
        kept = {name: value for name, value in told.items() if value not in (None, {}, ())}
        return _ascii(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))


def pins_of(route: WriteRoute, answer: Answer | None, *, actor: str | None, at_time: float) -> Pins:
    """The pins of a write that was answered like this; `actor` are the recorded claims. Raises Unpinnable."""
    body = parsed(answer.body) if answer is not None and route.pins else None
    return Pins(
        ids_in(route, body),
        _instant(body, route.pins["now"]) if "now" in route.pins else _written_time(at_time),
        _actor(actor),
        tuple(str(url) for url in found(body, route.pins["urls"]) if url) if "urls" in route.pins else (),
    )


def ids_in(route: WriteRoute, body: Any) -> Mapping[str, tuple[int | str, ...]]:
    """The ids that the route pins, as a parsed answer tells them. Raises Unpinnable."""
    return MappingProxyType(
        {
            name.removeprefix(IDS): tuple(_id(value, name, path) for value in found(body, path))
            for name, path in route.pins.items()
            if name.startswith(IDS)
        }
    )


def sequence_value(route: WriteRoute, pins: Pins) -> tuple[str, int] | None:
    """The sequence of an unmodified backend to set just before the copy, and to what; None if it draws none.

    Raises Unpinnable if such a backend made up more than that: it can be told one id and nothing else.
    """
    table = None if route.sequence is None else _behind(route.sequence, pins.ids)
    more = sorted(name for name in route.pins if name != f"{IDS}{table}")
    if more:
        raise Unpinnable(f"an unmodified backend cannot be told {', '.join(more)}")
    if route.sequence is None:
        return None
    ids = pins.ids.get(table or "", ())
    if len(ids) != 1 or not isinstance(ids[0], int) or ids[0] < 1:
        raise Unpinnable(f"{list(ids)} cannot be set on {route.sequence}")
    return route.sequence, ids[0]


def _behind(sequence: str, tables: Mapping[str, Any]) -> str | None:
    """The table whose ids a sequence gives, by its name as PostgreSQL makes it."""
    name = sequence.rpartition(".")[2].replace('"', "")
    return next((table for table in sorted(tables, key=len, reverse=True) if name.startswith(f"{table}_")), None)


def _id(value: Any, name: str, path: str) -> int | str:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)  # a BIGINT travels as a text
    if isinstance(value, bool) or not isinstance(value, (int, str)) or value == "":
        raise Unpinnable(f"the answer has nothing at {path} that could be {name}")
    return value


def _instant(body: Any, path: str) -> str:
    (value,) = found(body, path)[:1] or [None]
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Unpinnable(f"the answer has no instant at {path}")
    return str(value)


def _written_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


def _actor(claims: str | None) -> int | None:
    known = orjson.loads(claims) if claims else None
    actor = known.get("id") if isinstance(known, dict) else None
    return actor if isinstance(actor, int) and not isinstance(actor, bool) else None


def _ascii(written: bytes) -> bytes:
    """A header field holds no other letters; JSON can write them as escapes."""
    text = written.decode("utf-8")
    return "".join(
        letter if ord(letter) < 128 else letter.encode("utf-16-be").hex(" ", 2).replace(" ", "\\u").join(("\\u", ""))
        for letter in text
    ).encode("ascii")
