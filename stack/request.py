"""One request of the load: what is sent, as whom, and which answers are right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stack.cast import Client

JSON = "application/json"


@dataclass(frozen=True)
class Content:
    """A body as bytes, for what is not JSON or is broken on purpose."""

    kind: str
    data: bytes


@dataclass(frozen=True)
class Upload:
    """One file of a form."""

    name: str
    data: bytes
    kind: str = "application/octet-stream"


@dataclass(frozen=True)
class Request:
    """One request to send, and what counts as the right kind of answer.

    *path* is below ``/api/v1/`` unless it begins with a slash. *operation* is its name in docs/api.md; the mix of
    reads has names of its own and leaves it empty.
    """

    method: str
    path: str
    client: Client | None = None
    params: dict[str, str] = field(default_factory=dict)
    body: Any = None
    expected: frozenset[int] = frozenset({200})
    # What an accepted write leaves behind: (what, its value), for the search for lost writes afterwards.
    target: str | None = None
    value: Any = None
    operation: str = ""
    content: Content | None = None
    # Instead of the client's own token: one that is not to be accepted.
    token: str | None = None
    # Whether a value that must be unique may be there already, from a run with the same seed or by a race that the
    # legacy loses: then 409, or Node's 500 with the database's words, is right too.
    may_be_taken: bool = False
    bad: bool = False

    def payload(self) -> Content | None:
        """The body as it goes out."""
        if self.content is not None or self.body is None:
            return self.content
        return Content(JSON, json.dumps(self.body).encode())

    def bearer(self) -> str | None:
        """The token that goes out."""
        return self.token or (self.client.token if self.client else None)

    def fits(self, status: int, body: bytes) -> bool:
        """Whether an answer is of the right kind."""
        taken = status == 409 or (status == 500 and b"duplicate key" in body)
        return status in self.expected or (self.may_be_taken and taken)


def form(fields: Mapping[str, str], files: Sequence[tuple[str, Upload]] = ()) -> Content:
    """A multipart form. Its boundary follows from what is in it, so that the same form is the same bytes."""
    digest = hashlib.sha256(repr((sorted(fields.items()), [(name, file.name) for name, file in files])).encode())
    boundary = f"form-{digest.hexdigest()[:24]}"
    parts = [_part(boundary, f'name="{name}"', None, value.encode()) for name, value in fields.items()]
    for name, file in files:
        parts.append(_part(boundary, f'name="{name}"; filename="{file.name}"', file.kind, file.data))
    return Content(f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode())


def _part(boundary: str, disposition: str, kind: str | None, data: bytes) -> bytes:
    kind_line = f"Content-Type: {kind}\r\n" if kind else ""
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{kind_line}\r\n"
    return head.encode() + data + b"\r\n"
