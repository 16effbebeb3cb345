"""A copy of an exchange for the shadow, taken as the bytes pass by: references, joined once at the end, bounded."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.edge.headers import Field


class Tap:
    """Collects the bodies of one exchange. Over `limit` bytes of either it forgets them and says so."""

    __slots__ = ("_answer", "_answer_size", "_limit", "_request", "_request_size", "answer_fields", "status")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._request: list[bytes] = []
        self._request_size = 0
        self._answer: list[bytes] = []
        self._answer_size = 0
        self.status = 0
        self.answer_fields: Sequence[Field] = ()

    def request(self, data: bytes) -> None:
        """A piece of the request's body."""
        self._request_size += len(data)
        if self._request_size <= self._limit:
            self._request.append(data)
        else:
            self._request.clear()

    def answer_head(self, status: int, fields: Sequence[Field]) -> None:
        """The final answer's head. A second one (the fallback's) replaces the first."""
        self.status, self.answer_fields = status, fields

    def answer(self, data: bytes) -> None:
        """A piece of the answer's body."""
        self._answer_size += len(data)
        if self._answer_size <= self._limit:
            self._answer.append(data)
        else:
            self._answer.clear()

    @property
    def too_large(self) -> bool:
        """Whether a body went over the limit."""
        return self._request_size > self._limit or self._answer_size > self._limit

    @property
    def request_body(self) -> bytes:
        """The request's body, whole unless `too_large`."""
        return b"".join(self._request)

    @property
    def answer_body(self) -> bytes:
        """The answer's body, whole unless `too_large`."""
        return b"".join(self._answer)
