"""The servers that the stories run on, and the people in them.

Alice and Charlie are cadets, Bob trains them, Carol is an admin. All of them have the same password, hashed by Node.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.authentication.models import User
from apps.authentication.services import user_token
from common.roles import Role
from config import environment
from config.settings.test import NO_DATABASE, NO_REDIS
from tests.django_backend.people import CUTOVER_SECRET, Ask, Copy, Frames, cadet, copy_headers, person
from tests.django_backend.serving import start
from tests.django_backend.working import worker, worker_of_session

# Fixtures that live beside the processes they start.
__all__ = ["start", "worker", "worker_of_session"]

# After so long without a frame none is on its way any more.
QUIET_SECONDS = 0.15


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest) -> str:
    """The database server that the environment names, else one of the session's own."""
    named = os.environ["DATABASE_URL"]
    return str(request.getfixturevalue("postgres_url")) if named == NO_DATABASE else named


@pytest.fixture(scope="session")
def cache_url(request: pytest.FixtureRequest) -> str:
    """The Redis that the environment names, else one of the session's own."""
    named = os.environ["REDIS_URL"]
    return str(request.getfixturevalue("redis_url")) if named == NO_REDIS else named


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_url: str) -> None:
    """Point Django at the server before the test database is made on it."""
    connections["default"].settings_dict.update(environment.database_settings(database_url))


@pytest.fixture
def alice(db: None) -> User:
    """A cadet."""
    return person("alice", Role.CADET, email="alice@example.com", cadet=cadet("2021-00001"))


@pytest.fixture
def charlie(db: None) -> User:
    """Another cadet, who has no business with Alice's row."""
    return person("charlie", Role.CADET, cadet=cadet("2021-00002", first_name="Carlo", last_name="Reyes"))


@pytest.fixture
def bob(db: None) -> User:
    """A member of the training staff."""
    return person("bob", Role.TRAINING_STAFF, email="")


@pytest.fixture
def carol(db: None) -> User:
    """An admin."""
    return person("carol", Role.ADMIN, email="")


@pytest.fixture
def ask(client: Client) -> Ask:
    """Ask the backend: `ask("put", "auth/settings", by=alice, body={...})`. Failures are answered, not raised."""
    client.raise_request_exception = False

    def send(method: str, path: str, *, by: User | None = None, body: Any = None, **rest: Any) -> HttpResponse:
        headers = dict(rest.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {user_token(user=by, now=timezone.now())}"
        if body is not None:
            rest |= {"data": body if isinstance(body, bytes) else json.dumps(body), "content_type": "application/json"}
        answer: HttpResponse = getattr(client, method)(f"/api/v1/{path}", headers=headers, **rest)
        return answer

    return send


@pytest.fixture
def copy(settings: Any, ask: Ask) -> Copy:
    """Send a signed copy: `copy("replay", "post", "activities", by=bob, body={...}, key="k", pin={...})`."""
    settings.CUTOVER_SECRET = CUTOVER_SECRET

    def send(
        kind: str, method: str, path: str, *, body: Any = None, key: str | None = "k", pin: Any = None, **rest: Any
    ) -> HttpResponse:
        raw = b"" if body is None else json.dumps(body).encode()
        told = "" if pin is None else pin if isinstance(pin, str) else json.dumps(pin)
        headers = copy_headers(kind, method, f"/api/v1/{path}", raw, key or "mirrored", pin=told)
        if key is not None:
            headers["Idempotency-Key"] = key
        given = {} if method == "get" else {"body": raw}
        return ask(method, path, headers={**headers, **rest.pop("headers", {})}, **given, **rest)

    return send


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where uploaded files of this test are kept. It is made by whoever needs it."""
    settings.UPLOAD_DIR = tmp_path_factory.getbasetemp() / f"uploads-{time.monotonic_ns()}"
    directory: Path = settings.UPLOAD_DIR
    return directory


@pytest.fixture
def frames(settings: Any, cache_url: str) -> Iterator[Frames]:
    """Call it for the frames that were published since the last time, each as its channel and what it says."""
    settings.REDIS_URL = cache_url
    with redis.Redis.from_url(cache_url) as server, server.pubsub(ignore_subscribe_messages=True) as listening:
        listening.psubscribe("realtime:*")

        def heard() -> list[tuple[str, Any]]:
            found = []
            quiet_at = time.monotonic() + QUIET_SECONDS
            while time.monotonic() < quiet_at:
                message = listening.get_message(timeout=0.02)
                if message:
                    found.append((message["channel"].decode().removeprefix("realtime:"), json.loads(message["data"])))
                    quiet_at = time.monotonic() + QUIET_SECONDS
            return found

        # The first call is what makes the server know that somebody listens.
        heard()
        yield heard
