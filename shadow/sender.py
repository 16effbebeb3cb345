"""Sends a copy of a request to a backend and brings back its answer, within bounds of time and size."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from shadow import signature
from shadow.address import Address
from shadow.answer import Answer, AskFailed, Reason
from shadow.clock import Clock, SystemClock
from shadow.connection import Connection, Fault, UpstreamError
from shadow.exchange import Exchange, Field, Fields

KEEP_ALIVE = 1.5  # below every backend's own, so that a copy is not sent into a closing connection
_AT_ONCE = 256 * 1024
# Fields of the client's request that a copy must not carry: with them the answer is half an answer (304, 206), they
# belong to the connection, or only cutover may say them.
_LEFT_OUT = frozenset(
    {b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since", b"if-range", b"range", b"expect"}
    | {b"connection", b"content-length", b"transfer-encoding", b"keep-alive", b"te", b"trailer", b"upgrade", b"host"}
    | {b"idempotency-key"}
)
_OURS = b"x-cutover-"
# They have no body, and change nothing: on a connection that the backend was just closing they are asked once more.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REASONS = {
    Fault.REFUSED: Reason.REFUSED,
    Fault.RESET: Reason.RESET,
    Fault.TRUNCATED: Reason.RESET,
    Fault.BAD_ANSWER: Reason.BAD_ANSWER,
}


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
        self._room = asyncio.Semaphore(connections)
        self._secret = secret.encode() if secret else None
        self._clock = clock or SystemClock()
        self._places: dict[Target, _Place] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        for place in self._places.values():
            place.close()

    async def ask(self, exchange: Exchange, target: Target) -> Answer:
        """The target's whole answer to a copy of the exchange's request. Raises AskFailed and nothing else."""
        started = self._clock.monotonic()
        place = self._places.get(target) or self._places.setdefault(target, _Place(target))
        head = self._written(exchange, target, place)
        try:
            async with asyncio.timeout(self._timeout), self._room:
                status, fields, body = await self._asked(place, exchange, head)
        except UpstreamError as error:
            raise AskFailed(_REASONS.get(error.fault, Reason.RESET), f"{target.name}: {error}") from error
        except TimeoutError as error:
            raise AskFailed(Reason.TIMEOUT, f"{target.name}: not within {self._timeout:g} s") from error
        return Answer(status, fields, body, self._clock.monotonic() - started)

    async def _asked(self, place: _Place, exchange: Exchange, head: bytes) -> tuple[int, Fields, bytes]:
        connection = place.reusable()
        if connection is not None:
            try:
                return await self._exchanged(place, connection, exchange, head)
            except UpstreamError as error:
                if exchange.method not in _SAFE or error.fault is not Fault.RESET:
                    raise
        return await self._exchanged(place, await place.address.connect(), exchange, head)

    async def _exchanged(
        self, place: _Place, connection: Connection, exchange: Exchange, head: bytes
    ) -> tuple[int, Fields, bytes]:
        try:
            connection.begin(exchange.method)
            await _send(connection, head, exchange.body)
            answer = await connection.head()
            body = await self._body(connection)
        except BaseException:
            connection.close()  # the rest is not worth reading
            raise
        place.take_back(connection)
        return answer.status, tuple((name.lower(), value) for name, value in answer.fields), body

    async def _body(self, connection: Connection) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            part, done = connection.take()
            size += len(part)
            if size > self._body_limit:
                raise AskFailed(Reason.TOO_LARGE, f"the body is larger than {self._body_limit} bytes")
            parts.append(part)
            if done:
                return b"".join(parts)
            await connection.more()

    def _written(self, exchange: Exchange, target: Target, place: _Place) -> bytes:
        """The head of the copy, every byte of target and fields as the client sent it."""
        host = exchange.host if target.host == "preserve" and exchange.host else place.address.host
        lines = [b"%s %b%b HTTP/1.1" % (exchange.method.encode("ascii"), place.address.path, exchange.target)]
        lines.append(b"Host: " + host)
        lines += [b"%b: %b" % field for field in self._fields(exchange, target)]
        if exchange.body or exchange.method not in _SAFE:
            lines.append(b"Content-Length: %d" % len(exchange.body))
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _fields(self, exchange: Exchange, target: Target) -> list[Field]:
        fields = [*passed_on(exchange.headers), (b"X-Cutover-Copy", b"mirror")]
        if self._secret is not None:
            signed = signature.sign(
                self._secret, purpose="mirror", method=exchange.method, target=exchange.target, body=exchange.body,
                id=exchange.id, at=int(self._clock.now()),
            )  # fmt: skip
            fields.append((b"X-Cutover-Signature", signed.encode()))
        return fields


class _Place:
    """A target's address, and the idle connections to it."""

    def __init__(self, target: Target) -> None:
        self.address = Address(target.url, verify=target.verify, ca=target.ca)
        self._idle: list[Connection] = []

    def reusable(self) -> Connection | None:
        """The idle connection used last, if the backend is not about to close it."""
        now = time.monotonic()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and now - connection.answered_at < KEEP_ALIVE and connection.silent:
                return connection
            connection.close()
        return None

    def take_back(self, connection: Connection) -> None:
        """Keep it for another request if it can carry one."""
        connection.busy = False
        if not connection.reusable:
            return connection.close()
        self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


async def _send(connection: Connection, head: bytes, body: bytes) -> None:
    """A large body is written piece by piece, so that others have their turn on the event loop."""
    if len(body) <= _AT_ONCE:
        return connection.write(head + body)
    connection.write(head)
    for start in range(0, len(body), _AT_ONCE):
        connection.write(body[start : start + _AT_ONCE])
        if not await connection.taken():
            return


def passed_on(fields: Fields) -> Iterable[Field]:
    """What of a client's fields goes with a copy."""
    for field in fields:
        name = field[0].lower()
        if name not in _LEFT_OUT and not name.startswith(_OURS):
            yield field
