"""Whether a backend can be asked right now: what the requests themselves showed, beside the health probe.

A standby that refuses connections or hangs must not cost every read its time-out, so after a few failures in a row
reads stay home; one request at a time tries again (design.md section 3: the shadow can never hurt the client).
"""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 3  # in a row
PAUSE = 2.0  # seconds until one request tries again


@dataclass(slots=True)
class Availability:
    """What is known of one backend. Times are those of the event loop, passed in."""

    healthy: bool | None = None  # the health probe's word; None: not probed yet
    _failures: int = 0
    _closed_until: float = 0.0

    def down(self, now: float) -> str | None:
        """Why the backend should not be asked now, or None. Asking after the pause admits one trial at a time."""
        if self.healthy is False:
            return "its health check fails"
        if self._failures < FAILURES:
            return None
        if now < self._closed_until:
            return "it did not answer the last requests"
        self._closed_until = now + PAUSE
        return None

    def answered(self) -> None:
        """It gave an answer, whatever its status."""
        self._failures = 0

    def failed(self, now: float) -> None:
        """It gave none."""
        self._failures += 1
        self._closed_until = now + PAUSE
