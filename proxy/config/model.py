"""Everything an operator may set, each with its default and what it means. This file is the reference,
with `backends.py` and `routes.py`."""

from __future__ import annotations

import os
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from migration.errors import RowsError
from migration.mapping import RowMapping
from migration.mappings import MAPPINGS
from proxy.config.backends import Backend
from proxy.config.routes import Route
from proxy.config.values import Name, Network, Port
from shadow.settings import STRICT, CompareSettings, MirrorSettings
from shadow.values import Duration, Size


@dataclass(frozen=True, config=STRICT)
class JournalSettings:
    """How writes are made durable, and brought to the standby (design.md section 4)."""

    enabled: bool = True
    """Off: writes go to the active side only, and the standby falls behind from the first one on."""
    forward_within: Duration = 5.0
    """A write that was admitted and not forwarded within this never is."""
    queue: Duration = 10.0
    """How long a write waits for its lanes; then 503."""
    write_grace: Duration = 120.0
    """How long the edge reads on for a write whose client has already got its 504."""
    outcome_within: Duration = 10.0
    """How long an answer waits for its outcome to be durable; then 504, and the outcome is told on."""
    answer_limit: Size = 1024 * 1024
    """An answer above this is passed on without being kept; it is not compared."""
    spool: Size = 1024 * 1024
    """A body above this waits for its end on disk."""
    concurrency: Annotated[int, Field(ge=1)] = 32
    """Copies under way at once."""
    timeout: Duration = 30.0
    """Seconds that a copy may take on the standby."""
    hold: Duration = 5.0
    """How long a heal may hold its lanes while what is in flight in them ends and the rows travel."""
    max_request_age: Duration = 300.0
    """A write without an answer on a backend that does not cooperate has ended after this, if its database agrees."""
    retention: Duration = 7 * 24 * 3600.0
    """Bodies are kept this long after their entry is settled."""


@dataclass(frozen=True, config=STRICT)
class Rows:
    """How the rows of the two databases correspond, for everything that heals."""

    mapping: str | None = None
    """A declared pair of systems, such as `rotc`. Left out: no rows can be carried, and what can only be healed waits
    for a person."""
    zones: dict[str, str] = Field(default_factory=dict)
    """Whose clock a time without zone was read from: `table.column` (or `*`) → such as `Asia/Manila`; default: UTC."""
    rules: dict[str, str] = Field(default_factory=dict)
    """What to do with what the other side cannot represent: `table.column:hazard` → the name of a way."""
    watch: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """Seconds between two looks for rows that were written past the proxy, while the release copies; 0: nobody looks
    (`cutover reconcile --watch` does the same elsewhere)."""

    def declared(self) -> RowMapping | None:
        """The mapping with its zones and rules. Raises RowsError for what it does not know."""
        if self.mapping is None:
            return None
        if self.mapping not in MAPPINGS:
            raise RowsError(f"expected one of {', '.join(sorted(MAPPINGS))}, got {self.mapping!r}")
        return MAPPINGS[self.mapping].with_zones(self.zones).with_rules(self.rules)


@dataclass(frozen=True, config=STRICT)
class Listen:
    """Where cutover listens."""

    host: str = "0.0.0.0"  # noqa: S104 - an edge is public by purpose
    port: Port = 8080
    """The edge's; `PORT` in the environment wins."""
    edges: Annotated[int, Field(ge=1, le=64)] = max(1, min(4, os.cpu_count() or 1))
    """Edge processes; they share the port, and a journal writer beside them. One alone writes its journal itself: that
    is quicker for each write, and bounded by one core."""
    control_host: str = "127.0.0.1"
    control_port: Port = 8081
    """The control API's; `CUTOVER_CONTROL_PORT` in the environment wins."""


@dataclass(frozen=True, config=STRICT)
class Store:
    """PostgreSQL (the truth) and Redis (the fast and lossy part). Left out: cutover starts its own."""

    database: str | None = None
    redis: str | None = None
    directory: str = "var/cutover"
    """What cutover keeps on local disk: its own servers, the token, the last state seen, sockets."""


@dataclass(frozen=True, config=STRICT)
class Sticky:
    """By what a client is known, first match wins. A client with none of them goes to the active backend."""

    claim: str | None = "id"
    """A claim of the bearer token (read, not verified: it only decides who answers)."""
    header: str | None = None
    cookie: str = "cutover_client"
    issue_cookie: bool = False
    """Give a client that has no key the cookie, so that it gets a side of its own."""


LARGEST_JOURNALED = 48 * 1024 * 1024  # well below a message to the journal writer (shadow.dualwrite.messages)


@dataclass(frozen=True, config=STRICT)
class Limits:
    """What a client may send."""

    target: Size = 16 * 1024
    """Bytes of a request line; more: 414."""
    field: Size = 16 * 1024
    """Bytes of one header line; more: 431."""
    fields: Annotated[int, Field(ge=8, le=1000)] = 128
    """Header lines; more: 431."""
    body: Size = 25 * 1024 * 1024
    """Bytes of a request body; more: 413."""
    keep_alive: Duration = 75.0
    """An idle client connection is closed after this."""
    half_close_grace: Duration = 2.0
    """A client that closed its sending side may still wait this long for its answer, then it counts as gone."""
    drain: Duration = 10.0
    """Seconds that a stopping edge gives the requests under way."""


