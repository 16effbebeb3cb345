"""How far a true rate may lie from the one that was counted."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

CONFIDENCE = 0.99
_Z = 2.5758293035489004  # the normal distribution's two-sided 99 %


class Interval(NamedTuple):
    """Both ends are between 0 and 1."""

    low: float
    high: float


def wilson(failed: int, requests: int) -> Interval:
    """Wilson's 99 % interval of the true rate behind `failed` of `requests`; of nothing, everything is possible.

    Unlike a plain ratio it does not call one failure in one request a rate of 100 %.
    """
    if requests <= 0:
        return Interval(0.0, 1.0)
    rate, spread = failed / requests, _Z * _Z / requests
    middle = (rate + spread / 2) / (1 + spread)
    half = _Z * sqrt(rate * (1 - rate) / requests + spread / (4 * requests)) / (1 + spread)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))
