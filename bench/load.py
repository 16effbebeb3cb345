"""Loads of plain keep-alive connections, cheap enough to leave the machine to the proxies."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, cast

WARM_UP = 0.5  # seconds


class Sample(NamedTuple):
    """What one run gave."""

    requests: int
    seconds: float
    latencies: list[float]


class _Client(asyncio.Protocol):
    """One connection. It sends the next request when the answer to the last is whole, or when it is told to."""

    def __init__(
        self, request: bytes, latencies: list[float], failed: asyncio.Future[None], idle: deque[_Client] | None = None
    ) -> None:
        self._request, self._latencies, self._failed, self._idle = request, latencies, failed, idle
        self._missing = 0
        self._since = 0.0
        self.stopping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._next()

    def ask(self, since: float) -> None:
        """Send; what counts is the time since the request was due."""
        self._since = since
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            head, _, body = data.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200") or not _:
                return self._fail(f"unexpected answer {data[:80]!r}")
            self._missing = _length(head) - len(body)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._latencies.append(time.perf_counter() - self._since)
            if not self.stopping:
                self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.stopping:
            self._fail(f"connection lost: {exc}")

    def _next(self) -> None:
        if self._idle is None:
            self.ask(time.perf_counter())
        else:
            self._idle.append(self)

    def _fail(self, why: str) -> None:
        if not self._failed.done():
            self._failed.set_exception(RuntimeError(why))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise RuntimeError("the bench needs answers with a length")


async def hammer(port: int, requests: bytes | Sequence[bytes], connections: int, seconds: float) -> Sample:
    """Keep `connections` busy for `seconds`, each with one of the requests.

    Raises RuntimeError on the first answer that is not a whole 200.
    """
    each = [requests] if isinstance(requests, bytes) else requests
    return await _run(port, [each[number % len(each)] for number in range(connections)], seconds, None)


async def pace(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> Sample:
    """Send `rate` requests a second, whenever they are due, over one connection for each of the requests.

    One that finds every connection busy waits, and that counts. Raises RuntimeError as `hammer` does.
    """
    return await _run(port, requests, seconds, rate)


async def _run(port: int, requests: Sequence[bytes], seconds: float, rate: float | None) -> Sample:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    failed: asyncio.Future[None] = loop.create_future()
    clients: list[_Client] = []
    idle: deque[_Client] | None = None if rate is None else deque()
    for request in requests:
        _, client = await loop.create_connection(
            lambda r=request: _Client(r, latencies, failed, idle),  # type: ignore[misc]
            "127.0.0.1", port,
        )  # fmt: skip
        clients.append(client)
    began = time.perf_counter()
    if idle is None or rate is None:
        await asyncio.wait({failed}, timeout=seconds)
    else:
        await _paced(idle, rate, seconds, failed)
    took = time.perf_counter() - began
    for client in clients:
        client.stopping = True
        client.transport.close()
    if failed.done():
        failed.result()
    return Sample(len(latencies), took, sorted(latencies))


async def _paced(idle: deque[_Client], rate: float, seconds: float, failed: asyncio.Future[None]) -> None:
    began, sent = time.perf_counter(), 0
    while (now := time.perf_counter()) < began + seconds and not failed.done():
        while sent < (now - began) * rate and idle:
            idle.popleft().ask(began + sent / rate)
            sent += 1
        await asyncio.sleep(0.001)
