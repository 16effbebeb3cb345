"""The door of a journal writer that is a process of its own: a unix socket for the edges of its machine."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import cast

import structlog

from shadow.channel import Frames
from shadow.dualwrite import messages
from shadow.dualwrite.admission import Admission, Noted
from shadow.dualwrite.writer import Asked, JournalWriter

log = structlog.get_logger("journal")


class JournalListener:
    """Lets edges in from `run` to the end of its writer."""

    def __init__(self, path: str | Path, writer: JournalWriter) -> None:
        self._path = Path(path)
        self._writer = writer
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Run the writer until it is stopped. `ready` is set once edges can connect."""
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: _SocketEdge(self._writer), self._path)
        os.chmod(self._path, 0o600)
        inode = self._path.stat().st_ino
        self.ready.set()
        try:
            await self._writer.run()
        finally:
            server.close()
            with suppress(FileNotFoundError):
                if self._path.stat().st_ino == inode:  # not that of a successor
                    self._path.unlink()


class _SocketEdge(asyncio.Protocol):
    """An `Edge`: the connection from one edge process."""

    def __init__(self, writer: JournalWriter) -> None:
        self._writer = writer
        self._frames = Frames(messages.FRAME_LIMIT)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self.gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._writer.connected(self)

    def data_received(self, data: bytes) -> None:
        frames, passed_over = self._frames.feed(data)
        try:
            self._writer.take(Asked(self, *messages.asked(frame), len(frame)) for frame in frames)
        except ValueError as error:
            passed_over += 1
            log.error("journal_message_unreadable", error=str(error))
        if passed_over:
            self.close()  # it would wait for ever for an answer: let it see that we are not one

    def connection_lost(self, error: Exception | None) -> None:
        self._transport, self.gone = None, True
        self._writer.lost(self)

    def tell(self, turn: int, answer: Admission | Noted) -> None:
        if self._transport is not None:
            self._unsent.append(messages.answer(turn, answer))

    def flush(self) -> None:
        if self._unsent and self._transport is not None:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def pause(self) -> None:
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_reading():
            self._transport.resume_reading()

    def close(self) -> None:
        self.flush()
        if self._transport is not None:
            self._transport.close()
