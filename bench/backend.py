"""The backend of the benchmarks: answers every request with as many bytes as its path says, as cheaply as it can. Like
Node it says for how long it keeps connections open."""

from __future__ import annotations

import asyncio
import sys
from functools import lru_cache
from typing import cast

import uvloop


@lru_cache
def _answer(size: int) -> bytes:
    fields = b"Content-Type: application/octet-stream\r\nKeep-Alive: timeout=5\r\nContent-Length: %d\r\n" % size
    return b"HTTP/1.1 200 OK\r\n%b\r\n%b" % (fields, b"x" * size)


class _Server(asyncio.Protocol):
    """Requests in one or more pieces; a body is as long as Content-Length says."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            path = head.split(b" ", 2)[1].strip(b"/")
            self._transport.write(_answer(int(path) if path.isdigit() else 2))


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
