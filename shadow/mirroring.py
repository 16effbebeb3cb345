"""The edge's side: hands captured exchanges to the shadow workers, and never makes the edge wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import structlog

from shadow import channel, plan
from shadow.clock import Clock, SystemClock
from shadow.exchange import Exchange, encode
from shadow.metrics import SKIPPED
from shadow.plan import Bucket, Skip
from shadow.settings import MirrorSettings

log = structlog.get_logger("shadow")

FIRST_DELAY = 0.05
LONGEST_DELAY = 2.0
STOPPED_WITHIN = 2.0
_BUSY = 256 * 1024  # bytes waiting for one worker above which the next one is tried
_HEAD = 512  # what a frame's head takes at the least, for the estimate of its size
_COUNTED = {reason: SKIPPED.labels(reason.value) for reason in Skip}


class Mirror:
    """Offers exchanges to the workers behind `sockets`. One per edge process, used from its event loop only.

    The bytes held here never exceed `settings.queue` by more than one frame; whatever is not handed over is counted
    in `cutover_mirror_skipped_total` under its reason, also what a worker had not dealt with when it died.
    """

    def __init__(self, sockets: Sequence[str | Path], settings: MirrorSettings, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._settings = settings
        self._bucket = Bucket(max(1.0, settings.rate), self._clock.monotonic())
        self._links = [_Link(str(path)) for path in sockets]
        self._turn = 0

    def start(self) -> None:
        """Begin to connect to the workers, and keep trying. Needs a running event loop."""
        for link in self._links:
            link.start()

    async def stop(self) -> None:
        """Hand over what is queued (within two seconds), then close; the rest is counted as `no_worker`."""
        await asyncio.gather(*(link.stop() for link in self._links))

    def use(self, settings: MirrorSettings) -> None:
        """Go by these settings from now on."""
        self._settings = settings

    def wants(self, *, request_id: str, kind: str, mirror: bool, copies: bool) -> Skip | None:
        """Asked with the request's head: a skip says that capturing is not worth while. Counted like any other."""
        percent = self._settings.percent
        point = plan.sample_point(request_id) if percent < 100 else 0.0
        skip = plan.before_capture(copies=copies, kind=kind, mirror=mirror, point=point, percent=percent)
        if skip is not None:
            _COUNTED[skip].inc()
        return skip

    def skipped(self, reason: Skip) -> None:
        """Count an exchange that the edge itself gave up: `client_gone`, `answer_broken` or `too_large`."""
        _COUNTED[reason].inc()

    def offer(self, exchange: Exchange) -> Skip | None:
        """Hand a captured exchange over, or say why not. Never raises and never waits."""
        try:
            skip = self._offer(exchange)
        except Exception:
            log.exception("mirror_failed", request=exchange.id, route=exchange.route)
            skip = Skip.FAILED
        if skip is not None:
            _COUNTED[skip].inc()
        return skip

    @property
    def connected(self) -> int:
        """Workers that can be reached now."""
        return sum(link.is_connected for link in self._links)

    @property
    def queued_bytes(self) -> int:
        """Bytes of exchanges held in this process."""
        return sum(link.queued for link in self._links)

    @property
    def unfinished(self) -> int:
        """Frames handed over (or still held here) that no worker has dealt with yet."""
        return sum(len(link.sizes) for link in self._links)

    def _offer(self, exchange: Exchange) -> Skip | None:
        settings, now = self._settings, self._clock.monotonic()
        skip = self._unwanted(exchange)
        if skip is not None:
            return skip
        self._bucket = self._bucket.refilled(now, settings.rate)
        link = self._next(exchange.mirrored)
        size = _HEAD + len(exchange.body) + len(exchange.answer_body)
        skip = plan.after_capture(
            largest=max(len(exchange.body), len(exchange.answer_body)),
            limit=settings.body_limit,
            connected=link is not None or self.connected > 0,
            breaker_open=link is None,
            queued=self.queued_bytes + size,
            room=settings.queue,
            tokens=self._bucket.tokens,
        )
        if skip is not None or link is None:
            return skip
        link.send(encode(exchange))
        self._bucket = self._bucket.taken()
        return None

    def _unwanted(self, exchange: Exchange) -> Skip | None:
        """The sampling and the route's class once more, for an edge that did not ask `wants` first."""
        percent = self._settings.percent
        point = plan.sample_point(exchange.id) if percent < 100 else 0.0
        return plan.before_capture(copies=True, kind=exchange.kind, mirror=True, point=point, percent=percent)

    def _next(self, backend: str) -> _Link | None:
        """The next worker in turn that asks this backend at present; one with room goes before a busy one."""
        second_best = None
        for step in range(len(self._links)):
            place = (self._turn + step) % len(self._links)
            link = self._links[place]
            if not link.is_connected or backend in link.resting:
                continue
            if link.queued <= _BUSY:
                self._turn = place + 1
                return link
            second_best = second_best or link
        return second_best


class _Link(asyncio.Protocol):
    """The connection to one worker, made again whenever it is lost."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.sizes: deque[int] = deque()  # of the frames that the worker has not reported as done, oldest first
        self.resting: set[str] = set()  # backends that this worker does not ask at present
        self._transport: asyncio.Transport | None = None
        self._heard = b""
        self._lost = asyncio.Event()
        self._stopping = False
        self._given_up = 0
        self._keeper: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    @property
    def queued(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport else 0

    def start(self) -> None:
        self._keeper = asyncio.get_running_loop().create_task(self._keep(), name=f"mirror {self.path}")

    async def stop(self) -> None:
        self._stopping = True
        transport = self._transport
        if transport is not None:
            transport.close()  # flushes first
            try:
                await asyncio.wait_for(self._lost.wait(), STOPPED_WITHIN)
            except TimeoutError:
                self._given_up = self._unsent()
                transport.abort()
                await self._lost.wait()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def send(self, frame: bytes) -> None:
        assert self._transport is not None
        self.sizes.append(len(frame))
        self._transport.write(frame)

    async def _keep(self) -> None:
        delay = FIRST_DELAY
        while not self._stopping:
            self._lost.clear()
            try:
                await asyncio.get_running_loop().create_unix_connection(lambda: self, self.path)
            except OSError as error:
                log.debug("worker_unreachable", socket=self.path, error=str(error), again_in=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
            else:
                delay = FIRST_DELAY
                await self._lost.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._heard = b""
        log.info("worker_connected", socket=self.path)

    def data_received(self, data: bytes) -> None:
        *lines, self._heard = (self._heard + data).split(b"\n")
        told = channel.heard(lines)
        for _ in range(min(told.done, len(self.sizes))):
            self.sizes.popleft()
        self.resting.update(told.opened)
        self.resting.difference_update(told.closed)

    def connection_lost(self, error: Exception | None) -> None:
        # What a stopping edge has sent in full is the worker's to count; what a dying worker had is ours.
        dropped = self._given_up if self._stopping and error is None else len(self.sizes)
        _COUNTED[Skip.NO_WORKER].inc(dropped)
        say = log.info if self._stopping else log.warning
        say("worker_lost", socket=self.path, dropped=dropped, error=str(error or ""))
        self._transport = None
        self.sizes.clear()
        self.resting.clear()
        self._lost.set()

    def _unsent(self) -> int:
        """Frames that are still held here, at least in part; the worker answers for the others."""
        left, frames = self.queued, 0
        for size in reversed(self.sizes):
            if left <= 0:
                break
            left, frames = left - size, frames + 1
        return frames
