"""Which backend answers a request, who gets the copy, and why: a pure function of the request and the release."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import unquote

from proxy.config.routes import Route, RouteClass
from proxy.edge.clients import point
from proxy.state import ControlState, Phase
from shadow.dualwrite.lanes import WriteRoute

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OTHER = "other"
UNDECLARED = WriteRoute()
_NEEDLESS = re.compile(
    r"%(?:2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])"
)  # of -._~ and alphanumerics


@dataclass(frozen=True, slots=True)
class Matched:
    """The route of a request: its name for metrics and rules, what it is, and whether it may be mirrored."""

    name: str
    kind: RouteClass
    mirror: bool
    write: WriteRoute = UNDECLARED


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one request."""

    backend: str  # who answers
    route: Matched
    client: str | None
    copy_to: str | None  # who is asked for the other answer; None = nobody
    fallback: str | None  # who answers if `backend` cannot be reached and nothing was sent to the client yet
    reason: str
    held_home: str | None = None  # why a read that the weight gave to the standby stays with the active side
    epoch: int = 0  # of the state that this was decided by
    journaled: bool = False  # a write that the standby is to get as well


def by_method(method: str) -> RouteClass:
    """What a request is when no route says otherwise (RFC 9110 section 9.2.1: the safe methods read)."""
    return RouteClass.READ if method in SAFE_METHODS else RouteClass.WRITE


def write_routes(routes: Sequence[Route]) -> Mapping[str, WriteRoute]:
    """How the writes of each route are journaled and replayed, by its name."""
    return {
        route.match: WriteRoute(
            lanes=route.lanes,
            carry=route.carry,
            on_5xx=route.on_5xx,
            refuses_with_500=route.refuses_with_500,
            sequence=route.sequence,
            pins=MappingProxyType(dict(route.pins)),
        )
        for route in routes
    }


def parameters(route: Matched, path: str) -> dict[str, str]:
    """What stands in the path where the route's template has `{name}`, decoded as the backends decode it."""
    _, _, template = route.name.partition(" ")
    segments = zip(template.strip("/").split("/"), _read(path).strip("/").split("/"), strict=False)
    return {
        wanted[1:-1]: unquote(found)
        for wanted, found in segments
        if wanted.startswith("{") and wanted.endswith("}") and not wanted.endswith("...}")
    }


def _read(path: str) -> str:
    """The path without needless escapes."""
    return _NEEDLESS.sub(lambda escaped: chr(int(escaped[0][1:], 16)), path) if "%" in path else path


@dataclass(slots=True)
class _Node:
    """One segment of the table of templates."""

    literal: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    rest: dict[str, Route] = field(default_factory=dict)  # a last `{name...}`: by method
    routes: dict[str, Route] = field(default_factory=dict)  # ends here: by method


class RouteTable:
    """The configured routes. A literal segment wins over a parameter, a parameter over a rest; a trailing slash and
    needless escapes are ignored in the match (and passed on as they came): the backends read `/log%69n` as `/login`, so
    it must not become another kind of request here."""

    def __init__(self, routes: Sequence[Route], *, ignore_case: bool = False) -> None:
        self._fold = ignore_case
        self._root = _Node()
        self._writes = write_routes(routes)
        for route in routes:
            self._add(route)

    def match(self, method: str, path: str) -> Matched:
        """The route of a request; `other` where none is configured for it."""
        path = _read(path)
        segments = (path.lower() if self._fold else path).strip("/").split("/")
        found = _find(self._root, segments, 0, method)
        if found is None:
            return Matched(OTHER, by_method(method), True)
        return Matched(found.match, found.kind or by_method(method), found.mirror, self._writes[found.match])

    def _add(self, route: Route) -> None:
        method, _, template = route.match.partition(" ")
        node = self._root
        for segment in template.strip("/").split("/"):
            if segment.startswith("{") and segment.endswith("...}"):
                node.rest[method] = route
                return
            if segment.startswith("{") and segment.endswith("}"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment.lower() if self._fold else segment, _Node())
        node.routes[method] = route


def _find(node: _Node, segments: list[str], at: int, method: str) -> Route | None:
    if at == len(segments):
        return _for_method(node.routes, method)
    found = None
    if (literal := node.literal.get(segments[at])) is not None:
        found = _find(literal, segments, at + 1, method)
    if found is None and node.parameter is not None and segments[at]:
        found = _find(node.parameter, segments, at + 1, method)
    return found or _for_method(node.rest, method)


def _for_method(routes: dict[str, Route], method: str) -> Route | None:
    return routes.get(method) or (routes.get("GET") if method == "HEAD" else None) or routes.get("*")


def decide(
    route: Matched,
    client: str | None,
    state: ControlState,
    *,
    challenger: str,
    shared: bool = False,
    journal: bool = False,
) -> Decision:
    """Who answers. `challenger` is the backend that owns the low end of the line of clients (the second one of the
    configuration), so that a flip moves nobody. `journal`: writes are journaled while the standby gets copies."""
    chosen, reason = _chosen(route, client, state, challenger, shared)
    return Decision(
        backend=chosen,
        route=route,
        client=client,
        copy_to=_copy_to(route, chosen, state),
        fallback=state.active if chosen != state.active and route.kind is RouteClass.READ else None,
        reason=reason,
        epoch=state.epoch,
        journaled=journal and not shared and route.kind is RouteClass.WRITE and copies(state.phase),
    )


def held_home(decision: Decision, state: ControlState, why: str) -> Decision:
    """The same request, answered by the active side because the standby cannot be asked."""
    return replace(
        decision,
        backend=state.active,
        copy_to=_copy_to(decision.route, state.active, state),
        fallback=None,
        reason=f"held home: {why}",
        held_home=why,
    )


def copies(phase: Phase) -> bool:
    """Whether the standby gets copies in this phase."""
    return phase not in (Phase.RESTING, Phase.HALTED, Phase.COMPLETE)


def _chosen(route: Matched, client: str | None, state: ControlState, challenger: str, shared: bool) -> tuple[str, str]:
    if state.phase in (Phase.RESTING, Phase.HALTED):
        return state.active, f"the release is {state.phase.value}"
    if not _may_split(route, shared):
        return state.active, f"{route.kind.value} goes to the active side"
    if client is None:
        return state.active, "the client has no key"
    if (pinned := state.pins.get(client)) in (state.active, state.standby):
        return pinned, "the client is pinned"
    share = state.route_shares.get(route.name, state.share)
    return (_by_point(client, share, state, challenger), f"{share:g} % of the clients read from the standby")


def _may_split(route: Matched, shared: bool) -> bool:
    return route.kind is RouteClass.READ or (shared and route.kind is not RouteClass.SKIP)


def _by_point(client: str, share: float, state: ControlState, challenger: str) -> str:
    challengers_share = share if challenger == state.standby else 100.0 - share
    on_challenger = point(client) < challengers_share
    if on_challenger:
        return challenger
    return state.active if challenger == state.standby else state.standby


def _copy_to(route: Matched, chosen: str, state: ControlState) -> str | None:
    if not copies(state.phase) or not route.mirror or route.kind not in (RouteClass.READ, RouteClass.AUTH):
        return None
    return state.standby if chosen == state.active else state.active
