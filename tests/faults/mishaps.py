"""What goes wrong: each part killed or frozen, and wires that lose answers. Which and when follows from the seed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from tests.faults.stage import ROLES, Stage
from tests.faults.wire import Mood

Mishap = Callable[[Stage, Random], Awaitable[None]]


def killed(name: str) -> Mishap:
    """kill -9; cutover's own processes are started again by their supervisor, the rest by its service."""

    async def happen(stage: Stage, rng: Random) -> None:
        stage.kill(name)
        if name not in ROLES:
            await asyncio.sleep(rng.uniform(0.1, 1.5))
            await asyncio.to_thread(stage.revive, name)

    happen.__name__ = f"{name} killed"
    return happen


def frozen(name: str) -> Mishap:
    """SIGSTOP for a while, sometimes beyond every deadline."""

    async def happen(stage: Stage, rng: Random) -> None:
        with stage.frozen(name):
            await asyncio.sleep(rng.choice((0.3, 1.0, 3.0, 7.0)))

    happen.__name__ = f"{name} frozen"
    return happen


def wired(name: str, mood: Mood) -> Mishap:
    """A share of the answers of a backend is lost or late."""

    async def happen(stage: Stage, rng: Random) -> None:
        stage.wires[name].be(mood, rng.choice((0.1, 0.5)))
        await asyncio.sleep(rng.uniform(0.5, 2.5))
        stage.wires[name].be(Mood.FAITHFUL)

    happen.__name__ = f"{name} {mood.name.lower()} answers"
    return happen


MISHAPS: tuple[Mishap, ...] = (
    *(killed(role) for role in ROLES),
    *(frozen(role) for role in ("edge", "journal", "replayer")),
    *(make(backend) for make in (killed, frozen) for backend in ("node", "django")),
    *(make(server) for make in (killed, frozen) for server in ("postgres", "store", "redis")),
    *(wired(name, mood) for name in ("node", "django") for mood in (Mood.DROPS, Mood.DELAYS)),
)
