"""What may be set for a backend."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from proxy.config.values import HttpUrl, UrlPath
from shadow.settings import STRICT
from shadow.values import Duration


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
    health: UrlPath | None = None
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
