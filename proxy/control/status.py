"""One page about everything that matters now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from proxy import metrics
from proxy.config import Config
from proxy.control import findings
from proxy.control.journal import JournalView
from proxy.health import HealthProbe
from proxy.release.effective import effective_weights, total
from proxy.release.guard import Action
from proxy.state import ControlState, GuardState
from proxy.store import EdgeSeen, Judgement, Store
from proxy.version import version
from shadow.compare.reports import Reports

FRESH = 15.0  # seconds; an older judgement says nothing about now


async def status(
    config: Config, store: Store, probe: HealthProbe, reports: Reports | None, journal: JournalView | None
) -> dict[str, Any]:
    """The answer of GET /api/status. Raises StoreUnavailable."""
    state, edges, judgement = await store.load(), await store.edges(), await store.judgement()
    return {
        "version": version(),
        "data": config.data,
        "state": told(state),
        "effective": _effective(state, edges),
        "health": {name: _health(probe, name) for name in config.names},
        "guard": _guard(config, state, judgement),
        "edges": [_edge(edge, state) for edge in edges],
        "mirror": await findings.summary(reports),
        "journal": await journal.summary(state) if journal else {"available": False, "reason": "it is not looked at"},
    }


def told(state: ControlState) -> dict[str, Any]:
    """The control state for JSON."""
    return {
        "version": state.version,
        "epoch": state.epoch,
        "phase": state.phase.value,
        "active": state.active,
        "standby": state.standby,
        "share": state.share,
        "weights": state.weights,
        "route_shares": dict(state.route_shares),
        "pins": len(state.pins),
        "guard": state.guard.value,
        "guard_reason": state.guard_reason,
    }


def publish(state: ControlState, edges: Sequence[EdgeSeen]) -> None:
    """Show the state to Prometheus."""
    metrics.EPOCH.set(state.epoch)
    weights = _effective(state, edges)["weights"] or {}
    for name, weight in state.weights.items():
        metrics.WEIGHT.labels(name).set(weight)
        metrics.ACTIVE.labels(name).set(1 if name == state.active else 0)
        metrics.EFFECTIVE_WEIGHT.labels(name).set(weights.get(name, weight))


def _effective(state: ControlState, edges: Sequence[EdgeSeen]) -> dict[str, Any]:
    answered = total(edge.beat.answered for edge in edges if edge.alive)
    return {
        "seconds": 60,
        "reads": sum(answered.values()),
        "weights": effective_weights(answered, state.weights),
        "held_home": total(edge.beat.held for edge in edges if edge.alive),
    }


def _health(probe: HealthProbe, name: str) -> dict[str, Any]:
    health = probe.status(name)
    return {"healthy": health.healthy, "reason": health.reason, "since": _time(health.since)}


def _guard(config: Config, state: ControlState, judgement: Judgement | None) -> dict[str, Any]:
    shown = state.guard if config.guard.enabled else GuardState.OFF
    fresh = judgement is not None and judgement.age <= FRESH
    if shown is GuardState.ARMED and fresh and judgement and judgement.action == Action.WAIT:
        shown = GuardState.INCONCLUSIVE
    return {
        "state": shown.value,
        "reason": state.guard_reason,
        "since": _time(state.guard_since) if state.guard_since else None,
        "looking": fresh,
        "last": judgement and _judgement(judgement),
    }


def _judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "action": judgement.action,
        "rule": judgement.rule,
        "reason": judgement.reason,
        "evidence": dict(judgement.evidence),
        "seconds_ago": round(judgement.age, 1),
        "by": judgement.who,
    }


def _edge(edge: EdgeSeen, state: ControlState) -> dict[str, Any]:
    return {
        "id": edge.beat.edge,
        "alive": edge.alive,
        "agrees": edge.beat.version == state.version,
        "version": edge.beat.version,
        "seconds_ago": round(edge.age, 1),
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
