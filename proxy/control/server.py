"""The control process: the API, the guard and the health probe, until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping

import structlog
from aiohttp import web
from redis.asyncio import Redis

from proxy.config import Config
from proxy.control.api import Api
from proxy.control.auth import tokens
from proxy.control.journal import JournalView
from proxy.control.journal import publish as publish_journal
from proxy.control.redaction import fingerprint
from proxy.control.status import publish
from proxy.errors import CutoverError, StoreUnavailable
from proxy.health import HealthProbe
from proxy.release.conductor import Conductor
from proxy.release.leadership import Leadership
from proxy.release.reporting import RedisReadings
from proxy.store import Store
from shadow.compare.reports import Reports

_log = structlog.get_logger(__name__)
PUBLISH_EVERY = 2.0
END_WITHIN = 5.0


async def serve_control(
    config: Config,
    store: Store,
    redis: Redis,
    *,
    stop: asyncio.Event,
    environment: Mapping[str, str],
    reports: Reports | None = None,
    journal: JournalView | None = None,
    port: int | None = None,
    started: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until `stop` is set. The store must be prepared. `started` is told the URL once the port is open.

    The port is `port` if given, else CUTOVER_CONTROL_PORT, else the configuration's.
    """
    probe, name = HealthProbe(config.backends), f"{socket.gethostname()}:{os.getpid()}"
    conductor = Conductor(
        config,
        store,
        RedisReadings(redis),
        Leadership(store.url),
        probe.healthy,
        name=name,
        configuration=fingerprint(config),
    )
    api = Api(config, store, probe, tokens(config, environment), reports, journal)
    runner = web.AppRunner(api.application(), access_log=None, handle_signals=False, shutdown_timeout=END_WITHIN)
    await runner.setup()
    try:
        started(await _listen(runner, config, control_port(config, environment) if port is None else port))
        async with asyncio.TaskGroup() as group:
            group.create_task(probe.run(stop))
            group.create_task(conductor.run(stop))
            group.create_task(_publish(store, journal, stop))
    finally:
        await runner.cleanup()


def control_port(config: Config, environment: Mapping[str, str]) -> int:
    """CUTOVER_CONTROL_PORT wins over the configuration. Raises CutoverError if it is no port."""
    written = environment.get("CUTOVER_CONTROL_PORT")
    if not written:
        return config.listen.control_port
    if not written.isascii() or not written.isdigit() or int(written) > 65535:
        raise CutoverError(f"CUTOVER_CONTROL_PORT: expected a port from 0 to 65535, got {written!r}")
    return int(written)


async def _listen(runner: web.AppRunner, config: Config, port: int) -> str:
    host = config.listen.control_host
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise CutoverError(f"the control API cannot listen on {host}:{port}: {error.strerror or error}") from error
    url = f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
    _log.info("control.listening", url=url)
    return url


async def _publish(store: Store, journal: JournalView | None, stop: asyncio.Event) -> None:
    lost = False
    while not stop.is_set():
        try:
            publish(await store.load(), await store.edges())
            if journal is not None and journal.enabled:
                publish_journal(await journal.waiting())
            lost = False
        except StoreUnavailable as error:
            if not lost:
                _log.error("control.store_unavailable", error=str(error))
            lost = True
        try:
            await asyncio.wait_for(stop.wait(), timeout=PUBLISH_EVERY)
        except TimeoutError:
            continue
