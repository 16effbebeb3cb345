"""Tells open pages what happened, in the frames of the WebSockets.

The sockets are served by another process. It hears of a frame through Redis, on the channel `realtime:<channel>`, as
`{"frame": {"type", "data"}, "to": [user ids]}`; no `to` means everybody who listens there.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.copies.effects import after_commit
from common.json import dumps

# Somebody waits for the answer of the write meanwhile, and a frame that is lost is fetched with the next page.
PATIENCE_SECONDS = 0.2

log = structlog.get_logger(__name__)


def publish(channel: str, kind: str, data: dict[str, Any], *, to: Collection[int] | None = None) -> None:
    """Send a frame to those who listen on `channel`, or to those of them who are in `to`, once it is true."""
    message = dumps({"frame": {"type": kind, "data": data}, "to": None if to is None else sorted(to)})
    after_commit(f"realtime {channel}", lambda: _send(channel, message))


def publish_update(resource: str, action: str, row_id: int | None) -> None:
    """Tell everybody that a row changed, so that an open page can fetch it again; no id means many rows."""
    publish("updates", "update", {"resource": resource, "action": action, "id": row_id})


def _send(channel: str, message: bytes) -> None:
    try:
        _redis(settings.REDIS_URL).publish(f"realtime:{channel}", message)
    except redis.RedisError as trouble:
        log.warning("open pages were not told", channel=channel, reason=str(trouble))


@cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=PATIENCE_SECONDS,
        socket_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
