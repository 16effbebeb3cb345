"""What the original of a replayed request made up, and the replay adopts, so that one thing has one id on both sides.

`X-Cutover-Pin` is a JSON object, each entry of which may be missing:

    {"now": "2024-08-05T01:00:00.123Z", "actor": 7, "ids": {"grades": [17], "files": ["<uuid>"]}, "urls": ["/x"]}

`ids` are by table, in the order in which the operation makes the rows; `urls` are those of uploaded files, likewise.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from common.exceptions import InvalidInput


@dataclass(frozen=True)
class Pins:
    """The values to adopt. Ids and URLs are taken one after the other, each once."""

    now: datetime | None = None
    actor: int | None = None
    ids: dict[str, deque[int | UUID]] = field(default_factory=dict)
    urls: deque[str] = field(default_factory=deque)

    def next_id(self, table: str) -> int | UUID | None:
        """The id of the next row of a table, if the original's is known."""
        waiting = self.ids.get(table)
        return waiting.popleft() if waiting else None

    def next_url(self) -> str | None:
        """The URL of the next uploaded file, if the original's is known."""
        return self.urls.popleft() if self.urls else None


def pins_read(header: str) -> Pins:
    """The pins in a header; `InvalidInput` if they cannot be understood: half adopted they would be worse than none."""
    try:
        given = json.loads(header)
        return Pins(
            now=_instant(given.get("now")),
            actor=_integer(given["actor"]) if given.get("actor") is not None else None,
            ids={str(table): deque(map(_id, ids)) for table, ids in given.get("ids", {}).items()},
            urls=deque(map(_text, given.get("urls", []))),
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as mistake:
        raise InvalidInput("X-Cutover-Pin cannot be understood") from mistake


def _instant(given: Any) -> datetime | None:
    if given is None:
        return None
    found = datetime.fromisoformat(given)
    if found.tzinfo is None:
        raise ValueError("the instant has no zone")
    return found


def _id(given: Any) -> int | UUID:
    return UUID(given) if isinstance(given, str) else _integer(given)


def _integer(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        raise ValueError("not an integer")
    return given


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("not a text")
    return given
