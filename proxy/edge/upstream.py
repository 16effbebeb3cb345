"""The connections to one backend: reused where that is safe, bounded in number, watched for deadlines.

aiohttp's client costs more than everything else on this path together, so the pool holds plain protocols. Where a
request must not be sent again (RFC 9110 section 9.2.2), nobody could tell whether it happened if the backend closed a
reused connection at that moment: it travels on a fresh one, or on one that the backend promised to keep open.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from enum import Enum
from functools import cached_property

from proxy.config.backends import Backend
from shadow.address import Address
from shadow.connection import Connection, Fault, UpstreamError

AHEAD = 0.05  # seconds
_TICK = 0.1  # seconds between looks at deadlines: one look for all connections instead of a timer for each


class Reuse(Enum):
    """Which used connections will do for a request."""

    NONE = "none"
    PROMISED = "promised"
    """One that the backend said it keeps open, and for at least twice as long as it has been idle."""
    ANY = "any"


class Ahead:
    """A connection that is opened while something else is waited for. Use it as a context manager around both.

    One that nobody takes within AHEAD is given back, so that who waits for long has no connection of others' meanwhile.
    If an idle one will do, there is nothing to open.
    """

    def __init__(self, pool: Pool, reuse: Reuse = Reuse.NONE) -> None:
        self._pool = pool
        self._reuse = reuse
        self._opening: asyncio.Task[Connection] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Ahead:
        if not self._pool.has_idle(self._reuse):
            self._opening = self._pool.loop.create_task(self._pool.acquire(self._reuse))
            self._timer = self._pool.loop.call_later(AHEAD, self._give_back)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_timer()
        self._give_back()

    async def take(self) -> Connection:
        """The connection, as `Pool.acquire` gives one."""
        self._stop_timer()
        opening, self._opening = self._opening, None
        if opening is None:
            return await self._pool.acquire(self._reuse)
        try:
            connection = await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._opening = opening
            self._give_back()
            raise
        if connection.usable and connection.silent:
            return connection
        connection.close()
        self._pool.release(connection)  # it died while it waited: nothing was sent on it
        return await self._pool.acquire(self._reuse)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _give_back(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.add_done_callback(self._opened)
            opening.cancel()

    def _opened(self, opening: asyncio.Task[Connection]) -> None:
        if not opening.cancelled() and opening.exception() is None:
            self._pool.release(opening.result())


class Pool:
    """The connections to one address of one backend. `host` is what to send as Host where the client's is not kept."""

    def __init__(self, name: str, url: str, backend: Backend) -> None:
        self.name = name
        self._address = Address(url, verify=backend.tls.verify, ca=backend.tls.ca)
        self._settings = backend
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._connecting = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._ticker: asyncio.Task[None] | None = None

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that all of it runs in; asked for once, because before Python 3.12 asking is a system call."""
        return asyncio.get_running_loop()

    @property
    def in_use(self) -> int:
        """Connections that carry a request now."""
        return len(self._open) + self._connecting - len(self._idle)

    def has_idle(self, reuse: Reuse) -> bool:
        """Whether a connection waits for such a request; it may turn out to have been closed."""
        if reuse is Reuse.PROMISED:
            return bool(self._idle) and self._is_kept(self._idle[-1])
        return reuse is Reuse.ANY and bool(self._idle)

    def host_for(self, clients: bytes | None) -> bytes:
        """The Host to send: the client's or the backend's own.

        None (HTTP/1.0 without Host) becomes an empty Host: "no authority" (RFC 9112 section 3.2), nothing invented.
        """
        if self._settings.host == "upstream":
            return self._address.host
        return clients or b""

    async def acquire(self, reuse: Reuse, until: float = float("inf")) -> Connection:
        """A connection for one request, to be given back with `release`: a used one, if `reuse` allows it.

        Raises UpstreamError (REFUSED, CONNECT_TIMEOUT, FULL) after `connect_timeout`, at loop time `until` at the
        latest."""
        if self._ticker is None:
            self._ticker = self.loop.create_task(self._watch())
        if (connection := self._reusable(reuse)) is not None:
            return connection
        while True:
            await self._room(reuse, min(self.loop.time() + self._settings.connect_timeout, until))
            if (connection := self._reusable(reuse)) is not None:
                self._hand_on()
                return connection
            if not self._is_full:
                return await self._connect(min(self.loop.time() + self._settings.connect_timeout, until))

    def release(self, connection: Connection) -> None:
        """Take a connection back: kept if it can carry another request, else closed."""
        connection.deadline = float("inf")
        connection.busy = False
        if connection.reusable:
            connection.reused = True
            self._idle.append(connection)
        else:
            self._open.discard(connection)
            connection.close()
        self._hand_on()

    def discard_idle(self) -> None:
        """Close what is idle: one of them turned out to have been closed by the backend, the others will be too."""
        for connection in self._idle:
            self._open.discard(connection)
            connection.close()
        self._idle.clear()

    def close(self) -> None:
        """Close every connection and stop watching."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        for connection in list(self._open):
            connection.close()
        self._open.clear()
        self._idle.clear()

    def _reusable(self, reuse: Reuse) -> Connection | None:
        """The idle connection used last: the one least likely to have been closed by the backend."""
        while self.has_idle(reuse):
            connection = self._idle.pop()
            if connection.usable and connection.silent:
                return connection
            self._open.discard(connection)
            connection.close()
        return None

    def _is_old(self, connection: Connection) -> bool:
        return time.monotonic() - connection.answered_at > self._settings.keep_alive

    def _is_kept(self, connection: Connection) -> bool:
        idle = time.monotonic() - connection.answered_at
        return idle < min(self._settings.keep_alive, connection.promised / 2)

    @property
    def _is_full(self) -> bool:
        return len(self._open) + self._connecting >= self._settings.connections

    async def _room(self, reuse: Reuse, deadline: float) -> None:
        """Wait until there is room for a connection, or one to be used again."""
        while self._is_full and not self.has_idle(reuse):
            if self._idle:
                oldest = self._idle.pop(0)
                self._open.discard(oldest)
                oldest.close()
                continue
            waiter = self.loop.create_future()
            self._waiters.append(waiter)
            try:
                async with asyncio.timeout_at(deadline):
                    await waiter
            except BaseException as error:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                elif waiter.done() and not waiter.cancelled():
                    self._hand_on()  # the room came together with the end of waiting: it is the next one's
                if isinstance(error, TimeoutError):
                    raise UpstreamError(Fault.FULL, f"{self._settings.connections} in use") from None
                raise

    def _hand_on(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _connect(self, deadline: float) -> Connection:
        self._connecting += 1
        try:
            async with asyncio.timeout_at(deadline):
                connection = await self._address.connect()
        except TimeoutError:
            self._hand_on()
            raise UpstreamError(Fault.CONNECT_TIMEOUT) from None
        except BaseException:
            self._hand_on()
            raise
        finally:
            self._connecting -= 1
        self._open.add(connection)
        return connection

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            now = self.loop.time()
            for connection in [c for c in self._open if now > c.deadline]:
                connection.expire()
            for connection in [c for c in self._idle if self._is_old(c) or not c.usable]:
                self._idle.remove(connection)
                self._open.discard(connection)
                connection.close()
