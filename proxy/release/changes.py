"""What a change makes of the state, and how it is told: the same answer for a dry run and for the real thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from proxy.state import ControlState, GuardState, Phase

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """What to set; what is None stays as it is."""

    phase: Phase | None = None
    share: float | None = None
    route_shares: Mapping[str, float] | None = None  # all of them, not an addition
    pins: Mapping[str, str] | None = None  # all of them, not an addition
    guard: GuardState | None = None
    guard_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Why a change is made, for the history."""

    kind: str
    why: str
    who: str
    evidence: Mapping[str, object] = field(default_factory=dict)


def exposed(state: ControlState) -> bool:
    """Whether the standby answers anybody by weight."""
    return state.share > 0 or any(share > 0 for share in state.route_shares.values())


def applied(state: ControlState, change: Change, now: float) -> ControlState:
    """The state after the change. The guard's memory starts anew when it is armed and with the first share."""
    after = replace(
        state,
        version=state.version + 1,
        phase=change.phase or state.phase,
        share=state.share if change.share is None else change.share,
        route_shares=_kept(state.route_shares, change.route_shares),
        pins=_kept(state.pins, change.pins),
        guard=change.guard or state.guard,
        guard_reason=state.guard_reason if change.guard_reason is None else change.guard_reason,
    )
    rearmed = change.guard is GuardState.ARMED
    return replace(after, guard_since=now) if rearmed or (exposed(after) and not exposed(state)) else after


def difference(before: ControlState, after: ControlState) -> tuple[dict[str, object], dict[str, object]]:
    """What was and what became of everything that differs, by name, ready for JSON."""
    was, became = _told(before), _told(after)
    for name in ("route_shares", "pins"):
        was[name], became[name] = _differing(getattr(before, name), getattr(after, name))
    changed = [name for name in was if was[name] != became[name]]
    return {name: was[name] for name in changed}, {name: became[name] for name in changed}


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Of many pins, only the few that a change is about; None stands for none."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return {key: old.get(key) for key in keys}, {key: new.get(key) for key in keys}


def _kept(old: Mapping[str, T], new: Mapping[str, T] | None) -> Mapping[str, T]:
    return old if new is None else MappingProxyType(dict(new))


def _told(state: ControlState) -> dict[str, object]:
    return {
        "epoch": state.epoch,
        "active": state.active,
        "phase": state.phase.value,
        "share": state.share,
        "guard": state.guard.value,
    }
