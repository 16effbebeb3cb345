"""A shadow worker: takes exchanges from edges over a unix socket, and sees each through to its verdict or its skip."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import cast

import structlog

from shadow import channel
from shadow.asking import Asking
from shadow.clock import Clock, SystemClock
from shadow.compare.reports import Ledger
from shadow.exchange import decode
from shadow.judging import Judge, Stand
from shadow.metrics import SKIPPED
from shadow.plan import Skip
from shadow.sender import Asks, Target
from shadow.settings import CompareSettings, MirrorSettings

log = structlog.get_logger("shadow")

DRAINED_WITHIN = 5.0
_HEADS = 1024 * 1024  # what the two heads of an exchange may take besides its bodies
_REPORT_EVERY = 0.02


class ShadowWorker:
    """One worker process's work. It owns the ledger's life; the sender is closed by whoever made it.

    Frames that it holds are bounded by `mirror.queue`: above that it stops reading, and the edges count what they
    cannot hand over. Every frame it took gets a verdict, or is counted as skipped under its reason.
    """

    def __init__(
        self,
        socket_path: str | Path,
        targets: Mapping[str, Target],
        mirror: MirrorSettings,
        compare: CompareSettings,
        sender: Asks,
        ledger: Ledger,
        clock: Clock | None = None,
        position: Stand | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._path = Path(socket_path)
        self._settings = mirror
        self._ledger = ledger
        self._asking = Asking(sender, targets, clock, self._tell)
        self._judge = Judge(self._asking, ledger, clock, mirror, compare, position)
        self._edges: set[_Edge] = set()
        self._waiting: asyncio.Queue[tuple[bytes, _Edge]] = asyncio.Queue()
        self._held = 0
        self._stopped = asyncio.Event()
        self.ready = asyncio.Event()

    @property
    def held_bytes(self) -> int:
        """Bytes of frames that wait or are under way."""
        return self._held

    def stop(self) -> None:
        """Ask `run` to end: it takes nothing more, finishes what it has within five seconds, and counts the rest."""
        self._stopped.set()

    def use(self, compare: CompareSettings) -> None:
        """Go by these rules and settings from now on."""
        self._judge.use(compare)
        self._ledger.use(compare)

    async def run(self) -> None:
        """Work until `stop`. `ready` is set once edges can connect."""
        self._ledger.start()
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: _Edge(self), self._path)
        os.chmod(self._path, 0o600)
        inode = self._path.stat().st_ino
        consumers = [loop.create_task(self._consume(), name=f"shadow {n}") for n in range(self._settings.concurrency)]
        self.ready.set()
        log.info("shadow_listening", socket=str(self._path))
        try:
            await self._stopped.wait()
        finally:
            server.close()
            self._unlink(inode)
            await self._drain(consumers)
            await self._ledger.stop()

    def _unlink(self, inode: int) -> None:
        """Remove our socket, but not that of a successor who listens there already."""
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == inode:
                self._path.unlink()

    async def _drain(self, consumers: list[asyncio.Task[None]]) -> None:
        for edge in self._edges:
            edge.pause()
        with suppress(TimeoutError):  # what is not finished is counted below
            await asyncio.wait_for(self._waiting.join(), DRAINED_WITHIN)
        for consumer in consumers:
            consumer.cancel()
        await asyncio.gather(*consumers, return_exceptions=True)
        while not self._waiting.empty():
            self._finished(*self._waiting.get_nowait(), skip=Skip.NO_WORKER)
        self._asking.close()
        for edge in list(self._edges):
            edge.close()

    async def _consume(self) -> None:
        while True:
            frame, edge = await self._waiting.get()
            skip: Skip | None = Skip.NO_WORKER  # if we are cancelled in the middle
            try:
                skip = await self._work(frame)
            finally:
                self._finished(frame, edge, skip=skip)

    async def _work(self, frame: bytes) -> Skip | None:
        try:
            exchange = decode(frame)
        except ValueError as error:
            log.error("frame_unreadable", error=str(error))
            return Skip.FAILED
        await self._judge.judge(exchange)
        return None

    def _finished(self, frame: bytes, edge: _Edge, *, skip: Skip | None) -> None:
        if skip is not None:
            SKIPPED.labels(skip.value).inc()
        self._waiting.task_done()
        self._held -= len(frame)
        edge.finished(1)
        if self._held <= self._settings.queue // 2 and not self._stopped.is_set():
            for waiting in self._edges:
                waiting.resume()

    def take(self, frames: list[bytes], passed_over: int, edge: _Edge) -> None:
        """Called by a connection with what it has read."""
        if passed_over:
            SKIPPED.labels(Skip.TOO_LARGE.value).inc(passed_over)
            edge.finished(passed_over)
        for frame in frames:
            self._held += len(frame)
            self._waiting.put_nowait((frame, edge))
        if self._held > self._settings.queue:
            for reading in self._edges:
                reading.pause()

    def connected(self, edge: _Edge) -> None:
        """Called by a new connection."""
        self._edges.add(edge)
        for name in self._asking.left_alone:
            edge.tell(channel.breaker(name, True))

    def lost(self, edge: _Edge) -> None:
        """Called by a connection that ended. What it brought is worked off all the same."""
        self._edges.discard(edge)

    def _tell(self, name: str, is_open: bool) -> None:
        for edge in self._edges:
            edge.tell(channel.breaker(name, is_open))

    @property
    def frame_limit(self) -> int:
        """Bytes of the largest frame that an edge with our settings can send."""
        return 2 * self._settings.body_limit + _HEADS


class _Edge(asyncio.Protocol):
    """The connection from one edge process."""

    def __init__(self, worker: ShadowWorker) -> None:
        self._worker = worker
        self._frames = channel.Frames(worker.frame_limit)
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._done = 0
        self._report: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._worker.connected(self)

    def data_received(self, data: bytes) -> None:
        frames, passed_over = self._frames.feed(data)
        self._worker.take(frames, passed_over, self)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._report is not None:
            self._report.cancel()
        self._worker.lost(self)

    def finished(self, frames: int) -> None:
        """Tell the edge soon that these many frames are dealt with; many reports travel as one."""
        self._done += frames
        if self._report is None and self._transport is not None:
            self._report = asyncio.get_running_loop().call_later(_REPORT_EVERY, self._send_report)

    def _send_report(self) -> None:
        self._report = None
        if self._done:
            self.tell(channel.done(self._done))
            self._done = 0

    def tell(self, line: bytes) -> None:
        """Send a line, if the edge is still there."""
        if self._transport is not None:
            self._transport.write(line)

    def pause(self) -> None:
        """Stop reading."""
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """Send the last report and end the connection."""
        self._send_report()
        if self._transport is not None:
            self._transport.close()
