"""Where something stands in a parsed body: dotted paths such as `data.id` and `grades[*].cadetId`."""

from __future__ import annotations

from typing import Any

import orjson

EVERY = "[*]"
READ_AT_MOST = 4 << 20
"""Bytes of a body that are read while others wait: more could take a third of a second."""


def parsed(body: bytes) -> Any:
    """The value of a JSON body; None of a form, of rubbish and of nothing."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def found(value: Any, path: str) -> list[Any]:
    """What a parsed body holds at a path: one value, or with `[*]` one for each element; None where there is nothing.

    A text that is JSON itself is opened where the path goes on inside it.
    """
    values = [value]
    for segment in path.split("."):
        name, every, _ = segment.partition(EVERY)
        if name:
            values = [_member(one, name) for one in values]
        if every:
            values = [item for one in values for item in _elements(one)]
    return values


def _member(value: Any, name: str) -> Any:
    opened = _opened(value)
    return opened.get(name) if isinstance(opened, dict) else None


def _elements(value: Any) -> list[Any]:
    opened = _opened(value)
    return opened if isinstance(opened, list) else [None]


def _opened(value: Any) -> Any:
    return parsed(value.encode()) if isinstance(value, str) and value[:1] in ("{", "[") else value
