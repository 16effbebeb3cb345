"""Remembers what writes were answered, to find out afterwards whether one of them was lost."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ARCHIVE_AT = 64


@dataclass(frozen=True)
class Write:
    """One write to one target. Without an answer it may land at any time (*ended* is infinite)."""

    value: Any
    started: float
    ended: float
    acknowledged: bool


class Acknowledged:
    """The writes of every target, each with a value of its own."""

    def __init__(self) -> None:
        self._writes: defaultdict[str, list[Write]] = defaultdict(list)
        self.count = 0

    def record(self, target: str, value: Any, started: float, ended: float, *, acknowledged: bool) -> None:
        """Note a write's outcome; refused ones (4xx) are not to be recorded at all."""
        self.count += acknowledged
        writes = self._writes[target]
        writes.append(Write(value, started, ended if acknowledged else math.inf, acknowledged))
        if len(writes) >= ARCHIVE_AT:
            self._writes[target] = self._still_possible(writes)

    @staticmethod
    def _still_possible(writes: Iterable[Write]) -> list[Write]:
        """Those that may be the last one: no acknowledged write began after they had ended."""
        writes = list(writes)
        newest = max((write.started for write in writes if write.acknowledged), default=-math.inf)
        return [write for write in writes if write.ended >= newest]

    def targets(self) -> list[str]:
        """What was written to."""
        return sorted(self._writes)

    def lost(self, stored: Mapping[str, Any]) -> list[str]:
        """For every target whose stored value cannot be explained by its writes: one line saying so."""
        complaints = []
        for target in self.targets():
            possible = {write.value for write in self._still_possible(self._writes[target])}
            certain = any(write.acknowledged for write in self._writes[target])
            held = stored.get(target)
            if certain and held not in possible:
                complaints.append(f"{target} holds {held!r}, acknowledged last: {sorted(map(str, possible))}")
        return complaints
