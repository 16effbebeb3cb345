"""A closed-loop load of plain keep-alive connections, cheap enough to leave the machine to the proxies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple, cast

WARM_UP = 0.5  # seconds


class Sample(NamedTuple):
    """What one run gave."""

    requests: int
    seconds: float
    latencies: list[float]


class _Client(asyncio.Protocol):
    """One connection that sends the next request when the answer to the last is whole."""

    def __init__(self, request: bytes, latencies: list[float], failed: asyncio.Future[None]) -> None:
        self._request, self._latencies, self._failed = request, latencies, failed
        self._missing = 0
        self._sent = 0.0
        self.stopping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            head, _, body = data.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200") or not _:
                return self._fail(f"unexpected answer {data[:80]!r}")
            self._missing = _length(head) - len(body)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._latencies.append(time.perf_counter() - self._sent)
            if not self.stopping:
                self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.stopping:
            self._fail(f"connection lost: {exc}")

    def _next(self) -> None:
        self._sent = time.perf_counter()
        self.transport.write(self._request)

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
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    failed: asyncio.Future[None] = loop.create_future()
    clients = []
    for number in range(connections):
        request = each[number % len(each)]
        _, client = await loop.create_connection(lambda r=request: _Client(r, latencies, failed), "127.0.0.1", port)  # type: ignore[misc]
        clients.append(client)
    began = time.perf_counter()
    await asyncio.wait({failed}, timeout=seconds)
    took = time.perf_counter() - began
    for client in clients:
        client.stopping = True
        client.transport.close()
    if failed.done():
        failed.result()
    return Sample(len(latencies), took, sorted(latencies))
