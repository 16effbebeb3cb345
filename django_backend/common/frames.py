"""The frames of the WebSockets as texts: `{"type", "data"}`, both ways."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from common.json import dumps


class BadFrame(Exception):
    """A frame was not understood; the message is for its sender."""


@dataclass(frozen=True)
class Frame:
    """What a client sent. No data and `null` are not the same."""

    type: str
    data: Any
    has_data: bool


def read_frame(text: str | None) -> Frame:
    """What a client's text says; `BadFrame` if it says nothing. No text is a binary frame."""
    if text is None:
        raise BadFrame("Text frames only")
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as mistake:
        raise BadFrame("Invalid JSON") from mistake
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise BadFrame("Invalid message")
    return Frame(found["type"], found.get("data"), "data" in found)


def frame_text(frame: dict[str, Any]) -> str:
    """A frame to be sent; `BadFrame` if what a client wants back cannot be said."""
    try:
        return dumps(frame).decode()
    except (TypeError, ValueError, RecursionError):
        return _escaped(frame)


def _escaped(frame: dict[str, Any]) -> str:
    # A client may have sent half of a surrogate pair, or brackets within brackets, which the fast encoder refuses.
    try:
        return json.dumps(frame, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError) as mistake:
        raise BadFrame("Invalid message") from mistake


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
