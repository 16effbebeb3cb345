"""One deployment for each test that asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.proxy.deployment import Deployment, deployed


@pytest.fixture
async def deployment(fresh_database: Callable[[], str], redis_url: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with deployed(fresh_database(), redis_url, tmp_path / "cutover") as one:
        yield one
