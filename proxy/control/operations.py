"""Everything an operator can change: decided by the release's rules, made by compare-and-set, kept in the history."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from proxy.config import Config
from proxy.config.routes import RouteClass
from proxy.control.problems import Invalid, Stale
from proxy.errors import Conflict, Refused
from proxy.release import weights
from proxy.release.changes import Change, Record, applied, difference
from proxy.state import ControlState
from proxy.store import Store

_log = structlog.get_logger(__name__)
TRIES = 5


@dataclass(frozen=True, slots=True)
class By:
    """Who wants it, why, and under which conditions."""

    who: str
    why: str
    version: int | None = None  # the change is made of this state or not at all
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was and what became of it; in a dry run, what would."""

    before: ControlState
    after: ControlState
    dry_run: bool
    notes: tuple[str, ...] = field(default=())

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return difference(self.before, self.after) != ({}, {})


class Operations:
    """The verbs. Each raises Refused with the reason and what to do instead, Stale, Conflict or StoreUnavailable."""

    def __init__(self, config: Config, store: Store, health: Callable[[], Mapping[str, bool | None]]) -> None:
        self._config = config
        self._store = store
        self._health = health

    async def weight(self, by: By, shares: Mapping[str, float] | float | None, route: str | None = None) -> Outcome:
        """Divide the reads: the standby's share, or shares by backend's name; None takes a route's own share away."""
        if route is not None:
            self._known_route(route)
        elif shares is None:
            raise Invalid("share: only a route's own share can be taken away; name the route")
        joining = await self._store.is_joining()

        def decide(state: ControlState) -> Change:
            share = _of_standby(state, shares) if isinstance(shares, Mapping) else shares
            if joining and share:
                raise Refused(
                    "a copy is being joined to the journal: the standby is not whole yet. Wait until `cutover migrate "
                    "copy --join` has ended, or give it up with `cutover stop`"
                )
            return weights.set_share(state, share, route, self._health().get(state.standby))

        return await self._make("weight", by, decide, _notes)

    async def start(self, by: By, empty: bool) -> Outcome:
        """Begin to copy and compare."""
        return await self._make("start", by, lambda state: weights.start(state, empty))

    async def stop(self, by: By) -> Outcome:
        """Back to rest, with everything on the active backend."""
        return await self._make("stop", by, weights.stop)

    async def rearm(self, by: By) -> Outcome:
        """Let the guard act again."""
        return await self._make("rearm", by, weights.rearm)

    async def pin(self, by: By, key: str, backend: str) -> Outcome:
        """Let one client's reads go to a backend, whatever the weights."""
        if backend not in self._config.backends:
            raise Invalid(f"backend: expected one of {', '.join(self._config.names)}, got {backend!r}")
        return await self._make("pin", by, lambda state: Change(pins={**state.pins, key: backend}))

    async def unpin(self, by: By, key: str) -> Outcome:
        """Let the weights decide again. A client that is not pinned stays so."""
        return await self._make(
            "unpin", by, lambda state: Change(pins={known: to for known, to in state.pins.items() if known != key})
        )

    def _known_route(self, route: str) -> None:
        known = {one.match: one for one in self._config.routes}
        if route not in known:
            names = ", ".join(known) or "none, as the configuration has no `routes`"
            raise Invalid(f"route: {route!r} is not one of the routes ({names})")
        kind = known[route].kind or _kind_by_method(route)
        if kind is not RouteClass.READ and self._config.data == "separate":
            raise Invalid(f"route: {route!r} is not a read: only reads can be answered by the standby")

    async def _make(
        self,
        kind: str,
        by: By,
        decide: Callable[[ControlState], Change],
        notes: Callable[[ControlState], tuple[str, ...]] = lambda state: (),
    ) -> Outcome:
        for _ in range(TRIES):
            state = await self._store.load()
            if by.version is not None and state.version != by.version:
                raise Stale(f"the state is at version {state.version}, not {by.version}: look at it and decide again")
            change = decide(state)
            after = applied(state, change, time.time())
            planned = Outcome(state, after, by.dry_run, notes(after))
            if by.dry_run or not planned.changed:
                return planned
            try:
                after = await self._store.change(state, change, Record(kind, by.why, by.who))
            except Conflict:
                continue  # decided on a state that is gone: decide on the new one
            _log.info("control.changed", kind=kind, who=by.who, why=by.why, version=after.version)
            return Outcome(state, after, False, notes(after))
        raise Conflict(f"others kept changing the state ({TRIES} tries): try again")


def _of_standby(state: ControlState, shares: Mapping[str, float]) -> float:
    unknown = [name for name in shares if name not in state.weights]
    if unknown or not shares:
        raise Invalid(f"weights: expected {state.active} or {state.standby}, got {', '.join(unknown) or 'nothing'}")
    if len(shares) == 2 and abs(sum(shares.values()) - 100) > 1e-6:
        raise Invalid(f"weights: they must add up to 100, not to {sum(shares.values()):g}")
    return shares[state.standby] if state.standby in shares else 100.0 - shares[state.active]


def _notes(state: ControlState) -> tuple[str, ...]:
    own = ", ".join(f"{route} {share:g} %" for route, share in state.route_shares.items())
    return (f"routes with a share of their own keep it: {own}",) if own else ()


def _kind_by_method(route: str) -> RouteClass:
    return RouteClass.READ if route.split(" ")[0] in ("GET", "HEAD", "OPTIONS") else RouteClass.WRITE
