"""Says when the weight goes home, and why, in plain words. It looks at numbers only, and does nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from proxy.config import GuardRule
from proxy.release import weights
from proxy.release.changes import Change, exposed
from proxy.release.readings import Counts, Readings, Window
from proxy.release.wilson import CONFIDENCE, Interval, wilson
from proxy.state import ControlState, GuardState, Phase

STALE_AFTER = 10  # seconds without any edge's report; then the counts say nothing about now


class Action(StrEnum):
    """What is to be done, from the mildest to the gravest."""

    HOLD = "hold"  # nothing is wrong, or there is nothing to guard
    WAIT = "wait"  # inconclusive: too little is known to say anything
    NOTIFY = "notify"
    ROLL_BACK = "roll_back"  # every share of the standby goes to zero
    HALT = "halt"  # home is no better: a person must decide


_GRAVITY = list(Action)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the guard says at one look."""

    action: Action
    rule: str  # "none" where no rule had a say
    reason: str
    evidence: Mapping[str, object] = field(default_factory=dict)


def judge(
    rules: Sequence[GuardRule],
    readings: Readings | None,
    state: ControlState,
    health: Mapping[str, bool | None],
    now: float,
) -> Verdict:
    """The gravest of what the rules say. Without readings (None: they cannot be had) nothing is done."""
    idle = _nothing_to_guard(rules, state)
    if idle:
        return Verdict(Action.HOLD, "none", idle)
    missing = _missing(readings, now)
    if readings is None or missing:
        return Verdict(Action.WAIT, "none", missing)
    verdicts = [_look(rule, readings, state, health) for rule in rules]
    return max(verdicts, key=lambda verdict: _GRAVITY.index(verdict.action))


def consequence(state: ControlState, verdict: Verdict) -> Change | None:
    """The change that carries the verdict out; none of them ever raises a weight."""
    if verdict.action is Action.ROLL_BACK:
        return weights.home(state, verdict.reason)
    if verdict.action is Action.HALT:
        return weights.halt(state, verdict.reason)
    return None


def _nothing_to_guard(rules: Sequence[GuardRule], state: ControlState) -> str:
    if state.guard in (GuardState.OFF, GuardState.FROZEN):
        return f"the guard is {state.guard}"
    if state.guard is GuardState.LATCHED:
        return f"the guard has acted and waits to be armed again: {state.guard_reason}"
    if not rules:
        return "the guard has no rules"
    if state.phase is Phase.HALTED:
        return "the release is halted: a person decides"
    if not exposed(state):
        return "the standby answers nobody by weight: there is nothing to take home"
    return ""


def _missing(readings: Readings | None, now: float) -> str:
    if readings is None:
        return "there are no readings: nothing is known, so nothing is done"
    if readings.newest is None:
        return "no edge has reported anything: nothing is known, so nothing is done"
    silent = int(now) - readings.newest
    return f"no edge has reported for {silent} s: nothing is known, so nothing is done" if silent > STALE_AFTER else ""


def _look(rule: GuardRule, readings: Readings, state: ControlState, health: Mapping[str, bool | None]) -> Verdict:
    window = readings.window(state.standby, rule.window, rule.max_window, rule.samples, state.guard_since)
    counts, interval = window.counts, wilson(window.counts.failed, window.counts.requests)
    named, told = f"{rule.metric}>{rule.above:g}", _told(state, window)
    evidence = _evidence(rule, readings, state, window, interval)
    if counts.requests < rule.samples:
        lacking = f"{told}; {rule.samples - counts.requests} more requests are needed to judge it"
        return Verdict(Action.WAIT, named, lacking, evidence)
    if interval.low <= rule.above:
        return Verdict(Action.HOLD, named, f"{told}; that is not surely above {_percent(rule.above)}", evidence)
    breach = f"{told}; that is above {_percent(rule.above)} beyond doubt (at least {_percent(interval.low)})"
    if rule.action == "notify":
        return Verdict(Action.NOTIFY, named, breach, evidence)
    action, reason = _way_out(state, readings, window, interval, health)
    return Verdict(action, named, f"{breach}; {reason}", evidence)


def _way_out(
    state: ControlState, readings: Readings, window: Window, interval: Interval, health: Mapping[str, bool | None]
) -> tuple[Action, str]:
    """Home, unless home is no better."""
    healthy = health.get(state.active)
    if healthy is None:
        return Action.WAIT, f"but the health of {state.active} is not known yet"
    if not healthy:
        return Action.HALT, f"but {state.active} fails its own health check: nowhere better to go, call a person"
    at_home = readings.window(state.active, window.seconds, window.seconds, 0, state.guard_since).counts
    if wilson(at_home.failed, at_home.requests).low > interval.high:
        return Action.HALT, f"but {state.active} fails even more ({_ratio(at_home)}): call a person"
    return Action.ROLL_BACK, f"all reads go back to {state.active}"


def _told(state: ControlState, window: Window) -> str:
    if not window.counts.requests:
        return f"{state.standby} has answered nothing lately"
    return f"{state.standby} failed {_ratio(window.counts)} in {window.seconds} s"


def _ratio(counts: Counts) -> str:
    share = f" ({_percent(counts.failed / counts.requests)})" if counts.requests else ""
    return f"{counts.failed} of {counts.requests} requests{share}"


def _percent(rate: float) -> str:
    return f"{rate * 100:.3g} %"


def _evidence(
    rule: GuardRule, readings: Readings, state: ControlState, window: Window, interval: Interval
) -> dict[str, object]:
    at_home = readings.window(state.active, window.seconds, window.seconds, 0, state.guard_since).counts
    return {
        "metric": rule.metric,
        "above": rule.above,
        "backend": state.standby,
        "requests": window.counts.requests,
        "failed": window.counts.failed,
        "samples_needed": rule.samples,
        "interval": [round(interval.low, 4), round(interval.high, 4)],
        "confidence": CONFIDENCE,
        "window_seconds": window.seconds,
        "seconds_reported": window.reported,
        "active": {"backend": state.active, "requests": at_home.requests, "failed": at_home.failed},
    }
