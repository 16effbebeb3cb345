"""A wire between the edge and a backend that can lose answers, or hold them back beyond every deadline."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from enum import Enum
from random import Random

PIECE = 65536


class Mood(Enum):
    """What the wire does to answers. Requests always arrive."""

    FAITHFUL = "faithful"
    DROPS = "drops the answer after the backend gave it"
    DELAYS = "delays the answer beyond the deadline"


class Wire:
    """Listens on a port of its own, in a thread of its own, and passes on what comes to `target`."""

    def __init__(self, target: int, seed: int, delay: float) -> None:
        self._target, self._random, self._delay = target, Random(seed), delay
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"wire to {target}", daemon=True)
        self._visits: set[asyncio.Task[None] | None] = set()  # the loop itself does not hold on to them
        self.mood, self.share = Mood.FAITHFUL, 0.0
        self.port = 0

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        """Close, with everything that is under way."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def be(self, mood: Mood, share: float = 0.0) -> None:
        """From now on this share of the connections gets the mood."""
        self.mood, self.share = mood, share

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._visited, "127.0.0.1", 0, limit=PIECE)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        while tasks := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        self._visits.add(visit)
        try:
            await self._passed_on(reader, writer)
        finally:
            self._visits.discard(visit)

    async def _passed_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            theirs, ours = await asyncio.open_connection("127.0.0.1", self._target, limit=PIECE)
        except OSError:
            writer.transport.abort()
            return
        mood = self.mood if self._random.random() < self.share else Mood.FAITHFUL
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, ours))
                group.create_task(self._answer(theirs, writer, mood))
        finally:
            ours.close()
            writer.close()

    async def _answer(self, theirs: asyncio.StreamReader, writer: asyncio.StreamWriter, mood: Mood) -> None:
        if mood is Mood.FAITHFUL:
            return await self._pass(theirs, writer)
        with suppress(ConnectionError):
            first = await theirs.read(PIECE)
            if mood is Mood.DELAYS:
                await asyncio.sleep(self._delay)
                writer.write(first)
                return await self._pass(theirs, writer)
        writer.transport.abort()

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, OSError):
            while data := await reader.read(PIECE):
                writer.write(data)
                await writer.drain()
            writer.write_eof()
            return
        writer.transport.abort()
