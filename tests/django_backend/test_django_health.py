"""Health: an answer for everybody, at once, that says which dependency is missing."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from common.health import CELERY_ALIVE_KEY, report
from common.probes import Probe, ask_all
from tests.django_backend.people import refusal, told

NOW = datetime(2024, 1, 15, 10, 30, 0, 999, tzinfo=UTC)
UP = {"database": True, "redis": True, "celery": True}


@pytest.fixture
def cache(settings: Any, cache_url: str) -> Iterator[redis.Redis]:
    """A Redis that Django knows of, in which no worker of background tasks has left a sign."""
    settings.REDIS_URL = cache_url
    with redis.Redis.from_url(cache_url) as cache:
        cache.delete(CELERY_ALIVE_KEY)
        yield cache


def patiently(client: Client, **headers: str) -> Any:
    """The first answer that finds the database; the very first may not wait for the first connection."""
    for _ in range(50):
        answer = client.get("/api/health", headers=headers)
        if told(answer)["services"]["database"] == "connected":
            break
        time.sleep(0.02)
    return answer


@pytest.mark.django_db(transaction=True)
def test_health_check_endpoint(client: Client, cache: redis.Redis) -> None:
    answer = patiently(client)
    assert answer.status_code == 200
    body = told(answer)
    assert abs(datetime.fromisoformat(body.pop("timestamp")).timestamp() - time.time()) < 5
    services = {"database": "connected", "redis": "connected", "celery": "stopped"}
    assert body == {"status": "degraded", "services": services, "version": "1.0.0"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/api/health", "/API/Health/", "/api/health/?a=b"])
def test_health_answers_any_host_and_asks_nobody_who_they_are(client: Client, cache: redis.Redis, path: str) -> None:
    patiently(client)
    answer = client.get(path, headers={"Host": "probe.internal:99", "Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer["Content-Length"] == str(len(answer.content))


def test_health_is_only_read(client: Client) -> None:
    answer = client.post("/api/health", headers={"Host": "probe.internal"})
    assert refusal(answer) == (405, "Method not allowed")
    assert answer["Allow"] == "GET, HEAD"


def test_without_the_database_it_is_unhealthy_and_still_quick(client: Client) -> None:
    # No test of this kind may reach a database, so to the probe it is gone.
    took = []
    for _ in range(10):
        before = time.perf_counter()
        answer = client.get("/api/health")
        took.append(time.perf_counter() - before)
    # A busy machine may hold up any of them; waiting for a dependency would hold up all.
    assert min(took) < 0.05
    assert answer.status_code == 503
    assert told(answer)["status"] == "unhealthy"
    assert told(answer)["services"]["database"] == "disconnected"


def test_who_asks_by_the_second_fills_no_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/api/health").status_code == 503
    assert caplog.records == []


@pytest.mark.parametrize("up", list(itertools.product([True, False], repeat=3)))
def test_only_the_database_makes_it_unhealthy(up: tuple[bool, ...]) -> None:
    found = dict(zip(UP, up, strict=True))
    body, status = report(found, now=NOW)
    expected = "unhealthy" if not up[0] else "healthy" if all(up) else "degraded"
    assert (body["status"], status) == (expected, 503 if expected == "unhealthy" else 200)
    words = [("connected", "disconnected"), ("connected", "disconnected"), ("running", "stopped")]
    assert list(body["services"].values()) == [word[not found] for word, found in zip(words, up, strict=True)]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_leaves_a_sign_is_found(cache: redis.Redis) -> None:
    from common.health import PROBES

    running = Probe(PROBES["celery"]._question)
    assert ask_all({"celery": running}, 2)["celery"] is False
    cache.set(CELERY_ALIVE_KEY, 1, ex=30)
    assert ask_all({"celery": running}, 2)["celery"] is True


class Dependency:
    """A dependency that answers what it is told to, when it is told to, and counts the questions."""

    def __init__(self, answer: bool | Exception = True) -> None:
        self.answer = answer
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self) -> bool:
        self.asked += 1
        self.may_answer.wait(5)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_nobody_waits_for_a_dependency_that_is_silent() -> None:
    silent = Dependency()
    silent.may_answer.clear()
    probes = {name: Probe(silent) for name in ("one", "two", "three")}
    assert ask_all(probes, 0.03) == {"one": False, "two": False, "three": False}
    assert not any(probe._answer.done() for probe in probes.values() if probe._answer)
    silent.may_answer.set()


def test_who_comes_when_it_has_been_silent_for_long_does_not_wait_at_all() -> None:
    silent = Dependency()
    silent.may_answer.clear()
    probe = Probe(silent)
    probe.ask()
    patience = 3600.0
    probe._asked_at -= patience
    assert ask_all({"silent": probe}, patience) == {"silent": False}
    silent.may_answer.set()


def test_what_was_found_last_stands_in_while_the_answer_is_on_its_way() -> None:
    slow = Dependency()
    probe = Probe(slow)
    assert ask_all({"slow": probe}, 2) == {"slow": True}
    slow.may_answer.clear()
    assert ask_all({"slow": probe}, 0.01) == {"slow": True}
    slow.answer = False
    slow.may_answer.set()
    assert probe.is_up(2) is False


def test_what_was_found_stands_in_however_old_it_is_but_not_for_what_is_silent_for_long() -> None:
    slow = Dependency()
    probe = Probe(slow, stands_in=15)
    assert ask_all({"slow": probe}, 2) == {"slow": True}
    probe._found_at -= 86_400
    slow.may_answer.clear()
    assert ask_all({"slow": probe}, 0) == {"slow": True}
    probe._asked_at -= 16
    assert ask_all({"slow": probe}, 0) == {"slow": False}
    slow.may_answer.set()
    assert probe.is_up(3600) is True


def test_callers_at_the_same_time_share_one_question() -> None:
    slow = Dependency()
    slow.may_answer.clear()
    probe = Probe(slow)
    for _ in range(5):
        ask_all({"slow": probe}, 0)
    slow.may_answer.set()
    assert probe.is_up(2) is True
    assert slow.asked == 1


def test_an_answer_is_good_for_as_long_as_it_is_said_to_be() -> None:
    dependency = Dependency()
    for probe, questions in ((Probe(dependency, fresh_for=60), 1), (Probe(dependency), 3)):
        dependency.asked = 0
        for _ in range(3):
            assert ask_all({"it": probe}, 2) == {"it": True}
        assert dependency.asked == questions


def test_a_question_that_raises_is_a_dependency_that_is_down_until_it_is_back() -> None:
    dependency = Dependency(ConnectionError("gone"))
    probe = Probe(dependency)
    assert ask_all({"it": probe}, 2) == {"it": False}
    dependency.answer = True
    assert ask_all({"it": probe}, 2) == {"it": True}


@pytest.mark.property_test
@given(st.fixed_dictionaries(dict.fromkeys(UP, st.booleans())), st.datetimes(timezones=st.just(UTC)))
def test_the_time_of_an_answer_has_no_fraction(up: dict[str, bool], now: datetime) -> None:
    body, _ = report(up, now=now)
    assert body["timestamp"].microsecond == 0 and body["timestamp"].tzinfo is UTC
