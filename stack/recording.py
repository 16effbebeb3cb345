"""Traffic in a file, one JSON object per line: written while the load runs, sent again in the same rhythm.

A line is ``{at, method, path, query, headers, body}``: seconds from the start, the whole path, parameters, headers
without secrets, and the body as text (``body_base64`` where it is none). Who asked is told by ``user``, the id of an
account, and a token for it is made when the line is sent again: no token is ever written down. ``expected`` lists the
statuses that are right. A line without it, from somebody else's log, takes every answer but a server error.
WebSockets are not recorded.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from stack.cast import Client, client_of
from stack.operations import operation_of
from stack.request import Content, Request

PREFIX = "/api/v1/"
NO_ERROR = frozenset(range(200, 500))


class RecordingError(ValueError):
    """A line of a recording makes no sense; the message says which and why."""


class Recorder:
    """Writes requests as they are sent."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8")

    def note(self, at: float, request: Request) -> None:
        """Write one."""
        self._file.write(json.dumps({"at": round(at, 4), **to_line(request)}, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """No more."""
        self._file.close()


def to_line(request: Request) -> dict[str, Any]:
    """A request as a line of the file."""
    line: dict[str, Any] = {
        "method": request.method,
        "path": request.path if request.path.startswith("/") else PREFIX + request.path,
        "query": request.params,
        "headers": {},
        "expected": sorted(request.expected),
    }
    if request.may_be_taken:
        line["may_be_taken"] = True
    if request.token is not None:
        # Tokens that nobody accepts: neither a secret nor anybody's.
        line["headers"]["Authorization"] = "Bearer refused"
    elif request.client is not None:
        line["user"] = request.client.user_id
    payload = request.payload()
    if payload is not None:
        line["headers"]["Content-Type"] = payload.kind
        line |= _body(payload.data)
    return line


def _body(data: bytes) -> dict[str, str]:
    try:
        return {"body": data.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(data).decode()}


def from_line(line: dict[str, Any], secret: str) -> Request:
    """The request that a line tells of, signed anew for its user."""
    headers = {name.lower(): value for name, value in line.get("headers", {}).items()}
    data = base64.b64decode(line["body_base64"]) if "body_base64" in line else line.get("body", "").encode()
    kind = headers.get("content-type")
    path = line["path"]
    return Request(
        line["method"], path.removeprefix(PREFIX), _client(line, secret), dict(line.get("query") or {}),
        expected=frozenset(line["expected"]) if "expected" in line else NO_ERROR,
        operation=operation_of(line["method"], path), content=Content(kind or "", data) if data or kind else None,
        token=headers["authorization"].removeprefix("Bearer ") if "authorization" in headers else None,
        may_be_taken=line.get("may_be_taken", False),
    )  # fmt: skip


def _client(line: dict[str, Any], secret: str) -> Client | None:
    return client_of(secret, line["user"]) if "user" in line else None


def read(path: Path, secret: str) -> Iterator[tuple[float, Request]]:
    """The requests of a file with their times, in the file's order. Raises RecordingError."""
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            try:
                line = json.loads(text)
                yield float(line["at"]), from_line(line, secret)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise RecordingError(f"{path.name}, line {number}: {type(error).__name__}: {error}") from error
