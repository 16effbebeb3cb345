"""The backend as it runs: gunicorn, real sockets, and dependencies that say nothing at all."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest

from tests.django_backend.serving import Start, asked


@pytest.fixture
def silence() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_port_binding_and_health_in_time_while_all_dependencies_are_silent(start: Start, silence: int) -> None:
    connection = start(DATABASE_URL=f"postgresql://a@127.0.0.1:{silence}/b", REDIS_URL=f"redis://127.0.0.1:{silence}")
    took = []
    for _ in range(10):
        before = time.perf_counter()
        status, body = asked(connection, "GET", "/api/health", Host="probe.internal")
        took.append(time.perf_counter() - before)
        assert status == 503
        assert body["services"] == {"database": "disconnected", "redis": "disconnected", "celery": "stopped"}
    # A busy machine may hold up any of them; waiting for a dependency would hold up all.
    assert min(took) < 0.05


def test_what_node_accepts_is_not_refused_for_its_size_and_the_connection_stays(start: Start) -> None:
    connection = start()
    status, body = asked(connection, "GET", "/api/v1/nope?q=" + "x" * 50_000, **{"X-Long": "y" * 60_000})
    assert (status, body["message"]) == (404, "Not found")
    first = connection.sock
    assert asked(connection, "GET", "/api/v1/auth/me")[0] == 401
    assert connection.sock is first is not None


def test_a_body_in_chunks_is_read(start: Start) -> None:
    connection = start()
    chunked = iter([b'{"username"', b': 1, "pass', b'word": 2}'])
    connection.request("POST", "/api/v1/auth/login", chunked, {"Content-Type": "application/json"}, encode_chunked=True)
    answer = connection.getresponse()
    assert json.loads(answer.read())["message"] == "Username and password are required"
    connection.request("POST", "/api/v1/auth/login", iter([b"{", b"]"]), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert json.loads(answer.read())["code"] == "MALFORMED_JSON"


def test_without_the_database_a_request_is_told_to_come_back(start: Start) -> None:
    connection = start()
    credentials = json.dumps({"username": "alice", "password": "secret"})
    status, body = asked(connection, "POST", "/api/v1/auth/login", credentials, **{"Content-Type": "application/json"})
    assert (status, body["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert body["message"] == "The database cannot be reached"
