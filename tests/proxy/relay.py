"""A wire to a server that can fall silent, as a frozen server does: it takes bytes and gives none."""

from __future__ import annotations

import asyncio


class Relay:
    """Listens on `port`. While `silent` is set, what passes is lost."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server
        self.silent = asyncio.Event()
        self.port = 0

    @classmethod
    async def start(cls, host: str, port: int) -> Relay:
        relay = cls(host, port)
        relay._server = await asyncio.start_server(relay._accept, "127.0.0.1", 0)
        relay.port = relay._server.sockets[0].getsockname()[1]
        return relay

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        for source, sink in ((reader, back), (there, writer)):
            self._tasks.add(asyncio.create_task(self._pump(source, sink)))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                if not self.silent.is_set():
                    sink.write(data)
                    await sink.drain()
        finally:
            sink.close()
