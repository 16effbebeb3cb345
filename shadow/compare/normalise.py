"""What two values must have in common where a rule allows them to be written differently."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson

from shadow.compare.rules import Place

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:?[0-9]{2}))?"
)
_DIGITS = {"s": 0, "ms": 3, "us": 6}
Instant = tuple[datetime, int]


def is_number(value: object) -> bool:
    """Whether a JSON value is a number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_one_number(one: Any, other: Any) -> bool:
    """Whether two JSON numbers are one. As soon as one of them is written as a double, both are read as doubles."""
    return bool(one == other if type(one) is type(other) else float(one) == float(other))


def number_of(value: object) -> Decimal | None:
    """The number that a value is, or spells as JSON would; None for everything else."""
    if is_number(value):
        number = Decimal(repr(value))
        return number if number.is_finite() else None
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def same_number(one: object, other: object) -> bool:
    """Whether one is a number and the other a string that spells the same number. Two strings are never the same."""
    if is_number(one) == is_number(other):
        return False
    number = number_of(one)
    return number is not None and number == number_of(other)


def instant_of(value: object, precision: str) -> Instant | None:
    """The moment that an ISO 8601 text names: its second in UTC, and the fraction cut to the precision.

    A date alone is its midnight in UTC. A time without a zone names no moment.
    """
    written = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        return None
    day, hour, minute, second, fraction, zone = written.groups()
    try:
        midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), _zone(zone))
        clock = timedelta(hours=int(hour or 0), minutes=int(minute or 0), seconds=int(second or 0))
        moment = (midnight + clock).astimezone(UTC)
    except (ValueError, OverflowError):  # 2024-02-30, or a moment before year 1: no date, so no instant
        return None
    if hour is not None and (int(hour) > 23 or int(minute) > 59 or int(second) > 59):
        return None
    digits = _DIGITS[precision]
    return moment, int((fraction or "").ljust(9, "0")[:digits] or 0)


def _zone(written: str | None) -> timezone:
    if written in (None, "Z"):
        return UTC
    sign = -1 if written[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(written[1:3]), minutes=int(written[-2:])))


def same_instant(one: object, other: object, precision: str) -> bool:
    """Whether both texts name the same moment, finer digits than the precision cut off."""
    moment = instant_of(one, precision)
    return moment is not None and moment == instant_of(other, precision)


def canonical(value: Any, place: Place) -> Any:
    """A value in the one form that all its allowed spellings share; for lining up lists, not for judging."""
    if place.ignored:
        return None
    if isinstance(value, dict):
        fields = {name: canonical(inner, place.field(name)) for name, inner in value.items()}
        return {name: inner for name, inner in fields.items() if inner is not None or not _drops(place.field(name))}
    if isinstance(value, list):
        items = [canonical(inner, place.item()) for inner in value]
        return sorted(items, key=key_text) if place.unordered else items
    return _scalar(value, place)


def _drops(place: Place) -> bool:
    return place.null is not None or place.ignored is not None


def _scalar(value: Any, place: Place) -> Any:
    if place.instant and (moment := instant_of(value, place.instant.precision)):
        return f"{moment[0].isoformat()}.{moment[1]}"
    number = number_of(value) if place.numeric or is_number(value) else None
    if number is None:
        return value
    return int(number) if number == number.to_integral_value() and abs(number) < 2**63 else float(number)


def key_text(value: Any) -> bytes:
    """A value as bytes that are equal exactly when two canonical values are."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
