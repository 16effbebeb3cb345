"""One seeded pair of databases for all of these tests, and backends on copies of it where they are first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.cast import Cast
from tests.parity.stage import SECRET, Databases, Pair, Stage, pair, seeded, stage


@pytest.fixture(scope="session")
def databases(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with seeded(postgres_url, tmp_path_factory.mktemp("parity")) as made:
        yield made


@pytest.fixture(scope="session")
def shadowed(databases: Databases, redis_url: str, server_directory: Path) -> Iterator[Stage]:
    """Both backends behind the edge, which mirrors every read."""
    with stage(databases, redis_url, server_directory / "parity") as on:
        yield on


@pytest.fixture(scope="module")
def both(databases: Databases, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both backends as in production, on rows of their own that tests may change."""
    with pair(databases, redis_url, tmp_path_factory.mktemp("pair")) as one:
        yield one


@pytest.fixture
def cast() -> Cast:
    return Cast(SECRET)
