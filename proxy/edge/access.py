"""The access log: one line for each request, without what sounds like a secret."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from structlog.typing import FilteringBoundLogger

from proxy.edge.forwarding import Answered
from proxy.edge.head import Head
from proxy.edge.headers import Hop
from proxy.edge.routing import Decision

_SENSITIVE = re.compile("token|password|secret|key|auth|sig", re.IGNORECASE)


def log_access(
    access: FilteringBoundLogger,
    head: Head,
    hop: Hop,
    decision: Decision,
    served: str,
    answered: Answered,
    seconds: float,
) -> None:
    """Write the line of a request that has ended; `served` is the backend that answered it."""
    path, _, query = head.target.decode("ascii").partition("?")
    access.info(
        "request",
        request_id=hop.request_id.decode(),
        method=head.method,
        path=path,
        query=redacted(query) if query else "",
        status=answered.status,
        backend=served,
        route=decision.route.name,
        reason=decision.reason,
        ms=round(seconds * 1000, 2),
        whole=answered.whole,
        peer=hop.peer,
    )


def redacted(query: str) -> str:
    """The query without the values of what sounds like a secret, however its name is escaped."""
    if "%" not in query and not _SENSITIVE.search(query):
        return query
    pairs = [pair.partition("=") for pair in query.split("&")]
    return "&".join(
        f"{name}=…" if value and _SENSITIVE.search(unquote_plus(name)) else f"{name}{equals}{value}"
        for name, equals, value in pairs
    )
