"""Django's web server and two servers of its WebSockets, on one database and on a Redis that may be taken away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from proxy.embedded import EmbeddedRedis, free_port
from stack.backends import CHANNELS, DJANGO, Backends, BackendSettings, channels_program
from stack.paths import DJANGO_BACKEND
from stack.probes import tcp_answers
from stack.processes import Supervisor
from stack.seed import seed
from tests.contracts.sockets import PATIENT, Way
from tests.stack.settings import settings_for

OTHER = "channels-2"


@dataclass(frozen=True)
class Services:
    """What runs, and how Redis is taken away and given back."""

    settings: BackendSettings
    other_port: int
    supervisor: Supervisor
    redis: EmbeddedRedis
    redis_home: Path

    @property
    def ports(self) -> list[int]:
        """Everything that answers over HTTP."""
        return [self.settings.django_port, self.settings.django_ws_port, self.other_port]

    @contextmanager
    def without_redis(self, how: str) -> Iterator[None]:
        """Redis has `ended`, or it `hangs`, while the block runs."""
        if how == "ended":
            self.redis.stop()
        else:
            self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            if how == "ended":
                self.redis.start(self.redis_home, urlsplit(self.settings.redis_url).port)
            else:
                self._signal(signal.SIGCONT)

    @contextmanager
    def another(self, **changes: str) -> Iterator[int]:
        """The port of one more server of WebSockets, with these changes to its settings."""
        settings = replace(self.settings, django_ws_port=free_port(), **changes)  # type: ignore[arg-type]
        ready = tcp_answers(settings.django_ws_port)
        self.supervisor.start(replace(channels_program(settings, "channels-3"), ready=ready))
        try:
            yield settings.django_ws_port
        finally:
            self.supervisor.stop("channels-3")

    @asynccontextmanager
    async def ways(self) -> AsyncIterator[tuple[Way, Way]]:
        """To the web server, with sockets at either of the two."""
        async with AsyncExitStack() as clients:
            http = self.settings.django_port
            yield (
                Way("django", http, self.settings.django_ws_port, clients),
                Way("django", http, self.other_port, clients),
            )

    def logs(self) -> dict[str, str]:
        """What each process has written."""
        return {path.stem: path.read_text() for path in self.supervisor.log_directory.glob("*.log")}

    def _signal(self, number: int) -> None:
        assert self.redis.process is not None
        os.kill(self.redis.process.pid, number)


@contextmanager
def running(database: str, home: Path, redis_home: Path) -> Iterator[Services]:
    """All of it, until the block ends."""
    with EmbeddedRedis() as redis, Supervisor(home / "logs") as supervisor:
        settings = replace(
            settings_for("", database, redis.start(redis_home, 0), home / "faults.json"),
            django_ws_port=free_port(), extra={"ALLOWED_HOSTS": "127.0.0.1,rotc.example", **PATIENT},
        )  # fmt: skip
        argv = [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"]
        subprocess.run(argv, cwd=DJANGO_BACKEND, env=settings.django_environment(), check=True, timeout=60)
        seed(None, database)
        backends = Backends(supervisor, settings)
        for name in (DJANGO, CHANNELS):
            backends.start(name)
        other = replace(settings, django_ws_port=free_port())
        supervisor.start(channels_program(other, OTHER))
        yield Services(settings, other.django_ws_port, supervisor, redis, redis_home)
