"""Switches regressions on one at a time and says what the shadow makes of each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stack.cast import Cast
from stack.request import Request
from tests.parity.plants.plant import NOBODY, Plant, Probe
from tests.parity.stage import Stage
from tests.parity.through import Findings, findings, judged, send


@dataclass(frozen=True)
class Found:
    """What one regression looked like from outside."""

    plant: str
    route: str
    exchanges: int
    groups: tuple[str, ...]
    elsewhere: tuple[str, ...]

    @property
    def is_found(self) -> bool:
        """Whether the shadow saw it, on its route and nowhere else."""
        return bool(self.groups) and not self.elsewhere


def request_of(probe: Probe, cast: Cast) -> Request:
    """The read that a probe stands for; the cadet is the one who is known by name."""
    if probe.body is not None:
        return Request("POST", probe.path, body=probe.body, operation=f"POST {probe.path}")
    client = None if probe.role == NOBODY else cast.of_role(probe.role)[0]
    return Request("GET", probe.path, client, operation=f"GET {probe.path}")


def probed(on: Stage, cast: Cast, probes: Iterable[Probe]) -> Findings:
    """Send the probes; the findings, once all are judged."""
    before = findings(on).verdicts.total()
    sent = asyncio.run(send(on.edge.url, [request_of(probe, cast) for probe in probes]))
    assert not sent.unanswered, sent.unanswered
    return judged(on, before + sent.mirrored)


def tried(on: Stage, cast: Cast, plant: Plant) -> Found:
    """Switch *plant* on, ask, and switch it off."""
    before = findings(on)
    on.pair.plant(plant.name)
    try:
        after = probed(on, cast, plant.probes)
        if plant.disturb:
            on.pair.execute(plant.disturb)
            after = probed(on, cast, plant.probes)
    finally:
        on.pair.plant()
    return _found(plant, before, after)


def _found(plant: Plant, before: Findings, after: Findings) -> Found:
    grown: list[dict[str, Any]] = after.since(before)
    here = [f"{group['pattern']} {group['kind']}" for group in grown if group["route"] == plant.route]
    elsewhere = [f"{group['route']} {group['pattern']}" for group in grown if group["route"] != plant.route]
    exchanges = after.verdicts.total() - before.verdicts.total()
    return Found(plant.name, plant.route, exchanges, tuple(sorted(here)), tuple(sorted(elsewhere)))
