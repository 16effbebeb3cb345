"""Sends copies of writes: signed, marked, pinned, in the name of their actor (design.md sections 4 and 11)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal, Protocol

from shadow import signature
from shadow.answer import Answer, AskFailed, Reason
from shadow.dualwrite.entry import Entry
from shadow.dualwrite.pinning import Pins
from shadow.dualwrite.sequences import Sequences
from shadow.exchange import Exchange, Field
from shadow.sender import Sender, Target, passed_on

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

    async def answers(self, target: Target) -> bool:
        """Whether the backend answers anything at all now, and not with a 5xx. Raises nothing."""


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
        self._sequences = Sequences(databases or {})

    async def send(self, copy: Copy, target: Target) -> Answer:
        """The target's whole answer. Raises AskFailed and nothing else."""
        return await self.ask(copy, target)

    async def answers(self, target: Target) -> bool:
        """See `Copies.answers`: it is asked for `/`."""
        asked = Exchange(
            id=f"alive-{secrets.token_hex(8)}", at=self._clock.now(), seconds=0.0, epoch=0, active="", served="",
            mirrored=target.name, route="", kind="read", method="GET", target=b"/", host=b"", headers=(), body=b"",
            status=0, answer_headers=(), answer_body=b"",
        )  # fmt: skip
        try:
            return (await self.ask(asked, target)).status < 500
        except AskFailed as failed:
            return failed.reason is Reason.TOO_LARGE

    async def set_sequence(self, target: Target, sequence: str, value: int) -> None:
        """See `Sequences.set`."""
        await self._sequences.set(target.name, sequence, value)

    async def close(self) -> None:
        await super().close()
        await self._sequences.close()

    def _fields(self, exchange: Exchange, target: Target) -> list[Field]:
        if not isinstance(exchange, Copy):
            return super()._fields(exchange, target)
        fields = list(passed_on(exchange.headers))
        if exchange.authorization is not None:
            fields.append((b"Authorization", exchange.authorization.encode()))
        # An unmodified backend gets the request as its client would have sent it.
        return fields + self._marks(exchange) if target.cooperates else fields

    def _marks(self, copy: Copy) -> list[Field]:
        marks = [(b"X-Cutover-Copy", copy.purpose.encode()), (b"Idempotency-Key", copy.id.encode())]
        if copy.pin is not None:
            marks.append((b"X-Cutover-Pin", copy.pin))
        if self._secret is not None:
            signed = signature.sign(
                self._secret, purpose=copy.purpose, method=copy.method, target=copy.target, body=copy.body, id=copy.id,
                at=int(self._clock.now()), pin=copy.pin or b"",
            )  # fmt: skip
            marks.append((b"X-Cutover-Signature", signed.encode()))
        return marks
