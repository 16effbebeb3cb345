"""What a JSON text holds that jsonb cannot: found by reading it, because SQL cannot tell."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

# jsonb keeps numbers as numeric, which has this much room before the point and behind it.
MOST_DIGITS, FINEST = 131_072, 16_383


class _Reader:
    def __init__(self) -> None:
        self.found: set[str] = set()

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object; called for the innermost first."""
        if len({key for key, _ in pairs}) < len(pairs):
            self.found.add("duplicate_keys")
        for key, _ in pairs:
            self.text(key)
        return dict(pairs)

    def number(self, written: str) -> Decimal:
        """A number as it is written."""
        value = Decimal(written)
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and (value.adjusted() >= MOST_DIGITS or -exponent > FINEST):
            self.found.add("number")
        return value

    def text(self, value: str) -> None:
        """A string or a key."""
        if "\0" in value:
            self.found.add("nul")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            self.found.add("surrogate")

    def walk(self, value: Any) -> None:
        """Everything inside; deep nesting is walked without recursion."""
        waiting = [value]
        while waiting:
            value = waiting.pop()
            if isinstance(value, str):
                self.text(value)
            elif isinstance(value, dict):
                waiting.extend(value.values())
            elif isinstance(value, list):
                waiting.extend(value)


def json_hazards(text: str) -> set[str]:
    """The names of the hazards in a text that PostgreSQL accepted as json."""
    reader = _Reader()
    try:
        value = json.loads(text, object_pairs_hook=reader.members, parse_float=reader.number, parse_int=reader.number)
    except RecursionError:
        return {"nesting"}
    reader.walk(value)
    if isinstance(value, str) and _is_json(value):
        reader.found.add("double_encoded")
    return reader.found


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, list))
    except (ValueError, RecursionError):
        return False
