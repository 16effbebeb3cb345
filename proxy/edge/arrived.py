"""A request off the wire, as a handler gets it, and what the handler gives back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

if TYPE_CHECKING:
    from proxy.edge.server import ClientConnection


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Done:
    """What a handler returns: the answer is written, and whether the connection may carry another request."""

    __slots__ = ("keep_alive",)

    def __init__(self, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, request: object) -> None:
        """Nothing: the handler wrote the head."""

    async def write_eof(self) -> None:
        """Nothing: the handler wrote the body."""


class Arrived:
    """A request as it came off the wire: aiohttp's parsed message, the body's stream, and the client's connection."""

    __slots__ = ("_on_gone", "_task", "body", "client", "gone", "message", "writer")

    def __init__(
        self,
        message: RawRequestMessage,
        body: StreamReader,
        client: ClientConnection,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> None:
        self.message = message
        self.body = body
        self.client = client
        self.writer = writer
        self._task = task
        self.gone = False
        self._on_gone: Callable[[], None] | None = None
        client.begin(self)

    def when_gone(self, call: Callable[[], None] | None) -> None:
        """Call this once when the client's connection is lost (at once if it already is); None: no longer."""
        self._on_gone = call
        if call is not None and self.gone:
            call()

    def _finish(self) -> None:
        """Called by aiohttp before it takes the answer."""

    def _cancel(self, exc: BaseException) -> None:
        """Called by aiohttp when the connection is lost with this request under way."""
        self.gone = True
        if not self.body.is_eof():
            self.body.set_exception(exc)
        if self._on_gone is not None:
            self._on_gone()
