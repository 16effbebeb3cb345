"""What a table of the sample is: its name, its columns, and a stream of its rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

Row = tuple[object, ...]


@dataclass(frozen=True)
class Json:
    """A JSON value, to tell JSON null from SQL NULL."""

    value: object


@dataclass(frozen=True)
class Table:
    """One table: the same ids and columns on both sides; *green* turns Node's row into Django's where they differ."""

    name: str
    columns: tuple[str, ...]
    rows: Callable[[int], Iterator[Row]]
    serial: bool = True
    green: Callable[[Row], Row] | None = None


_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def _field(value: object) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, Json):
        return json.dumps(value.value, ensure_ascii=False).translate(_ESCAPES)
    if isinstance(value, datetime):
        # Without a zone: TIMESTAMP takes it as it stands, TIMESTAMPTZ in the session's zone, which is UTC.
        return value.isoformat(" ")
    return str(value).translate(_ESCAPES)


def copy_text(rows: Iterable[Row]) -> bytes:
    """Rows in PostgreSQL's COPY text format."""
    return "".join("\t".join(map(_field, row)) + "\n" for row in rows).encode()
