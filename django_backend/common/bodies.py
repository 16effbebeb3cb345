"""What must be in a body: required fields, lists of ids, lists of objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from common.exceptions import InvalidInput
from common.inputs import Reader, read, whole_number


def lacking(value: Any) -> bool:
    """Whether JavaScript would take `value` for false; such a value is as good as not there."""
    return not value and not isinstance(value, list | dict)


def require(given: Mapping[str, Any], names: Iterable[str], message: str) -> None:
    """Refuse a body that lacks one of `names`, in the words that the frontend knows."""
    missing = [name for name in names if lacking(given.get(name))]
    if missing:
        raise InvalidInput(message, {"missing": missing})


def id_list(given: Any, name: str) -> list[int]:
    """The ids in a list. NULL among them meets no row, in SQL as here."""
    if not isinstance(given, list):
        raise InvalidInput(f"{name} is required")
    return [one for one in _each_id(given, name) if one is not None]


def complete_id_list(given: Any, name: str) -> list[int]:
    """The ids in a list, none of which may be NULL: each is to become a row."""
    found = id_list(given, name)
    if len(found) < len(given):
        raise InvalidInput(f"{name} must be integers", {name: ["must be an integer"]})
    return found


def objects(given: Any, name: str, readers: Mapping[str, Reader]) -> list[dict[str, Any]]:
    """The objects in a list, each read by `readers`; the first bad one is named by its place, counted from 1."""
    if not isinstance(given, list):
        raise InvalidInput(f"{name} is required")
    return [_object(number, one, name, readers) for number, one in enumerate(given, start=1)]


def _each_id(given: list[Any], name: str) -> list[int | None]:
    try:
        return [None if one is None else whole_number(one) for one in given]
    except ValueError as mistake:
        raise InvalidInput(f"{name} must be integers", {name: [str(mistake)]}) from mistake


def _object(number: int, given: Any, name: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidInput(f"{name} must be objects", {"number": number})
    try:
        # What is not sent is NULL, which some readers refuse.
        return read({**dict.fromkeys(readers), **given}, readers)
    except InvalidInput as mistake:
        raise InvalidInput(mistake.message, {"number": number, "fields": mistake.details}) from mistake
