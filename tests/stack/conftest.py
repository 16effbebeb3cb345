"""What the load is sent to: a real Node backend for all tests of a file, or a server that answers as a test says."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from aiohttp import web
from psycopg import sql

from proxy.embedded import ensure_database, free_port
from stack import node
from stack.backends import NODE, Backends
from stack.paths import NODE_BACKEND
from stack.processes import Supervisor
from stack.seed import seed
from tests.stack.settings import settings_for

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


class RealNode(NamedTuple):
    """Where it answers, and where its rows are."""

    url: str
    database: str


@pytest.fixture(scope="module")
def real_node(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNode]:
    """The legacy backend, started as the stack starts it."""
    home: Path = tmp_path_factory.mktemp("node")
    name = f"load_{secrets.token_hex(6)}"
    settings = settings_for(ensure_database(postgres_url, name), "", faults=home / "faults.json")
    argv = [node.find_node().program, "db/migrate.js"]
    subprocess.run(argv, cwd=NODE_BACKEND, env=settings.node_environment(), check=True, capture_output=True, timeout=60)
    seed(settings.node_database, None)
    with Supervisor(home / "logs") as supervisor:
        Backends(supervisor, settings).start(NODE)
        yield RealNode(settings.node_url, settings.node_database)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts HTTP servers that answer everything with one handler."""
    runners: list[web.AppRunner] = []

    async def start(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> str:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handler)
        runners.append(web.AppRunner(app, shutdown_timeout=0.1))
        await runners[-1].setup()
        port = free_port()
        await web.TCPSite(runners[-1], "127.0.0.1", port).start()
        return f"http://127.0.0.1:{port}"

    yield start
    for runner in runners:
        await runner.cleanup()
