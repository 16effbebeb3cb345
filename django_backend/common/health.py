"""Says whether this backend and what it depends on are well, to anybody who asks and by any name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.errors import method_not_allowed
from common.json import json_response
from common.probes import Probe, ask_all

PATH = "/api/health"
# How long an answer waits for the dependencies, all of them together.
PATIENCE_SECONDS = 0.02
# How long a process that starts waits for them: it is known as unhealthy otherwise, where it was only quick.
START_SECONDS = 2.0
# How long Redis may take to answer a probe; nobody waits for it, but the thread should come back.
REDIS_SECONDS = 1.0
# Workers come and go slowly, and whoever asks for health asks often.
CELERY_FRESH_SECONDS = 10.0
# The worker of background tasks renews this key, and it expires when no worker lives.
CELERY_ALIVE_KEY = "celery:alive"

Handler = Callable[[HttpRequest], HttpResponseBase]


class HealthMiddleware:
    """Answers `GET /api/health` before anything else looks at the request: no login, no check of the Host."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.rstrip("/").lower() != PATH:
            return self._get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return method_not_allowed(["GET", "HEAD"])
        body, status = report(ask_all(PROBES, PATIENCE_SECONDS), now=datetime.now(UTC))
        answer = json_response(body, status=status)
        # Django would log an error for each, and probes come by the second; the access log has them all.
        answer._has_been_logged = True  # type: ignore[attr-defined]
        return answer


def prepare() -> None:
    """Find out for the first time. A server calls it before it serves, so that a fresh process knows what it says."""
    ask_all(PROBES, START_SECONDS)


def report(up: Mapping[str, bool], *, now: datetime) -> tuple[dict[str, Any], int]:
    """The body and the status of an answer. Without the database nothing works; without the others much does."""
    state = "unhealthy" if not up["database"] else "healthy" if all(up.values()) else "degraded"
    body = {
        "status": state,
        "timestamp": now.replace(microsecond=0),
        "services": {
            "database": "connected" if up["database"] else "disconnected",
            "redis": "connected" if up["redis"] else "disconnected",
            "celery": "running" if up["celery"] else "stopped",
        },
        "version": settings.RELEASE_VERSION,
    }
    return body, 503 if state == "unhealthy" else 200


def _database_answers() -> bool:
    # The connection belongs to the thread of the probe, and lives as long as that of a request's thread would.
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    finally:
        connection.close_if_unusable_or_obsolete()


def _redis_answers() -> bool:
    return bool(_redis(settings.REDIS_URL).ping())


def _celery_answers() -> bool:
    return bool(_redis(settings.REDIS_URL).exists(CELERY_ALIVE_KEY))


@cache
def _redis(url: str) -> redis.Redis:
    # No second try: the probe is to find out, and the next question comes soon.
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


PROBES = {
    "database": Probe(_database_answers),
    "redis": Probe(_redis_answers),
    "celery": Probe(_celery_answers, fresh_for=CELERY_FRESH_SECONDS),
}
