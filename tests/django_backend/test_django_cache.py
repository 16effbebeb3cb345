"""The cache: it gives back what was stored, and does without Redis while Redis is gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.core.cache import caches
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from apps.authentication.models import User
from common.cache import LossyCache, cached
from common.copies.current import Copy as Copied
from common.copies.current import Kind, serving
from common.relay import outage_of
from proxy.embedded import EmbeddedRedis
from tests.django_backend.people import Ask, Copy, cadet, told
from tests.support.waiting import eventually

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
KEYS = st.text(st.characters(codec="utf-8"))
UseRedis = Callable[[str], LossyCache]


@pytest.fixture
def use_redis(settings: Any) -> UseRedis:
    """Call it with the address of a Redis for the cache that Django keeps there."""

    def use(url: str) -> LossyCache:
        settings.REDIS_URL = url
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": url}}
        found: LossyCache = caches["default"]
        return found

    return use


@pytest.fixture
def cache(use_redis: UseRedis, cache_url: str) -> Iterator[LossyCache]:
    """A cache that is empty, before and after."""
    found = use_redis(cache_url)
    found.clear()
    yield found
    found.clear()


@pytest.mark.property_test
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS, value=JSON)
def test_property_17_cache(cache: LossyCache, key: str, value: Any) -> None:
    """Feature: django-backend-activation, Property 17: Cache

    What Redis gives back equals what was stored, in value and in kind, to whoever asks.
    """
    cache.set(key, value)
    # Another process has a connection of its own.
    another = LossyCache(cache._servers[0], {**params(), "KEY_PREFIX": cache.key_prefix})
    for reader in (cache, another):
        found = reader.get(key, "nothing")
        # Python takes True for 1 and 1 for 1.0; their texts differ.
        assert (found, json.dumps(found)) == (value, json.dumps(value))
    assert cache.delete(key) is True
    assert another.get(key, "nothing") == "nothing"


def params() -> dict[str, Any]:
    """The options of the configured cache."""
    from django.conf import settings

    found: dict[str, Any] = settings.CACHES["default"]
    return {"OPTIONS": found["OPTIONS"], "TIMEOUT": found["TIMEOUT"]}


@pytest.mark.property_test
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_what_is_stored_together_is_found_together(cache: LossyCache, values: dict[str, Any]) -> None:
    cache.set_many(values)
    assert cache.get_many([*values, "what nobody stored, ever"]) == values
    cache.delete_many(list(values))
    assert cache.get_many(list(values)) == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes"])
def test_what_no_json_reads_as_is_refused_and_not_pickled(cache: LossyCache, value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        cache.set("key", value)
    assert cache.get("key") is None


def test_what_is_stored_is_json_and_leaves_by_itself_after_a_minute(cache: LossyCache, cache_url: str) -> None:
    cached("figures", lambda: {"total": 1})
    with redis.Redis.from_url(cache_url) as server:
        assert json.loads(server.get("rotc:1:figures")) == {"total": 1}  # type: ignore[arg-type]
        assert 0 < server.ttl("rotc:1:figures") <= 60  # type: ignore[operator]


def test_what_is_cached_is_loaded_once_but_for_a_copy_each_time(cache: LossyCache) -> None:
    loads = iter(range(10))
    with serving(Copied(Kind.MIRROR)):
        assert cached("number", lambda: next(loads)) == 0
    assert [cached("number", lambda: next(loads)) for _ in range(3)] == [1, 1, 1]
    with serving(Copied(Kind.MIRROR)):
        assert cached("number", lambda: next(loads)) == 2
    assert cached("number", lambda: next(loads)) == 1


def test_the_figures_of_the_last_minute_are_answered_and_those_of_this_moment_to_a_copy(
    cache: LossyCache, ask: Ask, copy: Copy, bob: User
) -> None:
    assert told(ask("get", "system/stats", by=bob))["totalCadets"] == 0
    assert told(ask("get", "grading/leaderboard", by=bob)) == []
    cadet("2021-00009")
    assert told(ask("get", "system/stats", by=bob))["totalCadets"] == 0
    assert told(ask("get", "grading/leaderboard", by=bob)) == []
    assert told(copy("mirror", "get", "system/stats", by=bob, key=None))["totalCadets"] == 1
    cache.clear()
    assert told(ask("get", "system/stats", by=bob))["totalCadets"] == 1
    assert len(told(ask("get", "grading/leaderboard", by=bob))) == 1


def test_a_cache_without_redis_finds_nothing_and_fails_at_nothing(use_redis: UseRedis) -> None:
    cache = use_redis("redis://127.0.0.1:1/1")
    assert cache.get("key", "default") == "default"
    assert (cache.add("key", 1), cache.touch("key"), cache.delete("key"), cache.clear()) == (False,) * 4
    assert cache.has_key("key") is False
    assert cache.get_many(["key"]) == {}
    assert cache.set_many({"key": 1}) == []
    cache.delete_many(["key"])
    assert cache.get_or_set("key", lambda: 7) == 7
    assert [cached("key", lambda value=number: value) for number in (1, 2)] == [1, 2]


def test_the_loss_of_redis_is_logged_once_and_counted_and_its_return_needs_nothing(
    use_redis: UseRedis, open_directory: Path
) -> None:
    with EmbeddedRedis() as server, capture_logs() as logs:
        url = server.start(open_directory / "redis", 0)
        cache = use_redis(url)
        cache.set("key", "before")
        assert cache.get("key") == "before"
        server.stop()
        missed = outage_of(url).missed["cached value"]
        for _ in range(20):
            assert cache.get("key") is None
        assert outage_of(url).missed["cached value"] - missed == 20
        server.start(open_directory / "redis", urlsplit(url).port)

        def is_kept() -> bool:
            cache.set("key", "after")
            return bool(cache.get("key") == "after")

        eventually(is_kept)
    events = [line["event"] for line in logs]
    assert events == ["redis is gone", "redis is back"]
    assert logs[1]["missed"]["cached value"] >= 20
