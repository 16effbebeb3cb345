"""The release as every process sees it at one moment: who is active, who gets which share of the reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Phase(StrEnum):
    """Where the release stands (design.md section 7)."""

    RESTING = "resting"  # the active backend answers everything, nothing is copied
    SHADOWING = "shadowing"  # the standby gets copies, nobody sees its answers
    RAMPING = "ramping"  # the standby answers a share of the reads
    WATCHING = "watching"  # just flipped: the old backend is now the standby
    COMPLETE = "complete"
    HALTED = "halted"  # both look unwell: only a person moves on from here


class GuardState(StrEnum):
    """What the guard may do (design.md section 7)."""

    OFF = "off"
    ARMED = "armed"
    INCONCLUSIVE = "inconclusive"  # too few samples to say anything
    LATCHED = "latched"  # it acted once; a person re-arms it
    FROZEN = "frozen"


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ControlState:
    """One consistent reading of the control rows. `version` grows with every change."""

    version: int
    epoch: int
    active: str
    standby: str
    phase: Phase
    share: float = 0.0  # percent of clients whose reads the standby answers
    route_shares: Mapping[str, float] = field(default_factory=_empty)  # the same for one route, by its name
    pins: Mapping[str, str] = field(default_factory=_empty)  # client key → name of a backend
    guard: GuardState = GuardState.ARMED
    guard_reason: str = ""
    guard_since: float = 0.0  # Unix time of the last arming or of the first share: the guard judges nothing older

    @property
    def weights(self) -> dict[str, float]:
        """Percent of the clients' reads by name of the backend; the two add up to 100."""
        return {self.active: 100.0 - self.share, self.standby: self.share}
