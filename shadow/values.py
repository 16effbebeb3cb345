"""Durations and sizes as people write them: `2m`, `500ms`, `25MiB`, or a plain number of seconds or bytes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)")


def _read(written: object, units: dict[str, float] | dict[str, int], example: str) -> object:
    if isinstance(written, bool):
        raise ValueError(f"expected {example}, not true or false")
    if not isinstance(written, str):
        return written
    match = _WRITTEN.fullmatch(written.strip())
    if match is None or match[2] not in units:
        raise ValueError(f"expected {example} (units: {', '.join(units)})")
    return float(match[1]) * units[match[2]]


def seconds(written: object) -> object:
    """`"2m"` → 120.0; numbers pass unchanged. Raises ValueError with an example of what is accepted."""
    return _read(written, _SECONDS, 'a duration such as "500ms", "10s", "2m" or a number of seconds')


def size_in_bytes(written: object) -> object:
    """`"25MiB"` → 26214400; numbers pass unchanged. Raises ValueError with an example of what is accepted."""
    value = _read(written, _BYTES, 'a size such as "64KiB", "25MiB" or a number of bytes')
    return int(value) if isinstance(value, float) else value


Duration = Annotated[
    float, BeforeValidator(seconds, json_schema_input_type=float | str), Field(gt=0, allow_inf_nan=False)
]
Size = Annotated[int, BeforeValidator(size_in_bytes, json_schema_input_type=int | str), Field(gt=0)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
