"""What a route declares about its writes, and the lanes of one write by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import quote

import orjson

from shadow.dualwrite.ordering import EVERYTHING, minimal

_PLACE = re.compile(r"\{(body\.)?([A-Za-z0-9_.]+?)(\[\*\])?(?:\.([A-Za-z0-9_.]+))?\}")


@dataclass(frozen=True, slots=True)
class WriteRoute:
    """How the writes of one route are journaled and replayed. The default is safe for any route."""

    lanes: tuple[str, ...] = ()
    """Templates such as `cadets/{id}`, `cadets/{body.cadet_id}` or `cadets/{body.records[*].cadet_id}`; none: all
    writes without lanes run one at a time, before or after everything else."""
    carry: Literal["request", "rows", "both"] = "request"
    """`rows`: the standby gets the rows by heal, never the request."""
    on_5xx: Literal["heal", "no_effect", "park"] = "heal"
    """What a 5xx of the active side means where heal has no mapping."""
    refuses_with_500: tuple[str, ...] = ()
    """The backends that answer 500 to bad input, having done nothing: there it counts as a 4xx."""
    sequence: str | None = None
    """Where an unmodified backend draws the id of what this route creates."""
    pins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What the server makes up: `id`, `uuid`, `created_at`, `url` … → where its answer has it, such as `data.id`."""


def lanes_of(templates: tuple[str, ...], params: Mapping[str, str], body: bytes) -> tuple[str, ...]:
    """The lanes of one write. What a template asks for and the request lacks widens the lane to the part before it."""
    if not templates:
        return (EVERYTHING,)
    parsed = _parsed(body) if any("{body." in template for template in templates) else None
    return minimal(lane for template in templates for lane in _filled(template, params, parsed))


def _filled(template: str, params: Mapping[str, str], body: Any) -> list[str]:
    lanes = [""]
    for segment in template.split("/"):
        values = _values(segment, params, body)
        if not values:
            return [lane.rstrip("/") for lane in lanes]
        lanes = [f"{lane}{value}/" for lane in lanes for value in values]
    return [lane.rstrip("/") for lane in lanes]


def _values(segment: str, params: Mapping[str, str], body: Any) -> list[str]:
    """The values of one segment of a template; none if the request does not say."""
    place = _PLACE.fullmatch(segment)
    if place is None:
        return [segment]
    in_body, name, every, below = place.groups()
    if not in_body:
        return [quote(params[name], safe="")] if params.get(name) else []
    found = at(body, name)
    if every:
        items = found if isinstance(found, list) else []
        values = [at(item, below) if below else item for item in items]
    else:
        values = [found]
    written = [_written(value) for value in values]
    # A list with one odd element names too few lanes: all or nothing.
    return [text for text in written if text] if written and all(written) else []


def at(value: Any, path: str) -> Any:
    """What a parsed body holds at a dotted path, or None."""
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _written(value: Any) -> str:
    """A lane names the thing, however it is written: 57 and "57" are one."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return quote(str(value), safe="")


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None  # a form or rubbish: the lanes are widened
