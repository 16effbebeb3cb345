"""Everything an operator may set, each with its default and what it means. This file is the reference."""

from __future__ import annotations

import ipaddress
import os
import re
from enum import StrEnum
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from migration.errors import RowsError
from migration.mapping import RowMapping
from migration.mappings import MAPPINGS
from shadow.dualwrite.lanes import PLACE
from shadow.settings import STRICT, CompareSettings, MirrorSettings
from shadow.values import Duration, Size

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$")]
Port = Annotated[int, Field(ge=0, le=65535)]


def _http_url(written: str) -> str:
    parts = urlsplit(written)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError('expected an absolute URL such as "http://127.0.0.1:3001"')
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError("expected only scheme, host and port: paths are passed on as the client sent them")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("expected a port from 1 to 65535") from error
    return f"{parts.scheme}://{parts.netloc}"


def _path(written: str) -> str:
    if not written.startswith("/") or any(c <= " " or c > "~" for c in written):
        raise ValueError('expected a path such as "/health"')
    return written


def _network(written: str) -> str:
    return str(ipaddress.ip_network(written, strict=False))


HttpUrl = Annotated[str, AfterValidator(_http_url)]


@dataclass(frozen=True, config=STRICT)
class Tls:
    """How an `https` backend proves who it is."""

    verify: bool = True
    """Off only for tests: a certificate that nobody checks proves nothing."""
    ca: str | None = None
    """A file of certificates to trust instead of the system's."""


@dataclass(frozen=True, config=STRICT)
class Backend:
    """One of the two backends."""

    url: HttpUrl
    health: Annotated[str, AfterValidator(_path)] | None = None
    """Asked by the health probe; any 2xx is healthy. Left out: `/` is asked, and any answer below 500 is healthy."""
    ws: HttpUrl | None = None
    """Where WebSockets go; default: `url`."""
    host: Literal["preserve", "upstream"] = "preserve"
    """`preserve` passes the client's Host on, `upstream` sends the host of `url`."""
    cooperates: bool = False
    """It honours `Idempotency-Key` and the signed `X-Cutover-*` headers (design.md section 11)."""
    database: str | None = None
    """Its PostgreSQL URL, for sequences and rows."""
    token_secret: str | None = None
    """Signs its tokens (JWT, HS256), so that a copy of a write can be sent in the name of whoever wrote it. Without it
    copies carry no token."""
    refusals: tuple[Annotated[str, Field(min_length=3)], ...] = ()
    """Words, in any case, one of which is in the body of a 500 that is a refusal, for routes with `refuses_with_500`.
    Without them it may have happened (the database died after the commit, say): its rows are carried."""
    tls: Tls = Tls()
    connections: Annotated[int, Field(ge=1)] = 256
    """Connections at the most, per edge process; a request that waits longer than `connect_timeout` gets 503."""
    keep_alive: Duration = 1.5
    """An idle connection is closed after this. Keep it below the backend's own (gunicorn 2 s, Node 5 s by default)."""
    connect_timeout: Duration = 5.0
    answer_timeout: Duration = 60.0
    """Seconds to the first byte of an answer."""
    idle_timeout: Duration = 60.0
    """Seconds without a byte in the middle of an answer. There is no limit on the whole, streams may go on."""
    probe_interval: Duration = 2.0
    probe_timeout: Duration = 2.0


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
    is empty takes its lane away. What lies below a fourth segment is one lane. None: such writes run one at a time,
    apart from everything else."""
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
    """Edge processes; they share the port."""
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
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
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
