"""The servers that the stories run on, and the people in them.

Alice and Charlie are cadets, Bob trains them, Carol is an admin. All of them have the same password, hashed by Node.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.authentication.models import User
from apps.authentication.services import user_token
from common.roles import Role
from config import environment
from config.settings.test import NO_DATABASE, NO_REDIS
from tests.django_backend.people import Ask, cadet, person


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
