"""`cutover serve`: starts the stores that are missing and every process, keeps them running, and ends them in order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import structlog

from proxy import metrics
from proxy.config import Config, read
from proxy.embedded import (
    EmbeddedError,
    EmbeddedPostgres,
    EmbeddedRedis,
    die_with_parent,
    ensure_database,
    free_port,
)
from proxy.errors import CutoverError
from proxy.journals import check
from proxy.log import configure
from proxy.surroundings import Surroundings, surroundings

log = structlog.get_logger("supervisor")

Role = Literal["edge", "shadow", "journal", "replayer", "control"]
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_STEADY_AFTER = 10.0  # seconds of running after which a process that ends is started again at once
_ENDED_WITHIN = 5.0  # seconds beyond the drain until a process that does not end is killed


@dataclass(frozen=True, slots=True)
class Child:
    """One process of the deployment."""

    role: Role
    number: int

    @property
    def name(self) -> str:
        """As it is called in logs."""
        return f"{self.role}-{self.number}"


def serve(path: Path, only: Role | None = None) -> int:
    """Run the deployment until SIGTERM or SIGINT; the exit status. Raises CutoverError before anything is started."""
    config = read(path, os.environ)
    if only == "replayer" and not config.journals:
        raise CutoverError("there is nothing to replay: the journal is off, or both backends share their data")
    configure(config.log, "supervisor")
    with ExitStack() as stack:
        around = stack.enter_context(_stores(surroundings(config, os.environ)))
        if only in (None, "edge"):
            around = replace(around, port=stack.enter_context(_reserved(config.listen.host, around.port)))
        if only in (None, "control"):
            around = replace(around, control_port=_control_port(config, around))
        os.environ.update(around.environment())
        metrics.begin(around.directory / "metrics")
        if config.journals and only != "shadow":
            asyncio.run(check(config, around))
        return asyncio.run(_Supervisor(path, config, around, _children(config, around, only)).run())


def _children(config: Config, around: Surroundings, only: Role | None) -> list[Child]:
    """In the order of starting; they are stopped in the opposite order, edges first."""
    wanted = {
        "control": [Child("control", 0)],
        "journal": [Child("journal", 0)] if config.journals and not around.writer_inside else [],
        "replayer": [Child("replayer", 0)] if config.journals else [],
        "shadow": [Child("shadow", n) for n in range(config.mirror.workers)],
        "edge": [Child("edge", n) for n in range(config.listen.edges)],
    }
    beside_edges = ("journal", "shadow", "edge")
    roles = {"edge": beside_edges, None: ("control", "replayer", *beside_edges)}.get(only, (only,))
    return [child for role in roles for child in wanted[str(role)]]


@contextmanager
def _stores(around: Surroundings) -> Iterator[Surroundings]:
    """The servers that are named, else our own."""
    with ExitStack() as stack:
        try:
            if not around.database:
                postgres = stack.enter_context(EmbeddedPostgres(say=_say))
                url = postgres.start(around.directory / "postgres")
                around = replace(around, database=ensure_database(url, "cutover"))
            if not around.redis:
                redis = stack.enter_context(EmbeddedRedis(say=_say))
                around = replace(around, redis=redis.start(around.directory / "redis"))
        except EmbeddedError as error:
            raise CutoverError(str(error)) from error
        yield around


def _say(text: str) -> None:
    log.info("store", text=text)


@contextmanager
def _reserved(host: str, port: int) -> Iterator[int]:
    """Hold the edge's port: the processes share it, and nobody else may slip in between two of their lives."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe, socket.socket(family) as held:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            chosen = int(probe.getsockname()[1])
            probe.close()
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind((host, chosen))
        except OSError as error:
            raise CutoverError(
                f"the edge cannot listen on {host}:{port}: {error.strerror}. "
                "Stop what listens there, or choose another port with PORT or listen.port."
            ) from error
        yield chosen


def _control_port(config: Config, around: Surroundings) -> int:
    host, port = config.listen.control_host, around.control_port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CutoverError(
                f"the control cannot listen on {host}:{port}: {error.strerror}. "
                "Stop what listens there, or choose another port with CUTOVER_CONTROL_PORT or listen.control_port."
            ) from error
    return port or free_port()


class _Supervisor:
    """Keeps the children running until it is told to stop."""

    def __init__(self, path: Path, config: Config, around: Surroundings, children: list[Child]) -> None:
        self._path = path
        self._config = config
        self._around = around
        self._children = children
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Until a signal; 0 if every process ended by itself when asked."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._stopping.set)
        stops = {child: asyncio.Event() for child in self._children}
        keepers = {c: loop.create_task(self._keep(c, stops[c]), name=c.name) for c in self._children}
        log.info("starting", processes=[child.name for child in self._children])
        announcer = loop.create_task(self._announce())
        await self._stopping.wait()
        announcer.cancel()
        log.info("stopping")
        clean = True
        for role in ("edge", "journal", "replayer", "shadow", "control"):
            of_role = [child for child in self._children if child.role == role]
            for child in of_role:
                stops[child].set()
            clean &= all([await keepers[child] for child in of_role])
        log.info("stopped", clean=clean)
        return 0 if clean else 1

    async def _keep(self, child: Child, stop: asyncio.Event) -> bool:
        """Start the child again whenever it ends by itself; whether it ended in order when told to stop."""
        pause = _FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            process = await self._start(child)
            began = loop.time()
            ended = loop.create_task(process.wait())
            told = loop.create_task(stop.wait())
            await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            if stop.is_set():
                return await self._end(process, ended)
            metrics.forget(process.pid)
            pause = _FIRST_PAUSE if loop.time() - began > _STEADY_AFTER else min(pause * 2, _LONGEST_PAUSE)
            log.error("process_ended", name=child.name, status=ended.result(), starting_again_in=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=pause)
        return True

    async def _start(self, child: Child) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proxy.app", child.role, str(child.number), str(self._path),
            stdin=asyncio.subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM),
            env=os.environ | self._around.environment(),
        )  # fmt: skip

    async def _end(self, process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> bool:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            return await asyncio.wait_for(asyncio.shield(ended), self._config.limits.drain + _ENDED_WITHIN) == 0
        except TimeoutError:
            process.kill()
            await ended
            return False

    async def _announce(self) -> None:
        """Say where to go once somebody answers there."""
        listen, around = self._config.listen, self._around
        roles = {child.role for child in self._children}
        urls = {}
        if "edge" in roles:
            urls["edge"] = await _answering(listen.host, around.port)
        if "control" in roles:
            urls["control"] = await _answering(listen.control_host, around.control_port)
        log.info("serving", **urls, directory=str(around.directory))


async def _answering(host: str, port: int) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - the address is asked, not bound
    while True:
        try:
            _, writer = await asyncio.open_connection(reachable, port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        shown = f"[{reachable}]" if ":" in reachable else reachable
        return f"http://{shown}:{port}"
