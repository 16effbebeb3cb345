"""Sends requests through the edge, a few at a time, and waits until the shadow has judged the copies of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from proxy.config import read
from proxy.config.routes import RouteClass
from proxy.edge.routing import Matched, RouteTable
from stack.exchange import Exchange, Outcome
from stack.request import Request
from tests.parity.stage import CONFIG, Stage

AT_ONCE = 6
JUDGED_WITHIN = 60.0
ANSWERED_WITHIN = 60.0


@dataclass
class Sent:
    """What went out, and what came back to the clients."""

    mirrored: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: list[str] = field(default_factory=list)

    def note(self, request: Request, outcome: Outcome, is_mirrored: bool) -> None:
        """Count one."""
        self.mirrored += is_mirrored
        self.operations[request.operation] += 1
        self.statuses[outcome.status] += 1
        if outcome.status == 0:
            self.unanswered.append(outcome.surprise or request.path)


class Routes:
    """Which route a request is of, as the edge finds it."""

    def __init__(self) -> None:
        config = read(CONFIG, {})
        self._table = RouteTable(config.routes, ignore_case=config.ignore_case)

    def of(self, request: Request) -> Matched:
        """Its route."""
        path = request.path if request.path.startswith("/") else f"/api/v1/{request.path}"
        return self._table.match(request.method, path.partition("?")[0])

    def mirrors(self, request: Request) -> bool:
        """Whether the edge hands a copy of it to the shadow."""
        route = self.of(request)
        return route.mirror and route.kind in (RouteClass.READ, RouteClass.AUTH)


async def send(url: str, requests: Iterable[Request], tick: Callable[[Sent], None] | None = None) -> Sent:
    """Send them all, so many at once as people would; what came of it."""
    exchange, routes, sent, waiting = Exchange(url, None, ANSWERED_WITHIN), Routes(), Sent(), iter(requests)

    async def client() -> None:
        for request in waiting:
            sent.note(request, await exchange.send(request), routes.mirrors(request))
            if tick is not None:
                tick(sent)

    try:
        await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    finally:
        await exchange.close()
    return sent


@dataclass(frozen=True)
class Findings:
    """What the control API says that the shadow found."""

    groups: dict[str, dict[str, Any]]
    routes: tuple[dict[str, Any], ...]

    @property
    def verdicts(self) -> Counter[str]:
        """All verdicts over all routes."""
        return sum((Counter(route["verdicts"]) for route in self.routes), Counter())

    @property
    def reasons(self) -> Counter[str]:
        """Why something was not compared."""
        return sum((Counter(route["not_compared"]) for route in self.routes), Counter())

    @property
    def rules(self) -> Counter[str]:
        """How often each rule allowed something."""
        return sum((Counter(route["rules"]) for route in self.routes), Counter())

    @property
    def open(self) -> list[dict[str, Any]]:
        """The groups that no rule explains."""
        return [group for group in self.groups.values() if group["status"] == "open"]

    def since(self, before: Findings) -> list[dict[str, Any]]:
        """The groups that grew after *before*."""
        return [group for id, group in self.groups.items() if group["count"] > before.count(id)]

    def count(self, id: str) -> int:
        """How often a group was seen."""
        return int(self.groups[id]["count"]) if id in self.groups else 0


def findings(on: Stage) -> Findings:
    """As of now."""
    found = on.control("/api/diffs?limit=500")
    return Findings({group["id"]: group for group in found["diffs"]}, tuple(found["routes"]))


def judged(on: Stage, mirrored: int, within: float = JUDGED_WITHIN) -> Findings:
    """The findings, once so many exchanges in all have their verdict. Each has exactly one, so none may be missing."""
    deadline = time.monotonic() + within
    while (found := findings(on)).verdicts.total() < mirrored:
        if time.monotonic() > deadline:
            raise AssertionError(f"{mirrored} were mirrored and {found.verdicts.total()} judged: {found.verdicts}")
        time.sleep(0.05)
    # Once more: groups are read before sums, and both are written at once.
    return findings(on)


def told(on: Stage, groups: Iterable[dict[str, Any]]) -> str:
    """Groups with an example each, for people to read."""
    lines = []
    for group in groups:
        examples = on.control(f"/api/diffs/{group['id']}")["examples"]
        lines.append(f"{group['route']} {group['pattern']} {group['kind']} × {group['count']}")
        lines += [
            f"    {e['method']} {e['target']} at {e['path']}: {e['active_status']} {e['active'][:300]}"
            f" | {e['standby_status']} {e['standby'][:300]}"
            for e in examples[:2]
        ]
    return "\n".join(lines)
