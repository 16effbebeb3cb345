"""The channel layer: queues and groups of this process, and the relay between the processes.

Why not those of channels_redis: they cannot open a socket while Redis is gone, one of them forgets who is in a group
when Redis restarts, and neither can send without an event loop, which a web worker has none of. Here what happens in
one process needs no Redis, so that a chat goes on among those whom the process serves.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import structlog
from channels.layers import BaseChannelLayer
from django.conf import settings

from common.json import dumps
from common.relay import Listener, say

# A consumer takes from its queue as fast as its server takes from it; who is so far behind has hung.
CAPACITY = 1000

log = structlog.get_logger(__name__)


class RealtimeLayer(BaseChannelLayer):  # type: ignore[misc]
    """Channels' layer, and `tell` for everybody without an event loop. A group may have any text as its name.

    What is sent in this process arrives in the order in which it was sent, with or without Redis; it arrives in the
    other processes if Redis is there. Only one event loop of a process may receive.
    """

    extensions = ("groups",)

    def __init__(self) -> None:
        super().__init__(capacity=CAPACITY)
        # By which this process knows its own words again.
        self._name = uuid4().hex
        self._queues: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._members: dict[str, set[str]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Listener | None = None

    def tell(self, group: str, message: dict[str, Any]) -> None:
        """Send to a group from a thread without an event loop. It takes a fraction of a second at most."""
        words = dumps({**message, "from": self._name} if self._loop else message)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._deliver, group, orjson.loads(words))
        say(group, words)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """The same from the event loop."""
        words = dumps({**message, "from": self._name})
        self._deliver(group, orjson.loads(words))
        await asyncio.to_thread(say, group, words)

    async def new_channel(self, prefix: str = "specific") -> str:
        """A queue of this process. From now on what other processes send is heard, unless Redis is gone."""
        if self._listener is None:
            self._loop = asyncio.get_running_loop()
            self._listener = Listener(settings.REDIS_URL, self._heard)
        channel = f"{prefix}.{uuid4().hex}"
        self._queues[channel] = asyncio.Queue(CAPACITY)
        await self._listener.ready()
        return channel

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Put a message into a queue of this process."""
        self._put(channel, message)

    async def receive(self, channel: str) -> dict[str, Any]:
        """The next message of a queue."""
        return await self._queues[channel].get()

    def forget(self, channel: str) -> None:
        """Give up a queue, also one that is gone already. Whoever made it calls this, however it ends."""
        self._queues.pop(channel, None)
        for group in list(self._members):
            self._leave(group, channel)

    async def group_add(self, group: str, channel: str) -> None:
        """Let a queue get what is sent to a group."""
        self._members.setdefault(group, set()).add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Let it get no more."""
        self._leave(group, channel)

    def _leave(self, group: str, channel: str) -> None:
        members = self._members.get(group, set())
        members.discard(channel)
        if not members:
            self._members.pop(group, None)

    def _heard(self, group: str, message: dict[str, Any]) -> None:
        if message.get("from") != self._name:
            self._deliver(group, message)

    def _deliver(self, group: str, message: dict[str, Any]) -> None:
        for channel in self._members.get(group, set()):
            self._put(channel, {"type": "realtime.frame", **message})

    def _put(self, channel: str, message: dict[str, Any]) -> None:
        queue = self._queues.get(channel)
        if queue is None:
            return
        try:
            queue.put_nowait(message)
        except asyncio.QueueFull:
            log.warning("a socket that does not take its frames missed one", channel=channel)
