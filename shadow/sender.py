"""Sends a copy of a request to a backend and brings back its answer, within bounds of time and size."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Literal, Protocol, Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from shadow import signature
from shadow.answer import Answer, AskFailed, Reason
from shadow.clock import Clock, SystemClock
from shadow.exchange import Exchange, Fields

KEEP_ALIVE = 1.5  # below every backend's own, so that a copy is not sent into a closing connection
_LINE = 64 * 1024
_AT_ONCE = 256 * 1024
# Fields of the client's request that a copy must not carry: with them the answer is half an answer (304, 206), they
# belong to the connection, or only cutover may say them.
_LEFT_OUT = frozenset(
    {b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range", b"range", b"expect"}
    | {b"connection", b"content-length", b"transfer-encoding", b"keep-alive", b"te", b"trailer", b"upgrade", b"host"}
    | {b"idempotency-key"}
)
_OURS = b"x-cutover-"


@dataclass(frozen=True, slots=True)
class Target:
    """A backend as the sender sees it."""

    name: str
    url: str
    host: Literal["preserve", "upstream"] = "preserve"
    verify: bool = True
    ca: str | None = None
    cooperates: bool = False


class Asks(Protocol):
    """Whatever can bring a backend's answer to an exchange's request: `Sender`, or a script in a test."""

    async def ask(self, exchange: Exchange, target: Target) -> Answer:
        """The backend's answer. Raises AskFailed and nothing else."""


class Sender:
    """Asks backends over pooled connections: no cookies, no redirects, nothing decoded, target and body as captured."""

    def __init__(
        self,
        *,
        timeout: float,
        body_limit: int,
        connections: int,
        secret: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._timeout = timeout
        self._body_limit = body_limit
        self._connections = connections
        self._secret = secret.encode() if secret else None
        self._clock = clock or SystemClock()
        self._session: aiohttp.ClientSession | None = None
        self._tls: dict[Target, ssl.SSLContext | bool] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(self, exchange: Exchange, target: Target) -> Answer:
        """The target's whole answer to a copy of the exchange's request. Raises AskFailed and nothing else."""
        started = self._clock.monotonic()
        headers, url = self._head(exchange, target)
        try:
            async with self._opened().request(
                exchange.method, url, headers=headers, data=_payload(exchange.body), allow_redirects=False,
                ssl=self._trust(target),
            ) as response:  # fmt: skip
                body = await self._body(response)
                fields = tuple((name.lower(), value) for name, value in response.raw_headers)
                return Answer(response.status, fields, body, self._clock.monotonic() - started)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            raise AskFailed(_reason(error), f"{target.name}: {type(error).__name__}: {error}") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
                max_line_size=_LINE,
                max_field_size=_LINE,
            )
        return self._session

    def _head(self, exchange: Exchange, target: Target) -> tuple[CIMultiDict[str], URL]:
        headers = CIMultiDict(_as_text(_passed_on(exchange.headers)))
        if target.host == "preserve" and exchange.host:
            headers["Host"] = _text(exchange.host)
        headers["X-Cutover-Copy"] = "mirror"
        if self._secret is not None:
            headers["X-Cutover-Signature"] = signature.sign(
                self._secret, purpose="mirror", method=exchange.method, target=exchange.target, body=exchange.body,
                id=exchange.id, at=int(self._clock.now()),
            )  # fmt: skip
        return headers, URL(target.url.rstrip("/") + _text(exchange.target), encoded=True)

    def _trust(self, target: Target) -> ssl.SSLContext | bool:
        """How the target's certificate is checked; read once, because loading a file of certificates is slow."""
        if target not in self._tls:
            self._tls[target] = ssl.create_default_context(cafile=target.ca) if target.ca else True
            if not target.verify:
                self._tls[target] = False
        return self._tls[target]

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > self._body_limit:
                response.close()  # the rest is not worth reading
                raise AskFailed(Reason.TOO_LARGE, f"the body is larger than {self._body_limit} bytes")
            parts.append(part)
        return b"".join(parts)


def _payload(body: bytes) -> bytes | BytesIO | None:
    """A large body is written piece by piece, so that others have their turn on the event loop."""
    return BytesIO(body) if len(body) > _AT_ONCE else body or None


def _passed_on(fields: Fields) -> Iterable[tuple[bytes, bytes]]:
    return ((n, v) for n, v in fields if n.lower() not in _LEFT_OUT and not n.lower().startswith(_OURS))


def _as_text(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(_text(name), _text(value)) for name, value in fields]


def _text(written: bytes) -> str:
    """Bytes as the client library wants them: it writes UTF-8, so anything else could not be sent unchanged."""
    try:
        return written.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AskFailed(Reason.UNSUPPORTED_ENCODING, "a field or the target is not UTF-8") from error


def _reason(error: Exception) -> Reason:
    """The class of a failure; the first that fits."""
    return next(reason for kinds, reason in _REASONS if isinstance(error, kinds))


_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Reason], ...] = (
    (TimeoutError, Reason.TIMEOUT),
    (aiohttp.ClientConnectorError, Reason.REFUSED),
    ((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError, OSError), Reason.RESET),
    (Exception, Reason.BAD_ANSWER),
)
