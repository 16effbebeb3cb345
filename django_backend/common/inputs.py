"""Turns what clients send into what the columns hold, as the legacy backend and its database do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from common.exceptions import InvalidInput

Reader = Callable[[Any], Any]

WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
HUNDREDTH = Decimal("0.01")
SMALLEST_INTEGER, LARGEST_INTEGER = -(2**31), 2**31 - 1
# JavaScript writes an exponent beyond these.
WRITTEN_OUT_FROM, WRITTEN_OUT_TO = 1e-6, 1e21
LARGEST_WHOLE_DOUBLE = 2**53
# What a frontend sends is flat; JSON that is nested without end would exhaust whoever reads it.
DEEPEST = 100
DAY_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y")


def read(given: Mapping[str, Any], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The entries of `given` that have a reader, each read by it. All mistakes are reported together, by name."""
    found: dict[str, Any] = {}
    mistakes: dict[str, list[str]] = {}
    for name in (name for name in readers if name in given):
        try:
            found[name] = readers[name](given[name])
        except ValueError as mistake:
            mistakes[name] = [str(mistake)]
    if mistakes:
        raise InvalidInput(details=mistakes)
    return found


def text(value: Any) -> str | None:
    """A text, or NULL. Numbers and booleans become the text that JavaScript makes of them."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return storable(value)


def filled_text(value: Any) -> str | None:
    """A text, or NULL for all that JavaScript takes for false: an empty one is as good as none."""
    return text(value or None)


def present_text(value: Any) -> str:
    """A text that may be empty, but not NULL."""
    found = text(value)
    if found is None:
        raise ValueError("must not be null")
    return found


def storable(value: str) -> str:
    """`value` as PostgreSQL can hold it: no NUL; half a surrogate pair is replaced, as Node does when it sends it."""
    if "\0" in value:
        raise ValueError("must not contain a NUL character")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def flag(value: Any) -> bool | None:
    """A boolean, or NULL; the words that PostgreSQL takes for one count as well."""
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word and ("true".startswith(word) or "yes".startswith(word) or word in {"on", "1"}):
        return True
    if word and ("false".startswith(word) or "no".startswith(word) or word in {"off", "of", "0"}):
        return False
    raise ValueError("must be true or false")


def day(value: Any) -> date | None:
    """A date, or NULL. Of an instant, which is how Node prints a date, the day it reads as."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("must be a date")
    written, _, _ = value.strip().partition("T")
    for form in DAY_FORMATS:
        try:
            return datetime.strptime(written, form).date()
        except ValueError:
            continue
    raise ValueError("must be a date, YYYY-MM-DD")


def whole_number(value: Any) -> int:
    """An integer as the tables hold ids: a number or its digits, of 32 bits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not WHOLE_NUMBER.fullmatch(str(value).strip()):
        raise ValueError("must be an integer")
    number = int(value)
    if not SMALLEST_INTEGER <= number <= LARGEST_INTEGER:
        raise ValueError("is out of range")
    return number


def integer(value: Any) -> int | None:
    """The same, or NULL."""
    return None if value is None else whole_number(value)


def hundredths(value: Any) -> Decimal:
    """A NUMERIC of two decimals: a number or its digits, rounded as PostgreSQL rounds, half away from zero."""
    written = number_text(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    if not NUMBER.fullmatch(written.strip()):
        raise ValueError("must be a number")
    try:
        # Adding zero takes the sign from a zero, as the database does.
        return Decimal(written.strip()).quantize(HUNDREDTH, ROUND_HALF_UP) + 0
    except InvalidOperation:
        raise ValueError("is out of range") from None


def json_value(value: Any, depth: int = 0) -> Any:
    """Any JSON value as it can be stored and sent again: numbers as JavaScript has them, texts as PostgreSQL can."""
    if depth > DEEPEST:
        raise ValueError("is nested too deeply")
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(name): json_value(inner, depth + 1) for name, inner in value.items()}
        case list():
            return [json_value(inner, depth + 1) for inner in value]
        case int() | float() if not isinstance(value, bool):
            return _double(value)
    return value


def json_object(value: Any) -> dict[str, Any] | None:
    """A JSON object, or NULL."""
    if value is not None and not isinstance(value, dict):
        raise ValueError("must be an object")
    found: dict[str, Any] | None = json_value(value)
    return found


def _double(value: int | float) -> int | float | None:
    """A number as a double, which is an integer where it is whole; what is too large for one is null in JavaScript."""
    if isinstance(value, int) and abs(value) <= LARGEST_WHOLE_DOUBLE:
        return value
    try:
        double = float(value)
    except OverflowError:
        return None
    if not math.isfinite(double):
        return None
    return int(double) if double.is_integer() and abs(double) <= LARGEST_WHOLE_DOUBLE else double


def number_text(value: int | float) -> str:
    """`value` as JavaScript writes it: 20.0 is "20", 1e-7 is "1e-7", and digits beyond a double are lost."""
    try:
        shortest = repr(float(value))
    except OverflowError:
        raise ValueError("is out of range") from None
    size = abs(float(value))
    if size and not WRITTEN_OUT_FROM <= size < WRITTEN_OUT_TO:
        if shortest in {"inf", "-inf"}:
            raise ValueError("is out of range")
        digits, _, exponent = shortest.partition("e")
        return f"{digits.removesuffix('.0')}e{int(exponent):+d}"
    written = format(Decimal(shortest), "f")
    return written.removesuffix(".0") if size else "0"


def path_uuid(value: str) -> UUID:
    """The id in a path, where ids are UUIDs."""
    try:
        return UUID(value)
    except ValueError:
        raise InvalidInput("The id must be a UUID", {"id": ["must be a UUID"]}) from None


def path_id(value: str) -> int:
    """The id in a path. One beyond the range of the column is a row that does not exist, not a mistake."""
    if not WHOLE_NUMBER.fullmatch(value):
        raise InvalidInput("The id must be an integer", {"id": ["must be an integer"]})
    return int(value)


def possible_id(number: int) -> int:
    """The id of a path, where one that no row can have is a mistake: what is asked for is there without the row."""
    if not SMALLEST_INTEGER <= number <= LARGEST_INTEGER:
        raise InvalidInput("The id is out of range", {"id": ["is out of range"]})
    return number
