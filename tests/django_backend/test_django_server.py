"""The backend as it runs: gunicorn, real sockets, and dependencies that say nothing at all."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BACKEND = Path(__file__).parents[2] / "django_backend"
Start = Callable[..., http.client.HTTPConnection]


@pytest.fixture
def silence() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start gunicorn as in production with these changes to the environment; a connection to it."""
    running: list[subprocess.Popen[bytes]] = []
    connections: list[http.client.HTTPConnection] = []

    def serve(**changes: str) -> http.client.HTTPConnection:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        variables = {
            "PATH": os.environ["PATH"],
            "SECRET_KEY": "s" * 50,
            "JWT_SECRET": "j" * 50,
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
            "REDIS_URL": "redis://127.0.0.1:1",
            "ALLOWED_HOSTS": "127.0.0.1",
            "CORS_ALLOWED_ORIGINS": "https://rotc.example",
            "GUNICORN_WORKERS": "1",
            "PORT": str(port),
            **changes,
        }
        command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--config", "gunicorn.conf.py"]
        with (tmp_path / "log").open("wb") as log:
            running.append(subprocess.Popen(command, cwd=BACKEND, env=variables, stdout=log, stderr=log))
        connections.append(answering(port))
        return connections[-1]

    yield serve
    for connection in connections:
        connection.close()
    for process in running:
        process.terminate()
    for process in running:
        process.wait(10)


def answering(port: int) -> http.client.HTTPConnection:
    """A connection to the server on `port`, once there is one."""
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.connect()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return connection
    raise AssertionError("the server does not start")


def asked(connection: http.client.HTTPConnection, *request: object, **headers: str) -> tuple[int, dict[str, object]]:
    method, path, *body = request
    connection.request(str(method), str(path), *body, headers=headers)  # type: ignore[arg-type]
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_port_binding_and_health_in_time_while_all_dependencies_are_silent(start: Start, silence: int) -> None:
    connection = start(DATABASE_URL=f"postgresql://a@127.0.0.1:{silence}/b", REDIS_URL=f"redis://127.0.0.1:{silence}")
    took = []
    for _ in range(5):
        before = time.perf_counter()
        status, body = asked(connection, "GET", "/api/health", Host="probe.internal")
        took.append(time.perf_counter() - before)
        assert status == 503
        assert body["services"] == {"database": "disconnected", "redis": "disconnected", "celery": "stopped"}
    # The first request makes the worker load what it needs; and a busy machine may hold up any one of them.
    assert sorted(took)[2] < 0.05


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
