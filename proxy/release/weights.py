"""What an operator may do to the weights and the phase, and why not."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.errors import Refused
from proxy.release.changes import Change
from proxy.release.phases import Move, following
from proxy.state import ControlState, GuardState, Phase


def set_share(state: ControlState, share: float | None, route: str | None, standby_healthy: bool | None) -> Change:
    """Give the standby a share of the reads, or of one route's; None takes a route's own share away.

    Lowering is always allowed, raising only where it is known to be safe. Raises Refused.
    """
    before = state.share if route is None else state.route_shares.get(route, state.share)
    after = state.share if share is None else share
    if after > before:
        _refuse_a_raise(state, standby_healthy)
    change = _shares(state, share, route)
    move = Move.RAMP if _exposes(state, change) else Move.HOME
    if state.phase in (Phase.SHADOWING, Phase.RAMPING) and (state.phase, move) != (Phase.SHADOWING, Move.HOME):
        return Change(share=change.share, route_shares=change.route_shares, phase=following(state.phase, move))
    return change


def start(state: ControlState, empty: bool) -> Change:
    """Begin to copy and compare. Raises Refused unless the operator says that both sides start equal."""
    phase = following(state.phase, Move.START)
    if not empty:
        raise Refused(
            "the standby needs a copy of the active backend's data before its answers can be compared: "
            "`cutover migrate copy --join` makes one and starts with it; where both start equal (both empty, or copied "
            "already), say so: `cutover start --empty`"
        )
    return Change(phase=phase, share=0.0, route_shares={})


def stop(state: ControlState) -> Change:
    """Back to rest: every share goes home, nothing is copied. Raises Refused."""
    return Change(phase=following(state.phase, Move.STOP), share=0.0, route_shares={})


def rearm(state: ControlState) -> Change:
    """Let the guard act again, with an empty memory. Raises Refused if it can act anyway."""
    if state.guard is GuardState.OFF:
        raise Refused("the guard is off: set guard.enabled in the configuration")
    if state.guard is GuardState.ARMED:
        raise Refused("the guard is armed already")
    return Change(guard=GuardState.ARMED, guard_reason="")


def home(state: ControlState, reason: str) -> Change:
    """What the guard does: every share goes to zero, and it latches."""
    return Change(
        phase=following(state.phase, Move.HOME) if state.phase is Phase.RAMPING else None,
        share=0.0,
        route_shares=dict.fromkeys(state.route_shares, 0.0),
        guard=GuardState.LATCHED,
        guard_reason=reason,
    )


def halt(state: ControlState, reason: str) -> Change:
    """What the guard does where home is no better: it changes no weight, latches, and leaves the rest to a person."""
    return Change(phase=following(state.phase, Move.HALT), guard=GuardState.LATCHED, guard_reason=reason)


_NOT_IN: Mapping[Phase, str] = {
    Phase.RESTING: "nothing is compared yet: run `cutover start --empty` first",
    Phase.WATCHING: "the roles have just been swapped: the new active backend answers everything",
    Phase.COMPLETE: "the release is complete: the active backend answers everything",
    Phase.HALTED: "the release is halted: run `cutover stop`, or `cutover start --empty` to go on",
}


def _refuse_a_raise(state: ControlState, standby_healthy: bool | None) -> None:
    if state.phase in _NOT_IN:
        raise Refused(_NOT_IN[state.phase])
    if state.guard in (GuardState.LATCHED, GuardState.FROZEN):
        why = f" ({state.guard_reason})" if state.guard_reason else ""
        raise Refused(f"the guard is {state.guard}{why}: look into it, then run `cutover rearm --reason …`")
    if standby_healthy is None:
        raise Refused(f"the health of {state.standby} is not known yet: try again in a few seconds")
    if not standby_healthy:
        raise Refused(f"{state.standby} fails its health check: no weight goes there until it answers again")


def _shares(state: ControlState, share: float | None, route: str | None) -> Change:
    if route is None:
        return Change(share=share)
    shares = {name: value for name, value in state.route_shares.items() if name != route}
    return Change(route_shares=shares if share is None else {**shares, route: share})


def _exposes(state: ControlState, change: Change) -> bool:
    share = state.share if change.share is None else change.share
    shares = state.route_shares if change.route_shares is None else change.route_shares
    return share > 0 or any(value > 0 for value in shares.values())
