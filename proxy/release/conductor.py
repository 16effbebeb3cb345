"""The guard's loop: read, ask, do, record. One process at a time conducts, whoever else is running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

import structlog

from proxy.config import Config
from proxy.errors import Conflict, StoreUnavailable
from proxy.metrics import GUARD_VERDICT
from proxy.release.changes import Change, Record, applied
from proxy.release.guard import Action, Verdict, consequence, judge
from proxy.release.leadership import Leadership
from proxy.release.readings import Readings
from proxy.state import ControlState, GuardState
from proxy.store import Judgement, Store

_log = structlog.get_logger(__name__)
TRIES = 3
MARGIN = 60.0  # seconds read beyond the widest window


class ReadingsSource(Protocol):
    """Where the counts come from."""

    async def read(self, now: float, seconds: float) -> Readings:
        """The last `seconds` seconds. Raises StoreUnavailable."""
        ...


class Conductor:
    """Looks every `guard.interval` seconds. What it cannot read, it does not act on."""

    def __init__(
        self,
        config: Config,
        store: Store,
        readings: ReadingsSource,
        leadership: Leadership,
        health: Callable[[], Mapping[str, bool | None]],
        *,
        name: str,
        configuration: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._store = store
        self._readings = readings
        self._leadership = leadership
        self._health = health
        self._name = name
        self._configuration = configuration
        self._clock = clock
        self._said: tuple[str, str] = ("", "")

    async def run(self, stop: asyncio.Event) -> None:
        """Conduct until told to stop, then let another process lead."""
        while not stop.is_set():
            try:
                await self.step()
            except StoreUnavailable as error:
                self._say("unavailable", str(error), _log.error)
            try:
                await asyncio.wait_for(stop.wait(), timeout=self._config.guard.interval)
            except TimeoutError:
                continue
        await self._leadership.release()

    async def step(self) -> Verdict | None:
        """One look with what follows from it; None where another process leads. Raises StoreUnavailable."""
        if not await self._leadership.held():
            self._say("standing by", "another control process leads", _log.info)
            return None
        readings, lost = await self._read()
        for _ in range(TRIES):
            state = await self._store.load()
            verdict = self._judge(state, readings, lost)
            try:
                await self._carry_out(state, verdict, readings)
            except Conflict:
                continue  # somebody changed the state just now: ask again about the new one
            await self._note(verdict)
            return verdict
        raise StoreUnavailable(f"the state changed {TRIES} times while the guard was about to act")

    async def _read(self) -> tuple[Readings | None, str]:
        widest = max((rule.max_window for rule in self._config.guard.rules), default=0.0)
        try:
            return await self._readings.read(self._clock(), widest + MARGIN), ""
        except StoreUnavailable as error:
            return None, str(error)

    def _judge(self, state: ControlState, readings: Readings | None, lost: str) -> Verdict:
        if not self._config.guard.enabled:
            state = replace(state, guard=GuardState.OFF)
        verdict = judge(self._config.guard.rules, readings, state, self._health(), self._clock())
        return (
            replace(verdict, reason=f"{verdict.reason} ({lost})") if lost and verdict.action is Action.WAIT else verdict
        )

    async def _carry_out(self, state: ControlState, verdict: Verdict, readings: Readings | None) -> None:
        change = consequence(state, verdict)
        if change is not None:
            evidence = self._evidence(state, change, verdict, readings)
            record = Record(f"guard: {verdict.action.replace('_', ' ')}", verdict.reason, "guard", evidence)
            await self._store.change(state, change, record)
            _log.error("guard.acted", action=verdict.action, rule=verdict.rule, reason=verdict.reason, call="a person")

    def _evidence(
        self, state: ControlState, change: Change, verdict: Verdict, readings: Readings | None
    ) -> dict[str, object]:
        after = applied(state, change, self._clock())
        width = verdict.evidence.get("window_seconds", 0)
        routes = readings.routes(state.standby, width) if readings and isinstance(width, int) else {}
        return {
            **verdict.evidence,
            "rule": verdict.rule,
            "weights_before": state.weights,
            "weights_after": after.weights,
            "route_shares_before": dict(state.route_shares),
            "routes": {route: {"requests": c.requests, "failed": c.failed} for route, c in routes.items() if c.failed},
            "health": dict(self._health()),
            "lag_seconds": None,
            "configuration": self._configuration,
        }

    async def _note(self, verdict: Verdict) -> None:
        GUARD_VERDICT.labels(verdict.action.value, verdict.rule).inc()
        level = _log.error if verdict.action is Action.NOTIFY else _log.info
        self._say(verdict.action.value, verdict.reason, level)
        await self._store.note_judgement(
            Judgement(self._name, verdict.action.value, verdict.rule, verdict.reason, verdict.evidence)
        )

    def _say(self, what: str, reason: str, level: Callable[..., object]) -> None:
        """Log what is new; a look a second that finds the same is not."""
        if self._said[0] != what:
            level("guard.says", action=what, reason=reason)
        self._said = (what, reason)
