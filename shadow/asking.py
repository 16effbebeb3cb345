"""Asks backends through their breakers, so that one that is down costs nothing until it is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from shadow.answer import UNWELL, Answer, AskFailed, Reason
from shadow.breaker import Breaker, Event, State
from shadow.clock import Clock
from shadow.exchange import Exchange
from shadow.sender import Asks, Target

log = structlog.get_logger("shadow")


class BreakerOpen(Exception):
    """The backend is left alone at present."""


class Asking:
    """The backends by name. `on_change(name, is_open)` is called when one is left alone, and when it may be asked."""

    def __init__(
        self, sender: Asks, targets: Mapping[str, Target], clock: Clock, on_change: Callable[[str, bool], None]
    ) -> None:
        self._sender = sender
        self._targets = targets
        self._clock = clock
        self._on_change = on_change
        self._breakers = {name: Breaker() for name in targets}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    @property
    def left_alone(self) -> list[str]:
        """Names of the backends that nobody should ask at present."""
        now = self._clock.monotonic()
        return [name for name, breaker in self._breakers.items() if not breaker.admits(now)]

    async def ask(self, exchange: Exchange, name: str) -> Answer:
        """The named backend's answer. Raises AskFailed, or BreakerOpen without having asked."""
        if name not in self._targets:
            raise AskFailed(Reason.REFUSED, f"{name} is not one of the backends")
        if not self._breakers[name].admits(self._clock.monotonic()):
            raise BreakerOpen(name)
        self._happened(name, Event.ADMITTED)
        event = Event.FAILED  # also if we are cancelled: a probe must not stay open for ever
        try:
            answer = await self._sender.ask(exchange, self._targets[name])
            event = Event.ANSWERED
            return answer
        except AskFailed as error:
            event = Event.FAILED if error.reason in UNWELL else Event.ANSWERED
            raise
        finally:
            self._happened(name, event)

    def close(self) -> None:
        """Forget the timers."""
        for timer in self._timers.values():
            timer.cancel()

    def _happened(self, name: str, event: Event) -> None:
        now = self._clock.monotonic()
        before, after = self._breakers[name], self._breakers[name].after(event, now)
        self._breakers[name] = after
        if after.state is State.OPEN and before.state is not State.OPEN:
            log.warning("backend_left_alone", backend=name, failures=after.failures, seconds=after.pause)
            self._on_change(name, True)
            loop = asyncio.get_running_loop()
            self._timers[name] = loop.call_later(after.until - now, self._on_change, name, False)
        elif after.state is State.CLOSED and before.state is State.PROBING:
            log.info("backend_answers_again", backend=name)
            self._on_change(name, False)
