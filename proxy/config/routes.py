"""What may be set for a group of requests."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from proxy.config.values import Name
from shadow.dualwrite.lanes import PLACE
from shadow.settings import STRICT


class RouteClass(StrEnum):
    """What a route's requests are."""

    READ = "read"  # answered by weight, mirrored and compared
    WRITE = "write"  # answered by the active backend
    AUTH = "auth"  # a login: answered by the active backend, mirrored and compared, changes nothing
    SKIP = "skip"  # answered by the active backend, never mirrored


def _route_match(written: str) -> str:
    method, _, template = written.partition(" ")
    if not method.isupper() and method != "*":
        raise ValueError('expected a method (or *) and a template, such as "GET /api/v1/cadets/{id}"')
    if not template.startswith("/") or "?" in template:
        raise ValueError("expected a template that begins with / and has no query")
    return written


def _lane(written: str) -> str:
    segments = written.split("/")
    if not all(segments):
        raise ValueError("expected a lane without empty segments, such as `cadets/{id}`")
    for segment in segments:
        if ("{" in segment or "}" in segment) and not PLACE.fullmatch(segment):
            raise ValueError(
                f"expected whole segments such as {{id:int}}, {{body.a[*].b}} or {{claim.id?}}, got {segment!r}"
            )
    return written


def _pin(written: str) -> str:
    if written not in ("now", "urls") and not re.fullmatch(r"ids\.[A-Za-z_][A-Za-z0-9_]*", written):
        raise ValueError("expected `ids.<table>`, `now` or `urls`")
    return written


def _answer_path(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]+(\[\*\])?(\.[A-Za-z0-9_]+(\[\*\])?)*", written):
        raise ValueError("expected a path in the answer, such as `data.id` or `data[*].id`")
    return written


@dataclass(frozen=True, config=STRICT)
class Route:
    """A group of requests that are treated alike; its name on screens and in metrics is `match`."""

    match: Annotated[str, AfterValidator(_route_match)]
    """Method (or `*`) and path template: `{name}` stands for one segment, a last `{name...}` for all that follow."""
    kind: RouteClass | None = None
    """Default: by method (GET, HEAD and OPTIONS read, all others write)."""
    mirror: bool = True
    """Off: never copied and never compared."""
    lanes: tuple[Annotated[str, AfterValidator(_lane)], ...] = ()
    """What a write must keep its order with, and what heal has to carry for it: `cadets/{id:int}` from the path,
    `cadets/{body.records[*].cadet_id:int}` from the body, `users/{claim.id:int}` from the token. A place that the
    request leaves empty, or not a whole number under `:int`, widens the lane to the part before it; one with `?` that
    is empty takes its lane away. What lies below a fourth segment is one lane. A body beyond 4 MB is not read: that
    widens, too. None: such writes run one at a time, apart from everything else."""
    carry: Literal["request", "rows", "both"] = "request"
    """What the standby gets of a write: the `request`, as the active side got it; the `rows` that it left, by heal; or
    `both`: the request, whose answer is compared, and then the rows, where the database makes up what no copy can be
    told (times, ids of triggers). A standby that does not cooperate gets the rows alone."""
    on_5xx: Literal["heal", "no_effect", "park"] = "heal"
    """What a 5xx of the active side means where there is no mapping of rows to heal with."""
    refuses_with_500: tuple[Name, ...] = ()
    """The backends that answer 500 to bad input, having done nothing: with one of their `refusals` it counts as 4xx."""
    sequence: str | None = None
    """Where an unmodified backend draws the id of what this route creates, such as `grades_id_seq`."""
    pins: dict[Annotated[str, AfterValidator(_pin)], Annotated[str, AfterValidator(_answer_path)]] = Field(
        default_factory=dict
    )
    """What the server makes up: `ids.<table>`, `urls` or `now` → where its answer has it, such as `data.id`."""

    def mistakes(self) -> list[str]:
        """What does not fit together, each with its path below the route."""
        named = {segment[1:-1] for segment in self.match.split("/") if segment.startswith("{")}
        found = [
            f"lanes.{number}: the path has no {{{place['path']}}}"
            for number, lane in enumerate(self.lanes)
            for place in map(PLACE.fullmatch, lane.split("/"))
            if place is not None and place["source"] is None and place["path"] not in named
        ]
        if self.sequence is not None and not any(pin.startswith("ids.") for pin in self.pins):
            found.append("sequence: expected `pins` to say where the answer has the id, such as `ids.grades: id`")
        return found
