"""An open-loop load generator: what is due starts when it is due, whatever became of what came before it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from stack import recording
from stack.acknowledged import Acknowledged
from stack.cast import Cast
from stack.coverage import Coverage
from stack.exchange import Exchange, Outcome
from stack.journeys import LOGIN, LOGIN_PATH, OPERATIONS, Operation
from stack.operations import ANYBODY
from stack.pace import Spike, arrivals
from stack.request import Request
from stack.sample.population import KNOWN_LOGINS, Login
from stack.tally import Tally
from stack.whole.errands import MEAN_STEPS, errands
from stack.whole.walk import Walker

MOST_IN_FLIGHT = 3000
READS, WHOLE = "reads", "whole"
PROFILES = (READS, WHOLE)

Flight = Coroutine[None, None, object]
Due = tuple[float, str, Callable[[], Flight]]


class LoadGenerator:
    """Sends about *rate* requests a second to *url* between start() and stop(); what is sent follows from *seed*.

    The profile `reads` is the small mix of `stack.journeys`, `whole` the errands of `stack.whole`, in which *bad_share*
    of all requests are bad input and people think *think* seconds in the mean before each step. What an errand sends
    follows from the seed and from the ids that the backend gave its rows. *replay* names a file to send instead,
    *record* one to write.
    """

    def __init__(
        self, url: str, *, rate: float, jwt_secret: str, seed: int = 1, timeout: float = 15.0,
        logins_per_second: float = 1.0, clients: int = 303, writes: bool = True, profile: str = READS,
        spikes: Sequence[Spike] = (), bad_share: float = 0.03, think: float = 1.0, replay: Path | None = None,
        record: Path | None = None, sockets_url: str | None = None,
    ) -> None:  # fmt: skip
        if profile not in PROFILES:
            raise ValueError(f"there is no profile {profile!r}: {', '.join(PROFILES)}")
        self.rate, self.seed, self.profile, self.spikes = rate, seed, profile, spikes
        self.tally, self.acknowledged, self.coverage = Tally(), Acknowledged(), Coverage()
        self.bad_sent = 0
        self._where, self._secret, self._timeout = (url, sockets_url), jwt_secret, timeout
        self._think, self._bad_share = think, bad_share
        self._replay, self._record = replay, record
        self._random = Random(seed)
        self._cast = Cast(jwt_secret, clients)
        self._login_gap = 1 / logins_per_second if logins_per_second > 0 else float("inf")
        self._operations = [op for op in OPERATIONS if writes or op.name not in {"settings write", "cadet write"}]
        self._flying: set[asyncio.Task[object]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._faults: list[BaseException] = []
        self._began = 0.0

    async def start(self) -> None:
        """Begin to send. Raises RecordingError where the file to replay makes no sense."""
        replayed = list(recording.read(self._replay, self._secret)) if self._replay else None
        self._exchange = Exchange(*self._where, self._timeout)
        self._recorder = recording.Recorder(self._record) if self._record else None
        self._walker = Walker(
            self._exchange, self._send_one, self._count, self.tally.complain, think=self._think,
            bad_share=self._bad_share,
        )  # fmt: skip
        self._began = time.monotonic()
        if replayed is None and self.profile == READS:
            for login in KNOWN_LOGINS:
                self._fly(self._log_in(login))
        self._pump = asyncio.create_task(self._start_when_due(self._dues(replayed)))

    async def stop(self) -> None:
        """Send no more, and wait for the answers that are still to come (each has its time-out).

        Raises the first fault of the load's own, if there was one.
        """
        if self._pump is None:
            return
        self._walker.stopping.set()
        self._pump.cancel()
        with suppress(asyncio.CancelledError):
            await self._pump
        await asyncio.gather(*self._flying, return_exceptions=True)
        await self._exchange.close()
        if self._recorder is not None:
            self._recorder.close()
        await asyncio.sleep(0)  # the last ones are told of by callbacks
        if self._faults:
            raise self._faults[0]

    async def finished(self) -> None:
        """Wait until a replay has sent its last request (any other load ends by stop() alone)."""
        if self._pump is not None:
            await self._pump
            await asyncio.gather(*self._flying, return_exceptions=True)

    def snapshot(self) -> dict[str, Any]:
        """All counts so far."""
        return {
            **self.tally.snapshot(), "in_flight": len(self._flying), "acknowledged_writes": self.acknowledged.count,
            "bad_input": self.bad_sent, "coverage": self.coverage.snapshot() if self.covers else {},
        }  # fmt: skip

    @property
    def covers(self) -> bool:
        """Whether requests carry the names of the contract (the small mix has names of its own)."""
        return self.profile == WHOLE or self._replay is not None

    def schedule(self) -> Iterator[tuple[float, Operation, Request]]:
        """When (seconds from the start) the small mix sends what."""
        last_login = float("-inf")
        weights = [operation.weight for operation in self._operations]
        for number, due in enumerate(arrivals(self._random, self.rate, self.spikes), start=1):
            operation = self._random.choices(self._operations, weights)[0]
            while operation.name == LOGIN and due - last_login < self._login_gap:
                operation = self._random.choices(self._operations, weights)[0]
            if operation.name == LOGIN:
                last_login = due
            yield due, operation, operation.build(self._random, self._cast, number)

    def _dues(self, replayed: list[tuple[float, Request]] | None) -> Iterator[Due]:
        if replayed is not None:
            for at, request in replayed:
                yield at, request.operation, self._sending(request.operation, request, at)
        elif self.profile == WHOLE:
            moments = arrivals(self._random, self.rate * (1 - self._bad_share) / MEAN_STEPS, self.spikes)
            for due, (name, journey, me) in zip(moments, errands(self.seed, self._cast), strict=False):
                yield due, name, partial(self._walker.walk, journey, me, self._began + due)
        else:
            for due, operation, request in self.schedule():
                yield due, operation.name, self._sending(operation.name, request, due)

    def _sending(self, name: str, request: Request, due: float) -> Callable[[], Flight]:
        return partial(self._send, name, request, self._began + due)

    async def _start_when_due(self, dues: Iterator[Due]) -> None:
        for due, name, start in dues:
            wait = self._began + due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            if len(self._flying) >= MOST_IN_FLIGHT:
                self.tally.count(name, "dropped", 0.0, "not sent: too many requests are waiting for answers")
                await asyncio.sleep(0)
                continue
            self._fly(start())

    def _fly(self, sending: Flight) -> None:
        task = asyncio.create_task(sending)
        self._flying.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[object]) -> None:
        self._flying.discard(task)
        # What a server does is counted and is never an exception: one of these is a fault of the load's own.
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._faults.append(fault)

    async def _log_in(self, login: Login) -> None:
        """Give somebody known a token of the backend's own instead of ours."""
        request = Request("POST", LOGIN_PATH, body={"username": login.username, "password": login.password})
        outcome = await self._send(LOGIN, request, time.monotonic())
        if outcome.surprise is not None:
            return
        try:
            self._cast.adopt(login.user_id, outcome.document["token"])
        except (LookupError, TypeError):
            self.tally.complain(LOGIN, f"a login was answered without a token: {outcome.body[:200]!r}")

    async def _send(self, name: str, request: Request, intended: float) -> Outcome:
        """Send, count under *name*, remember."""
        started = time.monotonic()
        if self._recorder is not None:
            self._recorder.note(started - self._began, request)
        outcome = await self._exchange.send(request)
        ended = time.monotonic()
        self.bad_sent += request.bad
        role = request.client.role if request.client else ANYBODY
        self._count(name, role, outcome, ended - intended)
        if request.target is not None and outcome.kind != "4xx":
            done = outcome.kind == "2xx"
            self.acknowledged.record(request.target, request.value, started, ended, acknowledged=done)
        return outcome

    async def _send_one(self, request: Request, intended: float) -> Outcome:
        return await self._send(request.operation, request, intended)

    def _count(self, operation: str, role: str, outcome: Outcome, seconds: float) -> None:
        self.tally.count(operation, outcome.kind, seconds, outcome.surprise)
        if self.covers:
            self.coverage.count(operation, role, outcome.kind)
