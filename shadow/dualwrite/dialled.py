"""The edge's end of the unix socket to its machine's journal writer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import cast

import structlog

from shadow.channel import Frames
from shadow.dualwrite import messages
from shadow.dualwrite.client import Dial, JournalClient, Link
from shadow.dualwrite.entry import Intent, Outcome

log = structlog.get_logger("journal")


def over_socket(path: str | Path) -> Dial:
    """To the writer that listens there."""

    async def dial(client: JournalClient) -> Link:
        _, link = await asyncio.get_running_loop().create_unix_connection(lambda: _SocketLink(client), str(path))
        return link

    return dial


class _SocketLink(asyncio.Protocol):
    """A `Link`: one connection to the writer."""

    def __init__(self, client: JournalClient) -> None:
        self._client = client
        self._frames = Frames(messages.FRAME_LIMIT)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []  # of one round of the event loop: one system call, and one batch for the writer
        self._loop = asyncio.get_running_loop()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._client.connected(self)

    def data_received(self, data: bytes) -> None:
        frames, _ = self._frames.feed(data)
        try:
            for frame in frames:
                self._client.heard(*messages.answered(frame))
        except ValueError as error:
            log.error("journal_answer_unreadable", error=str(error))
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._client.disconnected()
        self.lost.set()

    def send(self, turn: int, what: Intent | Outcome) -> None:
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(messages.intent(turn, what) if isinstance(what, Intent) else messages.outcome(turn, what))

    def _flush(self) -> None:
        frames, self._unsent = self._unsent, []
        if frames and self._transport is not None:
            with suppress(RuntimeError):
                self._transport.write(b"".join(frames))

    def close(self) -> None:
        if self._transport is not None:
            if self._unsent:
                self._flush()
            self._transport.close()
