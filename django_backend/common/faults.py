"""Tells Sentry of our own faults, where its DSN is set: what broke and where, and nothing of whom it broke for.

Of all that its SDK could collect by itself it collects nothing: no requests, no headers, no values of variables, no log
lines. The text of an exception is left out as well, for a database puts the rows into it that it refused.
"""

from __future__ import annotations

from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.types import Event, Hint

LEFT_OUT = ("request", "user", "breadcrumbs", "extra", "server_name", "modules")


def faults_watch(*, dsn: str, environment: str, release: str) -> None:
    """Begin to report faults of this process; without a DSN nothing is ever sent."""
    if not dsn:
        return
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[AtexitIntegration(callback=_quietly), DedupeIntegration()],
        include_local_variables=False,
        max_breadcrumbs=0,
        send_client_reports=False,
        auto_session_tracking=False,
        before_send=without_people,
    )


def fault_report(error: BaseException) -> None:
    """Report what nobody foresaw, under the id that the log has for the request."""
    if not sentry_sdk.is_initialized():
        return
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("request_id", structlog.contextvars.get_contextvars().get("request_id"))
        scope.capture_exception(error)


def without_people(event: Event, hint: Hint) -> Event:
    """An event as it may leave the house."""
    kept: dict[str, Any] = {name: value for name, value in event.items() if name not in LEFT_OUT}
    for thrown in kept.get("exception", {}).get("values", []):
        thrown["value"] = ""
        for frame in thrown.get("stacktrace", {}).get("frames", []):
            frame.pop("vars", None)
    return kept  # type: ignore[return-value]


def _quietly(pending: int, timeout: float) -> None:
    """Wait for what is still to be sent without a word on the terminal."""
