"""Gunicorn as in production, for the tests that need a real server."""

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
            "JWT_SECRET": os.environ["JWT_SECRET"],
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
