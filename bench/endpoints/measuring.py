"""Sends the load to one backend after the other, and keeps what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.endpoints.stage import SECRET, Side, busy_share, machine_seconds, tree_seconds
from stack.backends import DJANGO
from stack.generator import WHOLE, LoadGenerator
from stack.operations import OPERATIONS, WEBSOCKET
from stack.tally import Line, Tally

PROBES, PROBE_SECONDS, NEAR = 8, 15.0, 0.05
FIRST_RATE, LEAST_RATE, LARGEST_STEP = 20.0, 2.0, 3.0


@dataclass(frozen=True)
class Figures:
    """One operation on one backend, in milliseconds."""

    answers: int
    wrong: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, line: Line) -> Figures:
        """What was counted."""
        took = line.latencies.summary()
        return cls(line.latencies.count, line.unexpected, took["p50"], took["p95"], took["p99"])


class Measured:
    """What was counted of one backend, over all rounds."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.seconds = self.cpu_seconds = self.busy_seconds = 0.0

    def figures(self) -> dict[str, Figures]:
        """Every HTTP operation of the contract, measured or not."""
        wanted = (each.name for each in OPERATIONS.values() if each.method != WEBSOCKET)
        return {name: Figures.of(self.tally.operations.get(name, Line())) for name in wanted}

    def summary(self) -> dict[str, float]:
        """How much the backend did, and what it cost."""
        sent, seconds = self.tally.total.latencies.count, max(self.seconds, 1e-9)
        return {
            "requests": sent,
            "requests_per_second": round(sent / seconds, 1),
            "machine_busy": round(self.busy_seconds / seconds, 3),
            "cpu_ms_per_request": round(self.cpu_seconds / max(sent, 1) * 1000, 2),
        }


class Load:
    """The whole school; each run is another day of it."""

    def __init__(self, think: float) -> None:
        self._think, self._days = think, 0

    def run(self, side: Side, rate: float, seconds: float, into: Measured) -> float:
        """Send *rate* requests a second to one backend; the share of the machine that was busy meanwhile."""
        self._days += 1
        cpu, before = tree_seconds(side.pid), machine_seconds()
        took = asyncio.run(self._send(side, rate, seconds, into.tally))
        share = busy_share(before)
        into.seconds += took
        into.busy_seconds += share * took
        into.cpu_seconds += max(0.0, tree_seconds(side.pid) - cpu)
        return share

    async def _send(self, side: Side, rate: float, seconds: float, tally: Tally) -> float:
        generator = LoadGenerator(
            side.url, rate=rate, jwt_secret=SECRET, seed=self._days, profile=WHOLE, think=self._think, bad_share=0.0,
            sockets_url=side.sockets_url,
        )  # fmt: skip
        generator.tally = tally
        began = time.monotonic()
        await generator.start()
        await asyncio.sleep(seconds)
        await generator.stop()
        return time.monotonic() - began


def rate_for(load: Load, sides: dict[str, Side], target: float, say: Callable[[str], None]) -> float:
    """The rate at which Django keeps this share of the machine busy, found by trying."""
    rate = FIRST_RATE
    for number in range(1, PROBES + 1):
        share = load.run(sides[DJANGO], rate, PROBE_SECONDS, Measured())
        say(f"probe {number}: {rate:.0f} requests/s keep the machine {share:.0%} busy")
        if abs(share - target) <= NEAR:
            break
        # Never to nothing, however busy the neighbours are.
        rate = max(LEAST_RATE, rate * min(LARGEST_STEP, max(1 / LARGEST_STEP, target / max(share, 0.01))))
    return rate
