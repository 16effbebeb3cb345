"""A whole deployment for tests: real PostgreSQL and Redis, two small backends, and the control process's parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from proxy.config import Config, parse
from proxy.control.journal import JournalView
from proxy.control.server import serve_control
from proxy.release.reporting import Reporter, open_redis
from proxy.store import Store
from shadow.compare.ledger import PostgresLedger
from shadow.dualwrite.sealing import Keyring
from shadow.dualwrite.settling import ReplayJournal

OPERATOR, VIEWER = "the-operators-token", "the-viewers-token"
KEYS = Keyring({"k1": b"1" * 32}, "k1")

TEXT = """
backends:
  old: {{url: "{old}", health: /health, probe_interval: 20ms, probe_timeout: 1s}}
  new: {{url: "{new}", health: /health, probe_interval: 20ms, probe_timeout: 1s}}
active: old
routes:
  - match: "GET /items"
  - match: "GET /items/{{id}}"
  - match: "POST /items"
guard: {{interval: 50ms}}
store: {{database: "{database}", redis: "{redis}", directory: "{directory}"}}
listen: {{control_port: 0}}
viewer_token: "the-viewers-token"
"""


class Patient:
    """A backend that says it is well, or not."""

    def __init__(self) -> None:
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        return web.Response(status=self.status)


@dataclass
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Deployment:
    """What a test needs to hold. `ask` speaks to the control API as the operator."""

    text: str
    config: Config
    store: Store
    redis: Redis
    old: Patient
    new: Patient
    ledger: PostgresLedger
    journal: ReplayJournal
    keys: Keyring = KEYS
    view: JournalView = field(init=False)
    url: str = ""
    session: aiohttp.ClientSession = field(init=False)

    async def ask(
        self, method: str, path: str, body: Any = None, token: str | None = OPERATOR, **headers: str
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        async with self.session.request(method, f"{self.url}{path}", json=body, headers=given) as answer:
            parsed = await answer.json() if answer.content_type == "application/json" else await answer.text()
            return Answer(answer.status, parsed, answer.headers)

    def __post_init__(self) -> None:
        self.view = JournalView(self.store.url, lambda: self.keys, self.config)

    async def sql(self, statement: str) -> None:
        """As somebody with psql."""
        async with await psycopg.AsyncConnection.connect(self.store.url, autocommit=True) as session:
            await session.execute(statement.encode())

    async def shadowing(self) -> None:
        """Started, and both backends known to be well."""
        await self.until_health(old=True, new=True)
        assert (await self.ask("POST", "/api/start", {"empty": True})).status == 200

    async def until_health(self, **wanted: bool) -> None:

        async def as_wanted() -> bool:
            health = (await self.ask("GET", "/api/status")).body["health"]
            return all(health[name]["healthy"] is healthy for name, healthy in wanted.items())

        await eventually(as_wanted)

    async def count(self, backend: str, requests: int, failed: int) -> None:
        """As if an edge had seen these requests in the last second."""
        reporter = Reporter(self.redis, clock=time.time)
        for number in range(requests):
            reporter.record(backend, "GET /items", number < failed, 0.01)
        await reporter.flush()


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something outside of the test holds."""
    async with asyncio.timeout(10):
        while not await holds():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def deployed(database: str, redis_url: str, directory: Path) -> AsyncIterator[Deployment]:
    """A deployment at rest, its control running."""
    patients, servers = (Patient(), Patient()), []
    for patient in patients:
        app = web.Application()
        app.router.add_get("/health", patient.answer)
        servers.append(TestServer(app))
        await servers[-1].start_server()
    old, new = (f"http://127.0.0.1:{server.port}" for server in servers)
    text = TEXT.format(old=old, new=new, database=database, redis=redis_url, directory=directory)
    store, redis, ledger = await Store.open(database), open_redis(redis_url), PostgresLedger(database)
    config = parse(text, {})
    await redis.flushdb()
    await store.prepare(config)
    journal = await ReplayJournal.open(database, KEYS)
    deployment = Deployment(text, config, store, redis, *patients, ledger, journal)
    try:
        async with controlled(deployment):
            yield deployment
    finally:
        kept = (store.close(), redis.aclose(), ledger.stop(), journal.close(), deployment.view.close())
        await asyncio.gather(*kept, *(server.close() for server in servers))


@asynccontextmanager
async def controlled(deployment: Deployment) -> AsyncIterator[None]:
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        serve_control(
            deployment.config,
            deployment.store,
            deployment.redis,
            stop=stop,
            environment={"CUTOVER_TOKEN": OPERATOR},
            reports=deployment.ledger,
            journal=deployment.view,
            started=listening.set_result,
        )
    )
    await asyncio.wait({running, listening}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    deployment.url = listening.result()
    async with aiohttp.ClientSession() as deployment.session:
        yield
    stop.set()
    await running
