"""Does without a dependency that is gone: nobody waits for it again and again, and its going is told once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

import structlog

# How long nobody tries, after somebody has found that it is gone.
PAUSE_SECONDS = 1.0

Found = TypeVar("Found")
log = structlog.get_logger(__name__)


class Outage:
    """Whether one dependency of this process is gone, and what was done without it since the process started.

    `errors` are what its library raises when it is gone. While it is, one caller tries again after each pause, and
    everybody else is answered at once.
    """

    def __init__(
        self,
        what: str,
        errors: tuple[type[Exception], ...],
        *,
        pause: float = PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.missed: Counter[str] = Counter()
        self._what, self._errors, self._pause, self._clock = what, errors, pause, clock
        self._lock = Lock()
        self._gone = False
        self._next_try_at = float("-inf")
        self._missed_before: Counter[str] = Counter()

    def attempt(self, purpose: str, action: Callable[[], Found], otherwise: Found) -> Found:
        """What `action` finds; `otherwise`, counted under `purpose`, if the dependency is gone."""
        if not self._may_try():
            self.missed[purpose] += 1
            return otherwise
        try:
            found = action()
        except self._errors as trouble:
            self.failed(trouble)
            self.missed[purpose] += 1
            return otherwise
        self.worked()
        return found

    def failed(self, trouble: Exception) -> None:
        """Somebody found that it is gone."""
        with self._lock:
            self._next_try_at = self._clock() + self._pause
            if self._gone:
                return
            self._gone = True
            self._missed_before = self.missed.copy()
        log.warning(f"{self._what} is gone", reason=str(trouble))

    def worked(self) -> None:
        """Somebody found that it is there."""
        with self._lock:
            if not self._gone:
                return
            self._gone = False
            missed = self.missed - self._missed_before
        log.warning(f"{self._what} is back", missed=dict(missed))

    def _may_try(self) -> bool:
        with self._lock:
            now = self._clock()
            if self._gone and now < self._next_try_at:
                return False
            # The others wait for what this one finds.
            self._next_try_at = now + self._pause
            return True
