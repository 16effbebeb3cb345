"""Sends requests and holds WebSockets, and says of each what came of it. Nothing that a server does is an exception."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from stack.request import Request

CONNECTIONS = 256
# A server that goes, or the edge at a flip: clients come back later, and nobody is to blame.
SENT_AWAY = frozenset({1001, 1012})


@dataclass(frozen=True)
class Outcome:
    """The class of an answer, what was wrong with it (None: nothing), its status and its body."""

    kind: str
    surprise: str | None
    status: int = 0
    body: bytes = b""

    @property
    def document(self) -> Any:
        """The JSON of the body; where it is none, its bytes; nothing where a unique value was taken."""
        if self.status == 409 or self.status >= 500:
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body


class Exchange:
    """One server (its HTTP and its WebSockets may be at different addresses) and a pool of connections to it."""

    def __init__(self, url: str, sockets_url: str | None, timeout: float) -> None:
        self._root, self._timeout = url.rstrip("/"), timeout
        self._sockets_root = (sockets_url or self._root).rstrip("/")
        # Cookies are kept out: three hundred people share this session.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=timeout),
        )  # fmt: skip

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()

    async def send(self, request: Request) -> Outcome:
        """Send one request and read its answer."""
        where = f"{request.method} {request.path}"
        try:
            status, body = await self._answer(request)
        except TimeoutError:
            return Outcome("timeout", f"{where}: no answer within {self._timeout:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Outcome("network", f"{where}: {type(error).__name__}: {error}")
        surprise = None if request.fits(status, body) else f"{where}: {status} {body[:200]!r}"
        return Outcome(f"{status // 100}xx", surprise, status, body)

    async def _answer(self, request: Request) -> tuple[int, bytes]:
        bearer, payload = request.bearer(), request.payload()
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        if payload is not None and payload.kind:
            headers["Content-Type"] = payload.kind
        path = request.path if request.path.startswith("/") else f"/api/v1/{request.path}"
        # As it is written: a slash inside a name is %2F on the wire too.
        url = URL(f"{self._root}{path}" + (f"?{urlencode(request.params)}" if request.params else ""), encoded=True)
        # A redirect is an answer: what lies behind it is not the server's.
        async with self._session.request(
            request.method, url, data=BytesIO(payload.data) if payload else None, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, await answer.read()

    async def open(self, path: str, token: str, closes: int | None = None) -> tuple[Outcome, Socket | None]:
        """Open a WebSocket and wait until it is in place, or for the close code that is expected."""
        url = URL(f"{self._sockets_root}{path}?{urlencode({'token': token})}", encoded=True)
        try:
            async with asyncio.timeout(self._timeout):
                socket = Socket(await self._session.ws_connect(url, max_msg_size=0), self._timeout)
        except TimeoutError:
            return Outcome("timeout", f"WS {path}: not opened within {self._timeout:g} s"), None
        except (aiohttp.ClientError, OSError) as error:
            return Outcome("network", f"WS {path}: {type(error).__name__}: {error}"), None
        if closes is not None:
            return await socket.closed_with(closes), None
        heard, _ = await socket.hear("connected", {})
        return (heard if heard.surprise else Outcome("1xx", None, 101)), socket


class Socket:
    """One open WebSocket."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse, timeout: float) -> None:
        self._connection, self._timeout = connection, timeout

    async def say(self, frame: Any) -> None:
        """Send a text frame. What is sent into a closing connection is lost, as the next `hear` will tell."""
        with suppress(ConnectionError, aiohttp.ClientError):
            await self._connection.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def hear(self, kind: str, holding: Mapping[str, Any]) -> tuple[Outcome, Any]:
        """The first frame of this type whose data holds all that is wanted, and its data."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._wanted(kind, holding)
        except TimeoutError:
            return Outcome("timeout", f"no frame {kind} with {dict(holding)} within {self._timeout:g} s"), None

    async def _wanted(self, kind: str, holding: Mapping[str, Any]) -> tuple[Outcome, Any]:
        async for message in self._connection:
            frame = json.loads(message.data)
            if frame["type"] == kind and holding.items() <= frame["data"].items():
                return Outcome("frame", None), frame["data"]
        return self._ended(f"closed with {self._connection.close_code} while waiting for {kind}"), None

    def _ended(self, text: str) -> Outcome:
        sent_away = self._connection.close_code in SENT_AWAY
        return Outcome("frame" if sent_away else "network", None if sent_away else text)

    async def closed_with(self, code: int) -> Outcome:
        """Whether the server closes with this code, and before it says anything."""
        try:
            async with asyncio.timeout(self._timeout):
                message = await self._connection.receive()
        except TimeoutError:
            return Outcome("timeout", f"not closed within {self._timeout:g} s")
        found = self._connection.close_code
        return Outcome("4xx", None if found == code else f"closed with {found} and {message.data!r}, not {code}")

    async def close(self) -> None:
        """Say goodbye."""
        await self._connection.close()
