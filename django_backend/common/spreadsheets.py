"""Reads a spreadsheet that arrives as a CSV text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from common.exceptions import InvalidInput
from common.inputs import Reader, read

# A cell may hold a picture as a `data:` URL.
csv.field_size_limit(16 * 1024 * 1024)


def spreadsheet_rows(content: bytes, readers: Mapping[str, Reader]) -> list[dict[str, Any]]:
    """The rows of a CSV text under its header of column names. Empty cells and lines, and other columns, are left out.

    Bytes that are not UTF-8 are replaced, as Node does.
    """
    lines = csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"), newline=""))
    try:
        names = [name.strip() for name in next(lines, [])]
        return [_row(number, dict(zip(names, line, strict=False)), readers) for number, line in _filled(lines)]
    except csv.Error as mistake:
        raise InvalidInput("The file is not a CSV text", {"line": lines.line_num}) from mistake


def _filled(lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    filled = (line for line in lines if any(line))
    return enumerate(filled, start=1)


def _row(number: int, cells: dict[str, str], readers: Mapping[str, Reader]) -> dict[str, Any]:
    try:
        return read({name: cell for name, cell in cells.items() if cell}, readers)
    except InvalidInput as mistake:
        raise InvalidInput(f"Row {number} has invalid values", {"row": number, "columns": mistake.details}) from mistake
