"""The cache, in Redis: what is expensive to count is counted once a minute, and each time while Redis is gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from common.copies.current import is_copy
from common.outage import Outage
from common.relay import outage_of

# As long as the legacy keeps its figures.
FRESH_SECONDS = 60

Value = TypeVar("Value")


class JsonValues:
    """Keeps values as JSON: whoever can write to Redis must not be able to make this process run anything."""

    def dumps(self, value: Any) -> bytes:
        """The bytes to be stored; ValueError or TypeError if no JSON reads as `value`."""
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Any:
        """The value in what was stored."""
        return json.loads(data)


def _outage(client: Any) -> Outage:
    return outage_of(client._servers[0])


def _lossy(name: str, otherwise: Any) -> Callable[..., Any]:
    """A method of the client that is answered with `otherwise` while Redis is gone."""
    method = getattr(RedisCacheClient, name)

    def attempted(self: RedisCacheClient, *given: Any) -> Any:
        return _outage(self).attempt("cached value", partial(method, self, *given), otherwise)

    return attempted


class LossyClient(RedisCacheClient):
    """Asks Redis for the cache. While it is gone nothing is found, and nothing is kept."""

    add = _lossy("add", False)
    set = _lossy("set", None)
    touch = _lossy("touch", False)
    delete = _lossy("delete", False)
    get_many = _lossy("get_many", {})
    has_key = _lossy("has_key", False)
    set_many = _lossy("set_many", None)
    delete_many = _lossy("delete_many", None)
    clear = _lossy("clear", False)

    def get(self, key: Any, default: Any) -> Any:
        """What was stored under `key`, else `default`."""
        return _outage(self).attempt("cached value", partial(super().get, key, default), default)


class LossyCache(RedisCache):
    """Django's cache in Redis, but that it never fails. Counting in it is not offered: a count must not be lost."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = LossyClient

    def validate_key(self, key: str) -> None:
        """Any text will do; Django asks for what memcached could take as well."""


def cached(key: str, load: Callable[[], Value]) -> Value:
    """What `load` gave within the last minute, in any process; after a write it may be that old.

    For a copy it is always loaded: its answer is compared, and nothing of it may stay behind.
    """
    if is_copy():
        return load()
    cache = caches["default"]
    found: Value | None = cache.get(key)
    if found is None:
        found = load()
        cache.set(key, found, FRESH_SECONDS)
    return found
