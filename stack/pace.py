"""When something is due: a Poisson process whose rate a spike multiplies for a while."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

_SPIKE = re.compile(r"(\d+(?:\.\d+)?)x@(\d+(?:\.\d+)?)s\+(\d+(?:\.\d+)?)s")


@dataclass(frozen=True)
class Spike:
    """*factor* times the rate from *start* for *length* seconds."""

    factor: float
    start: float
    length: float

    @property
    def end(self) -> float:
        """When it is over."""
        return self.start + self.length

    @classmethod
    def parse(cls, text: str) -> Spike:
        """Read ``5x@20s+5s``: five times the rate from second 20 for five seconds. Raises ValueError."""
        found = _SPIKE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no spike: write 5x@20s+5s for five times the rate from second 20 for 5 s")
        return cls(*map(float, found.groups()))


def rate_at(moment: float, rate: float, spikes: Sequence[Spike]) -> float:
    """The rate at a moment; of spikes that overlap, each multiplies."""
    for spike in spikes:
        if spike.start <= moment < spike.end:
            rate *= spike.factor
    return rate


def arrivals(rng: Random, rate: float, spikes: Sequence[Spike] = ()) -> Iterator[float]:
    """Seconds from the start at which something arrives, for ever. The rate changes on the edge of a spike, exactly."""
    edges = sorted({edge for spike in spikes for edge in (spike.start, spike.end)})
    moment = 0.0
    while True:
        left = rng.expovariate(1.0)
        while edges and left > (edges[0] - moment) * rate_at(moment, rate, spikes):
            left -= (edges[0] - moment) * rate_at(moment, rate, spikes)
            moment = edges.pop(0)
        moment += left / rate_at(moment, rate, spikes)
        yield moment
