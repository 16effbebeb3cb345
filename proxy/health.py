"""Asks each backend's health path now and then, and remembers who answers."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import structlog
from yarl import URL

from proxy.config import Backend
from proxy.errors import ConfigError
from proxy.metrics import UPSTREAM_UP

_log = structlog.get_logger(__name__)
FAILURES = 2  # in a row until a backend counts as unhealthy; one success is enough for the opposite


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one backend."""

    healthy: bool | None  # None: nothing certain yet
    reason: str
    since: float  # Unix time


class HealthProbe:
    """`run` probes until told to stop; `status` answers at any time, at once."""

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        self._backends = backends
        self._health = {name: Health(None, "not asked yet", time.time()) for name in backends}
        self._failures = dict.fromkeys(backends, 0)
        self._trust = {name: _trust(name, backend) for name, backend in backends.items()}

    def status(self, name: str) -> Health:
        """What the last probes of the backend found."""
        return self._health[name]

    def healthy(self) -> dict[str, bool | None]:
        """Every backend by name."""
        return {name: health.healthy for name, health in self._health.items()}

    async def run(self, stop: asyncio.Event) -> None:
        """Probe every backend at its own interval until `stop` is set."""
        async with asyncio.TaskGroup() as group:
            for name in self._backends:
                group.create_task(self._watch(name, stop))

    async def _watch(self, name: str, stop: asyncio.Event) -> None:
        backend = self._backends[name]
        # Every probe makes a connection of its own: an old one that still works proves little.
        connector = aiohttp.TCPConnector(ssl=self._trust[name], force_close=True)
        timeout = aiohttp.ClientTimeout(total=backend.probe_timeout)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            while not stop.is_set():
                self._note(name, await _trouble(session, backend))
                try:
                    await asyncio.wait_for(stop.wait(), timeout=backend.probe_interval)
                except TimeoutError:
                    continue

    def _note(self, name: str, trouble: str | None) -> None:
        self._failures[name] = self._failures[name] + 1 if trouble else 0
        before = self._health[name]
        healthy: bool | None
        if trouble is None:
            healthy, reason = True, "answers"
        elif self._failures[name] >= FAILURES:
            healthy, reason = False, trouble
        else:
            healthy, reason = before.healthy, f"{trouble}; asking once more"
        changed = healthy is not before.healthy
        self._health[name] = Health(healthy, reason, time.time() if changed else before.since)
        if changed:
            level = _log.info if healthy else _log.warning
            level("backend.health", backend=name, healthy=healthy, reason=reason)
            UPSTREAM_UP.labels(name).set(1 if healthy else 0)


async def _trouble(session: aiohttp.ClientSession, backend: Backend) -> str | None:
    url = URL(f"{backend.url}{backend.health or '/'}", encoded=True)
    try:
        async with session.get(url, allow_redirects=False) as answer:
            well = 200 <= answer.status < 300 if backend.health else answer.status < 500
            return None if well else f"its health check answers {answer.status}"
    except TimeoutError:
        return "its health check gives no answer in time"
    except (aiohttp.ClientError, OSError) as error:
        return f"cannot be asked: {error}"


def _trust(name: str, backend: Backend) -> ssl.SSLContext | bool:
    if not backend.tls.verify:
        return False
    try:
        return ssl.create_default_context(cafile=backend.tls.ca) if backend.tls.ca else True
    except OSError as error:
        raise ConfigError([f"backends.{name}.tls.ca: {backend.tls.ca} cannot be used: {error}"]) from error
