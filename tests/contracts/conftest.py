"""Every journal test runs over the fake and over PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shadow.dualwrite.settling import ReplayJournal
from tests.contracts.journals import KEYS, Stage, a_fake_stage, change, control_row


@pytest.fixture(params=["fake", "postgres"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "fake":
        yield a_fake_stage()
        return
    url = request.getfixturevalue("fresh_database")()
    control_row(url)
    async with await ReplayJournal.open(url, KEYS) as journal:

        async def flip() -> None:
            change(url, "UPDATE cutover.control SET epoch = epoch + 1, active = standby, standby = active")

        @asynccontextmanager
        async def another() -> AsyncIterator[ReplayJournal]:
            async with await ReplayJournal.open(url, KEYS, presence=2) as other:
                yield other

        yield Stage(journal, flip, another)
