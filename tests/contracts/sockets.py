"""Both backends with everything that serves their WebSockets, and one of them as a client finds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from proxy.config.model import Config
from proxy.embedded import free_port
from stack.backends import Backends, BackendSettings
from stack.cast import mint
from stack.processes import Supervisor
from stack.sample.population import ADMIN
from tests.quirks.front import ask, loads, request
from tests.quirks.sockets import Socket, opened
from tests.stack.settings import SECRET, settings_for
from tests.support.edge import RESTING, Stage
from tests.support.wire import Backend, Message

# A busy machine is no Redis that is gone.
PATIENT = {"REDIS_PATIENCE_MS": "1000"}
_config = TypeAdapter(Config)


@contextmanager
def serving(node: str, django: str, redis_url: str, home: Path) -> Iterator[BackendSettings]:
    """Both backends as `python -m stack up` starts them, on these databases."""
    settings = replace(
        settings_for(node, django, redis_url, home / "faults.json"),
        django_ws_port=free_port(), extra={"ALLOWED_HOSTS": "127.0.0.1,rotc.example", **PATIENT},
    )  # fmt: skip
    with Supervisor(home / "logs") as supervisor:
        backends = Backends(supervisor, settings)
        backends.prepare()
        backends.seed()
        backends.start_all()
        yield settings


@dataclass(frozen=True)
class Way:
    """How a client reaches a backend."""

    backend: str
    http: int
    sockets: int
    clients: AsyncExitStack

    async def open(self, target: str) -> Socket:
        """A socket; it is closed with the test."""
        return await opened(self.clients, f"ws://127.0.0.1:{self.sockets}{target}")

    async def join(self, path: str, user: int) -> Socket:
        """A socket of this user, past its greeting."""
        socket = await self.open(f"{path}?token={mint(SECRET, user)}")
        assert await socket.heard() == {"type": "connected", "data": {"userId": user}}
        return socket

    async def ask(self, method: str, target: str, user: int | None = ADMIN.user_id, body: Any = None) -> Message:
        """An answer over HTTP."""
        return await ask(self.http, request(method, target, user, body))

    async def post(self, target: str, body: Any, user: int = ADMIN.user_id) -> Any:
        """The JSON that a good POST is answered with."""
        answer = await self.ask("POST", target, user, body)
        assert answer.status in {200, 201}, answer.body
        return loads(answer)


@asynccontextmanager
async def way_to(backend: str, settings: BackendSettings, *, edge: bool) -> AsyncIterator[Way]:
    """Straight to a backend, or through an edge whose active side it is."""
    async with AsyncExitStack() as clients:
        if not edge:
            ports = {"node": [settings.node_port] * 2, "django": [settings.django_port, settings.django_ws_port]}
            yield Way(backend, *ports[backend], clients)
            return
        other = {"node": "django", "django": "node"}[backend]
        nobody = Backend()
        stage = Stage(nobody, nobody, _in_front_of(settings), replace(RESTING, active=backend, standby=other))
        await stage.start()
        clients.push_async_callback(stage.stop)
        yield Way(backend, stage.port, stage.port, clients)


def _in_front_of(settings: BackendSettings) -> Config:
    backends = {"node": {"url": settings.node_url}, "django": {"url": settings.django_url, "ws": settings.channels_url}}
    return _config.validate_python({"backends": backends, "active": "node", "log": {"access": False}})
