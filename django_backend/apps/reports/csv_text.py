"""Writes lines as a CSV text: CRLF, quotes where they are needed, numbers as JavaScript prints them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from common.inputs import text

NEEDS_QUOTES = re.compile(r'[",\r\n]')


def csv_bytes(lines: Iterable[Iterable[Any]]) -> bytes:
    """The text of `lines`, in UTF-8."""
    return "".join(f"{','.join(map(_cell, line))}\r\n" for line in lines).encode()


def cell_text(value: Any) -> str:
    """What stands in a cell."""
    return text(value) or ""


def _cell(value: Any) -> str:
    written = cell_text(value)
    return '"' + written.replace('"', '""') + '"' if NEEDS_QUOTES.search(written) else written
