"""Sends copies of writes: signed, marked, pinned, in the name of their actor (design.md sections 4 and 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import psycopg
from multidict import CIMultiDict
from yarl import URL

from shadow import signature
from shadow.answer import Answer, AskFailed, Reason
from shadow.dualwrite.entry import Entry
from shadow.dualwrite.pinning import Pins
from shadow.exchange import Exchange
from shadow.sender import Sender, Target

_PERSONAL = frozenset({b"authorization", b"cookie"})


@dataclass(frozen=True, slots=True)
class Copy(Exchange):
    """A write on its way to a backend, with the header fields that only cutover may add."""

    purpose: Literal["replay", "resolve"] = "replay"
    pin: bytes | None = None
    authorization: str | None = None


class Copies(Protocol):
    """Whatever brings copies to backends: `CopySender`, or a script in a test."""

    async def send(self, copy: Copy, target: Target) -> Answer:
        """The backend's answer. Raises AskFailed and nothing else."""

    async def set_sequence(self, target: Target, sequence: str, value: int) -> None:
        """The next value drawn from the sequence is `value`. Raises AskFailed (REFUSED: nothing was sent)."""


class TokenMinter(Protocol):
    """Makes a token that the target takes for the recorded actor's."""

    def mint(self, actor: object, target: Target, now: float) -> str | None:
        """The value of Authorization; None where the write had no actor."""


def copy_of(
    entry: Entry,
    target: Target,
    *,
    purpose: Literal["replay", "resolve"] = "replay",
    pins: Pins | None = None,
    authorization: str | None = None,
) -> Copy:
    """The copy of an entry whose request is still kept. The client's own token is never in it."""
    request, answer = entry.request, entry.answer or Answer(0, (), b"")
    if request is None:
        raise ValueError(f"the request of {entry.number} is not kept any more")
    return Copy(
        id=entry.id,
        at=entry.at,
        seconds=0.0,
        epoch=entry.epoch,
        active=entry.origin,
        served=entry.origin,
        mirrored=target.name,
        route=entry.route,
        kind="write",
        method=request.method,
        target=request.target,
        host=request.host,
        headers=tuple((name, value) for name, value in request.headers if name.lower() not in _PERSONAL),
        body=request.body if purpose == "replay" else b"",
        status=answer.status,
        answer_headers=answer.headers,
        answer_body=answer.body,
        purpose=purpose,
        pin=pins.header() if pins is not None and target.cooperates else None,
        authorization=authorization,
    )


class CopySender(Sender):
    """`shadow.sender.Sender` with the header fields of copies of writes; sequences are set over SQL."""

    def __init__(self, *, databases: dict[str, str] | None = None, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self._databases = databases or {}

    async def send(self, copy: Copy, target: Target) -> Answer:
        """The target's whole answer. Raises AskFailed and nothing else."""
        return await self.ask(copy, target)

    async def set_sequence(self, target: Target, sequence: str, value: int) -> None:
        """setval(…, false), committed. Raises AskFailed."""
        try:
            async with await psycopg.AsyncConnection.connect(
                self._databases[target.name], autocommit=True, connect_timeout=3
            ) as session:
                await session.execute("SELECT setval(%s::regclass, %s, false)", [sequence, value])
        except (psycopg.Error, OSError, KeyError) as error:
            raise AskFailed(Reason.REFUSED, f"{target.name}: {sequence} cannot be set: {error}") from error

    def _head(self, exchange: Exchange, target: Target) -> tuple[CIMultiDict[str], URL]:
        headers, url = super()._head(exchange, target)
        if isinstance(exchange, Copy):
            self._mark(headers, exchange, target)
        return headers, url

    def _mark(self, headers: CIMultiDict[str], copy: Copy, target: Target) -> None:
        for name in ("X-Cutover-Copy", "X-Cutover-Signature"):
            headers.popall(name, None)
        if copy.authorization is not None:
            headers["Authorization"] = copy.authorization
        if not target.cooperates:
            return  # an unmodified backend gets the request as its client would have sent it
        headers["X-Cutover-Copy"] = copy.purpose
        headers["Idempotency-Key"] = copy.id
        if copy.pin is not None:
            headers["X-Cutover-Pin"] = copy.pin.decode("ascii")
        if self._secret is not None:
            headers["X-Cutover-Signature"] = signature.sign(
                self._secret, purpose=copy.purpose, method=copy.method, target=copy.target, body=copy.body, id=copy.id,
                at=int(self._clock.now()), pin=copy.pin or b"",
            )  # fmt: skip
