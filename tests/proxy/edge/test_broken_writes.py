"""The two ways of breaking the edge's part of a write that no model can miss are seen by the tests of that part."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.edge.writing import Writes
from shadow.dualwrite.admission import Admitted, Noted
from tests.proxy.edge import test_journaled_writes as promises
from tests.proxy.edge.conftest import StageWith


async def test_an_edge_that_forwards_first_is_caught(stage_with: StageWith, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, asked = Writes._admission, set[asyncio.Task[Any]]()

    async def at_once(writes: Writes, *given: Any) -> Admitted:
        asked.add(asyncio.create_task(honest(writes, *given)))
        return Admitted(1, 0)

    monkeypatch.setattr(Writes, "_admission", at_once)
    with pytest.raises(AssertionError):
        await promises.test_nothing_is_forwarded_before_its_intent_is_durable(stage_with)
    await asyncio.gather(*asked)


async def test_an_edge_that_acknowledges_early_is_caught(
    stage_with: StageWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, told = Writes._told, set[asyncio.Task[Any]]()

    async def later(writes: Writes, *given: Any) -> Noted:
        told.add(asyncio.create_task(honest(writes, *given)))
        return Noted.NOTED

    monkeypatch.setattr(Writes, "_told", later)
    with pytest.raises(AssertionError):
        await promises.test_nobody_is_answered_before_the_outcome_is_durable(stage_with)
    await asyncio.gather(*told)
