"""What a backend answered to a copy, or why it gave no answer that can be used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shadow.exchange import Exchange, Fields


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer. The body is free of transfer codings, but still in its content coding."""

    status: int
    headers: Fields
    body: bytes
    seconds: float = 0.0

    def header(self, name: bytes) -> bytes | None:
        """The first field of that name (given in lower case), or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def captured(exchange: Exchange) -> Answer:
    """The answer that the client got."""
    return Answer(exchange.status, exchange.answer_headers, exchange.answer_body, exchange.seconds)


class Reason(StrEnum):
    """Why there is no answer to compare."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    RESET = "reset"
    TOO_LARGE = "too_large"
    BAD_ANSWER = "bad_answer"


UNWELL = frozenset({Reason.REFUSED, Reason.TIMEOUT, Reason.RESET})
"""The reasons that speak against the backend itself; the others concern one answer only."""


class AskFailed(Exception):
    """A backend gave no answer that can be used; the reason is one of few and is counted."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
