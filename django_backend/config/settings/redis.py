"""What this backend asks of Redis: a cache, and a word to the sockets of other processes. It can do without both."""

from __future__ import annotations

from typing import Any

from redis.backoff import NoBackoff
from redis.retry import Retry

from config import environment

REDIS_URL = environment.required("REDIS_URL")

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "common.cache.LossyCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "rotc",
        "TIMEOUT": 60,
        "OPTIONS": {
            "serializer": "common.cache.JsonValues",
            # A request waits meanwhile, and the database has the same figures.
            "socket_connect_timeout": 0.2,
            "socket_timeout": 0.2,
            "retry": Retry(NoBackoff(), 0),
        },
    },
}

CHANNEL_LAYERS: dict[str, dict[str, Any]] = {"default": {"BACKEND": "common.channel_layer.RealtimeLayer"}}
