"""How the edges' counts reach the guard: through Redis, one small record per edge and second."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from proxy.errors import StoreUnavailable
from proxy.release.readings import Counts, Key, Readings, Second

_log = structlog.get_logger(__name__)
_PREFIX = "cutover:readings:"

SLOW, VERY_SLOW = 1.0, 2.0
KEPT_AT_MOST = 120  # seconds of counts that an edge keeps while Redis is gone
ANSWER_WITHIN = 2.0
SETTLED_AFTER = 8  # seconds; records that come later still are found by the next search for them
LATE_EVERY = 30.0  # seconds between two searches; no record is later than what an edge keeps
_BATCH = 100  # seconds asked for in one pipeline


def open_redis(url: str) -> Redis:
    """A client that fails fast: what it carries is worth nothing when it is late. It connects when first used."""
    return Redis.from_url(
        url, socket_timeout=ANSWER_WITHIN, socket_connect_timeout=ANSWER_WITHIN, retry=Retry(NoBackoff(), 0)
    )


class Reporter:
    """Counts the requests of one process and writes each second down once it has ended.

    `record` may be called from the event loop's thread only. Losing Redis loses counts older than `KEPT_AT_MOST`
    seconds, which are counted in `dropped`; it never blocks and never raises.
    """

    def __init__(self, redis: Redis, *, keep: float = 1800.0, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._ttl = int(keep) + 300
        self._clock = clock
        self._field = secrets.token_hex(4)  # one process's own: writing a second again changes nothing
        self._current: dict[Key, list[int]] = {}
        self._ended: dict[int, dict[Key, list[int]]] = {}
        self._newest = 0
        self._failing = False
        self.dropped = 0

    def record(self, backend: str, route: str, failed: bool, seconds: float) -> None:
        """Count one request that has ended. `failed` means that the backend is to blame for it."""
        counts = self._current.get((backend, route))
        if counts is None:
            counts = self._current[(backend, route)] = [0, 0, 0, 0]
        counts[0] += 1
        if failed:
            counts[1] += 1
        if seconds > SLOW:
            counts[2] += 1
            counts[3] += seconds > VERY_SLOW

    async def run(self, stop: asyncio.Event) -> None:
        """Write every second until told to stop, then once more."""
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), timeout=1.0)
            except TimeoutError:
                await self.flush()
        await self.flush()

    async def flush(self) -> None:
        """End the current second and write what has not been written yet."""
        self._end_second()
        ended = dict(self._ended)
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._write(ended)
        except (RedisError, OSError, TimeoutError) as error:
            self._lost(error)
            return
        for second in ended:
            del self._ended[second]
        if self._failing:
            _log.info("readings.written_again", seconds=len(ended), dropped=self.dropped)
        self._failing = False

    def _end_second(self) -> None:
        # Two ends within one second (a loop that was held up) must not share a record: the later would hide the first.
        self._newest = max(int(self._clock()), self._newest + 1)
        self._ended[self._newest] = self._current
        self._current = {}
        while len(self._ended) > KEPT_AT_MOST:
            lost = self._ended.pop(next(iter(self._ended)))
            self.dropped += sum(counts[0] for counts in lost.values())

    async def _write(self, ended: Mapping[int, Mapping[Key, list[int]]]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for second, by in ended.items():
            key = f"{_PREFIX}{second}"
            record = orjson.dumps([[backend, route, *counts] for (backend, route), counts in by.items()])
            pipeline.hset(key, self._field, record)
            pipeline.expire(key, self._ttl)
        await pipeline.execute()

    def _lost(self, error: Exception) -> None:
        if not self._failing:
            _log.warning("readings.not_written", error=str(error) or type(error).__name__, kept_seconds=KEPT_AT_MOST)
        self._failing = True


class RedisReadings:
    """Reads what all edges reported. Seconds long past are remembered, so that a look costs a few records only."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._known: dict[int, Second] = {}
        self._settled = 0  # nothing is expected to come for this second or an earlier one
        self._searched = 0.0

    async def read(self, now: float, seconds: float) -> Readings:
        """The last `seconds` seconds that had ended by `now`. Raises StoreUnavailable when Redis does not answer."""
        until, oldest = int(now), int(now) - int(seconds)
        search = not 0 <= now - self._searched < LATE_EVERY
        settled = min(self._settled, until - KEPT_AT_MOST - SETTLED_AFTER) if search else self._settled
        await self._fetch(range(max(oldest, settled) + 1, until + 1))
        if search:
            self._searched = now
        self._settled = until - SETTLED_AFTER
        self._known = {at: second for at, second in self._known.items() if oldest < at <= until}
        return Readings(until, tuple(self._known[at] for at in sorted(self._known)))

    async def _fetch(self, wanted: range) -> None:
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            pipeline = self._redis.pipeline(transaction=False)
            for at in batch:
                pipeline.hgetall(f"{_PREFIX}{at}")
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    found = await pipeline.execute()
            except (RedisError, OSError, TimeoutError) as error:
                raise StoreUnavailable(f"Redis does not answer: {str(error) or type(error).__name__}") from error
            for at, records in zip(batch, found, strict=True):
                if records:
                    self._known[at] = _second(at, records)


def _second(at: int, records: Mapping[bytes, bytes]) -> Second:
    by: dict[Key, Counts] = {}
    for record in records.values():
        for backend, route, *counts in orjson.loads(record):
            by[(backend, route)] = by.get((backend, route), Counts()) + Counts(*counts)
    return Second(at, by, len(records))
