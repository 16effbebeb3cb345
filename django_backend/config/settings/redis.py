"""What this backend asks of Redis: a cache, and a word to the sockets of other processes. It can do without both."""

from __future__ import annotations

from typing import Any

from redis.backoff import NoBackoff
from redis.retry import Retry

from config import environment

REDIS_URL = environment.required("REDIS_URL")

# Whoever asks Redis while serving a request waits so long at most, and then not again for a second. A server of Redis
# that is far away needs more.
REDIS_PATIENCE_SECONDS = environment.number("REDIS_PATIENCE_MS", default=200) / 1000

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "common.cache.LossyCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "rotc",
        "TIMEOUT": 60,
        "OPTIONS": {
            "serializer": "common.cache.JsonValues",
            "socket_connect_timeout": REDIS_PATIENCE_SECONDS,
            "socket_timeout": REDIS_PATIENCE_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        },
    },
}

CHANNEL_LAYERS: dict[str, dict[str, Any]] = {"default": {"BACKEND": "common.channel_layer.RealtimeLayer"}}
