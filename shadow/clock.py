"""The two clocks of a process, as one value, so that tests can turn them."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Unix time in seconds: for what people and other machines read."""

    def monotonic(self) -> float:
        """Seconds that never go backwards: for measuring and waiting."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