@dataclass(frozen=True, config=STRICT)
class GuardRule:
    """One rule of the guard: a metric, how much is too much, for how long, and what then."""

    metric: Literal["error_rate"] = "error_rate"
    above: Annotated[float, Field(gt=0, lt=1)] = 0.10
    window: Duration = 120.0
    max_window: Duration = 1800.0
    """The window is widened up to this until it holds `samples` requests."""
    samples: Annotated[int, Field(ge=1)] = 20
    """Fewer than this say nothing."""
    action: Literal["roll_back", "notify"] = "roll_back"


@dataclass(frozen=True, config=STRICT)
class Guard:
    """When the weight goes home by itself."""

    enabled: bool = True
    interval: Duration = 1.0
    rules: tuple[GuardRule, ...] = (GuardRule(),)


@dataclass(frozen=True, config=STRICT)
class Logging:
    """What is written to standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"
    """`auto`: JSON unless standard output is a terminal."""
    access: bool = True


@dataclass(frozen=True, config=STRICT)
class Config:
    """One deployment."""

    backends: Annotated[dict[Name, Backend], Field(min_length=2, max_length=2)]
    """The two backends by name. The second one listed is the one that clients move to first as its weight rises."""
    active: Name
    """The backend that is active when the deployment is new; afterwards the control row says."""
    data: Literal["separate", "shared"] = "separate"
    routes: tuple[Route, ...] = ()
    ignore_case: bool = False
    """Match route templates in any letter case (the paths themselves are always passed on unchanged)."""
    sticky: Sticky = Sticky()
    mirror: MirrorSettings = MirrorSettings()
    compare: CompareSettings = CompareSettings()
    journal: JournalSettings = JournalSettings()
    rows: Rows = Rows()
    guard: Guard = Guard()
    limits: Limits = Limits()
    fallback_after: Duration = 5.0
    """A read that the standby has not begun to answer after this is asked of the active side."""
    debug_header: bool = False
    """Name the backend and the reason in the answer to a request that carries `X-Cutover-Debug`."""
    listen: Listen = Listen()
    store: Store = Store()
    log: Logging = Logging()
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose X-Forwarded-* are kept and appended to, such as `10.0.0.0/8`; everybody else's are replaced."""
    token: str | None = None
    """The operator's bearer token; `CUTOVER_TOKEN` wins; left out: one is made and kept in `store.directory`."""
    viewer_token: str | None = None
    secret: str | None = None
    """Signs the headers on copies; left out: one is made and kept in `store.directory`."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        mistakes = []
        if self.active not in self.backends:
            mistakes.append(f"active: expected one of {', '.join(self.backends)}, got {self.active!r}")
        mistakes += _twice("routes", [route.match for route in self.routes])
        mistakes += _twice("compare.rules", [rule.name for rule in self.compare.rules])
        known = {route.match for route in self.routes}
        for number, rule in enumerate(self.compare.rules):
            mistakes += [
                f"compare.rules.{number}.routes: {name!r} is not one of the routes"
                for name in rule.routes
                if name not in known
            ]
        for number, route in enumerate(self.routes):
            mistakes += [f"routes.{number}.{mistake}" for mistake in route.mistakes()]
            mistakes += [
                f"routes.{number}.refuses_with_500: expected names out of {', '.join(self.backends)}, got {name!r}"
                for name in route.refuses_with_500
                if name not in self.backends
            ]
        refusing = {name for route in self.routes for name in route.refuses_with_500}
        mistakes += [
            f"backends.{name}.refusals: expected the words of a 500 that is a refusal, for routes with refuses_with_500"
            for name, backend in self.backends.items()
            if name in refusing and not backend.refusals
        ]
        if self.journals and self.limits.body > LARGEST_JOURNALED:
            mistakes.append(
                "limits.body: expected at most 48MiB, since every write is kept whole in the journal until both sides "
                f"have it; got {self.limits.body} bytes"
            )
        try:
            self.rows.declared()
        except RowsError as error:
            mistakes.append(f"rows.mapping: {error}")
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self

    @property
    def names(self) -> tuple[str, str]:
        """The backends' names in the order of the file."""
        first, second = self.backends
        return first, second

    @property
    def journals(self) -> bool:
        """Whether writes go through the journal: with one database for both there is nothing to bring over."""
        return self.data == "separate" and self.journal.enabled

    def other(self, name: str) -> str:
        """The backend that `name` is not."""
        first, second = self.names
        return second if name == first else first


def _twice(where: str, names: list[str]) -> list[str]:
    return [f"{where}: {name!r} is there twice" for name in sorted({n for n in names if names.count(n) > 1})]
