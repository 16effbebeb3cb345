"""Counting answers: by class, by operation, with latencies in buckets 5 % wide, in memory that does not grow."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

STEP = math.log(1.05)
FLOOR = 0.0001
RECENT = 200
CLASSES = ("1xx", "frame", "2xx", "3xx", "4xx", "5xx", "network", "timeout", "dropped")


class Latencies:
    """A histogram of seconds."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self._buckets[max(0, math.ceil(math.log(max(seconds, FLOOR) / FLOOR) / STEP))] += 1
        self.count += 1
        self.longest = max(self.longest, seconds)

    def percentile(self, share: float) -> float:
        """The latency that *share* (0..1) of the answers stayed within, in seconds; 0 without answers."""
        wanted, seen = share * self.count, 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(FLOOR * math.exp(bucket * STEP), self.longest)
        return 0.0

    def summary(self) -> dict[str, float]:
        """What a table shows, in milliseconds."""
        names = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        return {name: round(self.percentile(p) * 1000, 1) for name, p in names} | {"max": round(self.longest * 1000, 1)}


@dataclass
class Line:
    """The counts of one operation."""

    classes: Counter[str] = field(default_factory=Counter)
    unexpected: int = 0
    latencies: Latencies = field(default_factory=Latencies)


@dataclass(frozen=True)
class Surprise:
    """An answer of the wrong kind, or none at all."""

    when: float
    operation: str
    what: str


class Tally:
    """Everything that was counted."""

    def __init__(self) -> None:
        self.total = Line()
        self.operations: dict[str, Line] = {}
        self.surprises: deque[Surprise] = deque(maxlen=RECENT)
        self.started = time.monotonic()

    def count(self, operation: str, kind: str, seconds: float, surprise: str | None) -> None:
        """Count one outcome; *surprise* says what was wrong with it, if anything."""
        for line in (self.total, self.operations.setdefault(operation, Line())):
            line.classes[kind] += 1
            line.latencies.add(seconds)
            line.unexpected += surprise is not None
        if surprise is not None:
            self.surprises.append(Surprise(time.time(), operation, surprise))

    def complain(self, operation: str, what: str) -> None:
        """An answer that was counted as good turned out to be of no use."""
        for line in (self.total, self.operations.setdefault(operation, Line())):
            line.unexpected += 1
        self.surprises.append(Surprise(time.time(), operation, what))

    def snapshot(self) -> dict[str, Any]:
        """All counts as plain data; two of them may be subtracted field by field."""
        return {
            "seconds": round(time.monotonic() - self.started, 3),
            "sent": self.total.classes.total(),
            "unexpected": self.total.unexpected,
            "classes": {name: self.total.classes[name] for name in CLASSES},
            "latency_ms": self.total.latencies.summary(),
            "operations": {
                name: {
                    "classes": dict(line.classes),
                    "unexpected": line.unexpected,
                    "latency_ms": line.latencies.summary(),
                }
                for name, line in sorted(self.operations.items())
            },
        }
