"""What the workers leave in Redis: a sign that one lives, and how often each decision about a job was made."""

from __future__ import annotations

from functools import cache

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.health import CELERY_ALIVE_KEY

# A worker renews its sign every two seconds; whoever misses it that long has none.
ALIVE_SECONDS = 15
# A hash: each decision, and how often it was made since Redis was last empty.
DECISIONS_KEY = "celery:decisions"
# Somebody may wait for the answer of the write that asks.
PATIENCE_SECONDS = 0.2

log = structlog.get_logger(__name__)


def sign_of_life() -> None:
    """Say that a worker lives."""
    try:
        _redis(settings.REDIS_URL).set(CELERY_ALIVE_KEY, 1, ex=ALIVE_SECONDS)
    except redis.RedisError as trouble:
        log.warning("the worker could not say that it lives", reason=str(trouble))


def worker_lives() -> bool | None:
    """Whether a worker has lately said so; None if Redis does not answer."""
    try:
        return bool(_redis(settings.REDIS_URL).exists(CELERY_ALIVE_KEY))
    except redis.RedisError:
        return None


def decision_count(decision: str) -> None:
    """Count a decision. What cannot be counted is still in the log."""
    log.info("a job was decided about", decision=decision)
    try:
        _redis(settings.REDIS_URL).hincrby(DECISIONS_KEY, decision, 1)
    except redis.RedisError as trouble:
        log.warning("a decision was not counted", decision=decision, reason=str(trouble))


@cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_connect_timeout=PATIENCE_SECONDS, socket_timeout=PATIENCE_SECONDS, retry=Retry(NoBackoff(), 0)
    )
