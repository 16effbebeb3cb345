"""Carries frames between the processes of this backend, through Redis: any may say one, those with sockets listen.

A frame goes out on the channel `realtime:<group>` as JSON. What is said while Redis is gone is lost: a page that
missed a frame fetches the row with its next request.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import orjson
import redis
import redis.asyncio
import structlog
from django.conf import settings
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.outage import Outage

PREFIX = "realtime:"
# Nobody waits for what listens.
LISTENING_SECONDS = 1.0
RETRY_SECONDS = 0.5
# So a connection that was cut without a word is noticed within half a minute.
KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}

Deliver = Callable[[str, dict[str, Any]], None]

log = structlog.get_logger(__name__)


@cache
def outage_of(url: str) -> Outage:
    """One for all that this process asks of a Redis: one caller's bad news spares the others."""
    return Outage("redis", (redis.RedisError,))


def say(group: str, message: bytes) -> None:
    """Hand `message` to every process that listens. It takes a fraction of a second at most, and never raises."""
    outage_of(settings.REDIS_URL).attempt("frame", partial(_publish, PREFIX + group, message), None)


def _publish(channel: str, message: bytes) -> None:
    _redis(settings.REDIS_URL).publish(channel, message)


@cache
def _redis(url: str) -> redis.Redis:
    # No second try: somebody waits.
    patience = settings.REDIS_PATIENCE_SECONDS
    return redis.Redis.from_url(
        url, socket_connect_timeout=patience, socket_timeout=patience, retry=Retry(NoBackoff(), 0)
    )


class Listener:
    """Hears what any process says, for as long as its loop runs, and listens again whenever Redis comes back."""

    def __init__(self, url: str, deliver: Deliver) -> None:
        self._url = url
        self._deliver = deliver
        self._outage = outage_of(url)
        self._tried = asyncio.Event()
        self._task = asyncio.ensure_future(self._listen_for_ever())

    async def ready(self) -> None:
        """Return when what is said from now on is heard, or at once while Redis is gone."""
        await self._tried.wait()

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except (redis.RedisError, OSError) as trouble:
                self._outage.failed(trouble)
            except Exception:
                # Whatever it is, deaf sockets would be worse than a line of log for every try.
                log.exception("listening failed")
            self._tried.set()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        client = redis.asyncio.Redis.from_url(
            self._url,
            socket_connect_timeout=LISTENING_SECONDS,
            socket_timeout=LISTENING_SECONDS,
            socket_keepalive=True,
            # Not every system knows all of them.
            socket_keepalive_options={
                getattr(socket, name): value for name, value in KEEPALIVE.items() if hasattr(socket, name)
            },
            retry=AsyncRetry(NoBackoff(), 0),
        )
        async with client, client.pubsub() as pubsub:
            await pubsub.psubscribe(PREFIX + "*")
            await self._hear(pubsub)

    async def _hear(self, pubsub: PubSub) -> None:
        while True:
            message = await pubsub.get_message(timeout=LISTENING_SECONDS)
            if message is None:
                continue
            if message["type"] == "psubscribe":
                self._outage.worked()
                self._tried.set()
            elif message["type"] == "pmessage":
                self._hand_over(message["channel"], message["data"])

    def _hand_over(self, channel: bytes, data: bytes) -> None:
        try:
            self._deliver(channel.decode().removeprefix(PREFIX), orjson.loads(data))
        except ValueError:
            log.warning("something was said that is no frame", channel=channel)
