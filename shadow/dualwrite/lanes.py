"""What a route declares about its writes, and the lanes of one write by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import quote

from shadow.dualwrite.ordering import EVERYTHING, minimal
from shadow.dualwrite.places import READ_AT_MOST, found, parsed

PLACE = re.compile(
    r"\{(?:(?P<source>body|claim)\.)?(?P<path>[A-Za-z0-9_]+(?:\[\*\])?(?:\.[A-Za-z0-9_]+(?:\[\*\])?)*)"
    r"(?P<whole>:int)?(?P<optional>\?)?\}"
)
"""One segment of a template that stands for a value, such as `{id:int}`, `{body.cadetId:int}` or `{claim.id?}`."""
DEEPEST = 4
LONGEST = 512
MOST = 256
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WriteRoute:
    """How the writes of one route are journaled and replayed. The default is safe for any route."""

    lanes: tuple[str, ...] = ()
    """Templates such as `cadets/{id:int}`, `cadets/{body.cadet_id}` or `users/{claim.id}`, see `lanes_of`; none: all
    writes without lanes run one at a time, before or after everything else."""
    carry: Literal["request", "rows", "both"] = "request"
    """`rows`: the standby gets the rows by heal, never the request; `both`: the request, and then the rows."""
    on_5xx: Literal["heal", "no_effect", "park"] = "heal"
    """What a 5xx of the active side means where heal has no mapping."""
    refuses_with_500: tuple[str, ...] = ()
    """The backends that answer 500 to bad input, having done nothing: there it counts as a 4xx."""
    sequence: str | None = None
    """Where an unmodified backend draws the id of what this route creates."""
    pins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What the server makes up: `ids.<table>`, `now` or `urls` → where its answer has it, such as `data.id`."""


_UNREADABLE = "unreadable/"
_UNREAD: Any = object()


def lane_of_its_own(id: str) -> str:
    """The lane of a write whose body nobody can read: it is in nobody's way, and has no rows that could be named."""
    return _UNREADABLE + id


def is_lane_of_its_own(lane: str) -> bool:
    """Whether there are no rows behind a lane."""
    return lane.startswith(_UNREADABLE)


def lanes_of_the_unreadable(
    id: str, templates: tuple[str, ...], params: Mapping[str, str], claims: Mapping[str, Any] | None
) -> tuple[str, ...]:
    """The lanes of a write whose body nobody can read: one of its own, and those of the single things that its path or
    its token name, for a backend may act without looking at the body."""
    named = (
        lane for template in templates for lane in _named(template, {"body": _UNREAD, "claim": claims, None: params})
    )
    return minimal((lane_of_its_own(id), *named))


def _named(template: str, sources: Mapping[str | None, Any]) -> list[str]:
    places = [segment for segment in _segments(template)[:DEEPEST] if not isinstance(segment, str)]
    all_said = places and all(_values(place, sources)[0] for place in places)
    return _filled(template, sources) if all_said else []


def widest(route: WriteRoute) -> tuple[str, ...]:
    """The lanes of a write by this route of which nothing is known."""
    return lanes_of(route.lanes, {}, b"")


def lanes_of(
    templates: tuple[str, ...], params: Mapping[str, str], body: bytes, claims: Mapping[str, Any] | None = None
) -> tuple[str, ...]:
    """The lanes of one write, from what its path says, its body, and the claims of its client's token.

    What a template asks for and the request does not say widens the lane to the part before it. So does what is no
    whole number as people write one where `:int` asks for it (backends read `057` and `57` as one, lanes do not), and
    what is too long, too deep (a fifth segment) or too much to be kept as lanes, and all of a body that is too long to
    be read on the way. A place with `?` that is empty makes its whole lane go away instead; without any lane left it is
    everything.
    """
    asked = any("{body." in template for template in templates)
    read = parsed(body) if asked and len(body) <= READ_AT_MOST else _UNREAD
    sources = {"body": read, "claim": claims, None: params}
    return minimal(lane for template in templates for lane in _filled(template, sources)) or (EVERYTHING,)


@lru_cache(maxsize=4096)
def _segments(template: str) -> tuple[str | re.Match[str], ...]:
    """The parts of a template: text as it is, and places for values."""
    return tuple(PLACE.fullmatch(segment) or segment for segment in template.split("/"))


def _filled(template: str, sources: Mapping[str | None, Any]) -> list[str]:
    lanes = [""]
    for segment in _segments(template)[:DEEPEST]:
        values, optional = _values(segment, sources)
        if not values:
            return [] if optional else [lane.rstrip("/") for lane in lanes]
        lanes = [f"{lane}{value}/" for lane in lanes for value in values]
    return [lane.rstrip("/") for lane in lanes]


def _values(place: str | re.Match[str], sources: Mapping[str | None, Any]) -> tuple[list[str], bool]:
    """The values of one segment of a template, none if the request does not say; and whether that may be."""
    if isinstance(place, str):
        return [place], False
    if sources[place["source"]] is _UNREAD:
        return [], False
    values = found(sources[place["source"]], place["path"])
    written = [_written(value, whole=place["whole"] is not None) for value in values[: MOST + 1]]
    # A list with one odd element names too few lanes: all or nothing.
    nothing = all(value is None for value in values)
    return written if all(written) and len(written) <= MOST else [], bool(place["optional"]) and nothing


def _written(value: Any, *, whole: bool) -> str:
    """A lane names the thing, however it is written: 57 and "57" are one."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    text = str(value)
    if whole and not _WHOLE.fullmatch(text):
        return ""
    lane = text if text.isascii() and text.isalnum() else quote(text, safe="")
    return lane if len(lane) <= LONGEST else ""
