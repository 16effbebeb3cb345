"""Says in words how two values of a column differ, so that a person sees the cause and not two long texts."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from unicodedata import normalize

from migration.mapping import Column

SHOWN = 200
_DAY = timedelta(days=1)


def shown(value: str | None, column: Column) -> str | None:
    """A value as a report may show it."""
    if value is None:
        return "NULL"
    if column.secret:
        return f"(secret, {len(value)} characters)"
    return value if len(value) <= SHOWN else f"{value[:SHOWN]}… ({len(value)} characters)"


def difference(column: Column, source: str | None, target: str | None) -> tuple[str, str]:
    """A short name for the difference, and a sentence. Both values are canonical texts, None is SQL NULL."""
    if source is None or target is None:
        return _about_null(source, target)
    kind = column.kind.name
    if kind in ("timestamp", "date"):
        return _about_time(source, target)
    if kind == "numeric":
        return _about_number(source, target)
    if kind in ("json", "jsonb"):
        return _about_json(source, target)
    if kind == "password":
        return _about_password(source, target)
    return _about_text(source, target)


def _about_null(source: str | None, target: str | None) -> tuple[str, str]:
    if "null" in (source, target):
        was, is_ = ("JSON null", "SQL NULL") if source == "null" else ("SQL NULL", "JSON null")
        return "json_null", f"{was} became {is_}"
    if "" in (source, target):
        was, is_ = ("the empty text", "NULL") if source == "" else ("NULL", "the empty text")
        return "null", f"{was} became {is_}"
    return ("null", "the value was lost") if target is None else ("null", "a value where there was none")


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _about_time(source: str, target: str) -> tuple[str, str]:
    was, is_ = _instant(source), _instant(target)
    if was is None or is_ is None:
        return "changed", "another time"
    if was.replace(microsecond=is_.microsecond) == is_ and was.microsecond != is_.microsecond:
        return _about_fraction(was, is_)
    off = is_ - was
    if off % timedelta(minutes=15) == timedelta(0) and abs(off) <= _DAY:
        if abs(off) == _DAY:
            return "day", "another day"
        return "zone", f"off by exactly {off / timedelta(hours=1):+g} h, as by a time zone"
    return "changed", f"off by {off.total_seconds():+.6f} s"


def _about_fraction(was: datetime, is_: datetime) -> tuple[str, str]:
    for unit, step in (("seconds", 1_000_000), ("milliseconds", 1_000)):
        if was.microsecond // step * step == is_.microsecond:
            return "truncated", f"cut to {unit}"
    return "changed", f"off by {is_.microsecond - was.microsecond:+d} µs"


def _about_number(source: str, target: str) -> tuple[str, str]:
    try:
        was, is_ = Decimal(source), Decimal(target)
    except InvalidOperation:
        return "changed", "another number"
    if was == is_:
        return "scale", "the same number with another number of decimals"
    # As PostgreSQL rounds.
    if was.is_finite() and is_.is_finite() and was.quantize(is_, ROUND_HALF_UP) == is_:
        return "rounded", f"rounded to {len(target.partition('.')[2])} decimals"
    return "changed", "another number"


def _about_json(source: str, target: str) -> tuple[str, str]:
    was, is_ = json.loads(source), json.loads(target)
    for outer, inner, says in ((is_, was, "encoded twice"), (was, is_, "decoded once too often")):
        if isinstance(outer, str) and not isinstance(inner, str) and _parsed(outer) == inner:
            return "double_encoded", says
    return "changed", "another JSON value"


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _about_password(source: str, target: str) -> tuple[str, str]:
    for prefix in ("bcrypt$", "bcrypt_sha256$", "!", ""):
        if target == prefix + source.removeprefix("bcrypt$").removeprefix("!"):
            return "prefix", f"the prefix is {prefix or 'missing'!s}"
    return "changed", "another hash"


def _about_text(source: str, target: str) -> tuple[str, str]:
    if source.strip() == target.strip():
        return "space", "white space at the ends was lost or added"
    if normalize("NFC", source) == normalize("NFC", target):
        return "normalisation", "the same letters, composed of other characters"
    if source.casefold() == target.casefold():
        return "case", "upper and lower case differ"
    if source.startswith(target):
        return "truncated", f"cut to {len(target)} of {len(source)} characters"
    if _mojibake(source) == target:
        return "encoding", "UTF-8 was read as Latin-1"
    return "changed", "another value"


def _mojibake(text: str) -> str:
    return text.encode().decode("latin-1")
