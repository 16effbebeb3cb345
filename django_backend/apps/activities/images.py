"""The images of an activity: URLs in a JSON array that is kept as a text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from common.exceptions import InvalidInput
from common.inputs import storable
from common.json import dumps


def image_list(value: Any) -> str | None:
    """A list of URLs as the column holds it, or NULL."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(url, str) for url in value):
        raise ValueError("must be a list of URLs")
    return images_text([storable(url) for url in value])


def images_text(urls: Sequence[str]) -> str:
    """URLs as the column holds them."""
    return dumps(list(urls)).decode()


def images_stored(column: str | None) -> list[Any]:
    """What the column holds; nothing was ever checked there, and what is no list cannot be added to."""
    try:
        found = json.loads(column or "[]")
    except ValueError as mistake:
        raise InvalidInput("The stored images are not a list") from mistake
    if not isinstance(found, list):
        raise InvalidInput("The stored images are not a list")
    return found
