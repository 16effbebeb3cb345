"""Walks an errand step by step, with the pauses of somebody who reads before the next click."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from stack.exchange import Exchange, Outcome, Socket
from stack.request import Request
from stack.whole.actor import Actor, Hear, Journey, Open, Opened, Say, Step
from stack.whole.bad import bad_request

LONGEST_PAUSE = 10  # times the mean


class Counted(Protocol):
    """Notes an outcome under the name of its operation."""

    def __call__(self, operation: str, role: str, outcome: Outcome, seconds: float) -> None: ...


class Gone(Exception):
    """An answer was not as expected, or the server sent somebody away: what comes next cannot be relied upon."""


class Walker:
    """Runs errands. *send* sends a request that was meant for a moment, and counts what came of it."""

    def __init__(
        self, exchange: Exchange, send: Callable[[Request, float], Awaitable[Outcome]], counted: Counted,
        complain: Callable[[str, str], None], *, think: float, bad_share: float,
    ) -> None:  # fmt: skip
        self._exchange, self._send, self._counted, self._think = exchange, send, counted, think
        self._complain = complain
        # Before this share of the good requests comes a bad one, so that of all requests *bad_share* are bad.
        self._mistakes = bad_share / (1 - bad_share)
        self.stopping = asyncio.Event()

    async def walk(self, journey: Journey, me: Actor, intended: float) -> None:
        """One errand, from the moment that it was meant to begin, to its end or to the first thing gone wrong."""
        sockets: list[Socket] = []
        answer, step = None, None
        try:
            while not self.stopping.is_set() and (step := self._next(journey, answer, step)) is not None:
                intended = await self._blunder(me, intended)
                answer = await self._take(step, sockets, intended)
                intended = await self._pause(me)
        except Gone:
            # Counted already, where it was found.
            return
        finally:
            journey.close()
            for socket in sockets:
                await socket.close()

    def _next(self, journey: Journey, answer: Any, last: Step | None) -> Step | None:
        """What comes next, if anything. An answer that lacks what the errand goes on with is a wrong answer."""
        try:
            return journey.send(answer)
        except StopIteration:
            return None
        except (LookupError, TypeError, AttributeError) as error:
            self._complain(_name(last), f"{type(error).__name__} {error}: in the answer {str(answer)[:200]}")
            return None

    async def _pause(self, me: Actor) -> float:
        """Think; the moment that the next step is meant for. Who is told to stop wakes up at once."""
        seconds = min(me.rng.expovariate(1.0), LONGEST_PAUSE) * self._think
        meant = time.monotonic() + seconds
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)
        return meant

    async def _blunder(self, me: Actor, intended: float) -> float:
        """Now and then a mistake comes first."""
        if me.rng.random() >= self._mistakes:
            return intended
        await self._send(bad_request(me), intended)
        return await self._pause(me)

    async def _take(self, step: Step, sockets: list[Socket], intended: float) -> Any:
        if isinstance(step, Request):
            return self._good(await self._send(step, intended)).document
        if isinstance(step, list):
            outcomes = await asyncio.gather(*(self._send(request, intended) for request in step))
            return [self._good(outcome).document for outcome in outcomes]
        if isinstance(step, Open):
            return await self._open(step, sockets, intended)
        if isinstance(step, Say):
            return await sockets[step.socket.number].say(step.frame)
        return await self._hear(step, sockets, intended)

    async def _open(self, step: Open, sockets: list[Socket], intended: float) -> Opened:
        outcome, socket = await self._exchange.open(step.path, step.token or step.client.token, step.closes)
        self._counted(step.operation, step.client.role, outcome, time.monotonic() - intended)
        if socket is not None:
            sockets.append(socket)
        self._good(outcome)
        return Opened(len(sockets) - 1, step.operation, step.client.role)

    async def _hear(self, step: Hear, sockets: list[Socket], intended: float) -> Any:
        outcome, data = await sockets[step.socket.number].hear(step.kind, step.holding)
        self._counted(step.socket.operation, step.socket.role, outcome, time.monotonic() - intended)
        if data is None:
            raise Gone
        return data

    @staticmethod
    def _good(outcome: Outcome) -> Outcome:
        if outcome.surprise is not None:
            raise Gone
        return outcome


def _name(step: Step | None) -> str:
    if isinstance(step, list):
        return step[0].operation
    return step.operation if isinstance(step, Request | Open) else step.socket.operation if step else "none"
