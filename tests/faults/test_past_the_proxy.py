"""Who writes past the proxy: on the active side it is carried over, on the standby it is told (design.md I13)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from stack.story.operator import Operator
from tests.faults.__main__ import begin
from tests.faults.stage import Stage, stage, wait_until

pytestmark = pytest.mark.timeout(300)
_RELIGION = "SELECT religion FROM cadets WHERE id = 3"
_CHANGE = "UPDATE cadets SET religion = %s WHERE id = %s"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Node active, Django standby, and a look at both every two seconds."""
    with stage(tmp_path_factory.mktemp("past"), "node", seed=7, watch=2) as running:
        asyncio.run(begin(running))
        yield running


def _run(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        done = connection.execute(query.encode(), values)
        return done.fetchall() if done.description else []


def _journal(on: Stage) -> Any:
    return asyncio.run(Operator(on.environment, lambda _: None).run("journal", "status"))


def test_what_psql_writes_on_the_active_side_reaches_the_standby(watched: Stage) -> None:
    settings = watched.pair.settings
    _run(settings.node_database, _CHANGE, "Past the proxy", 3)
    assert wait_until(lambda: _run(settings.django_database, _RELIGION) == [("Past the proxy",)], 60)


def test_who_writes_on_the_standby_is_told_and_not_written_over(watched: Stage) -> None:
    assert wait_until(lambda: (_journal(watched)["watch"] or {}).get("ok"), 60), "both are equal at first"
    _run(watched.pair.settings.django_database, _CHANGE, "A foreign hand", 4)
    told = wait_until(lambda: any("somebody else" in reason for reason in _journal(watched)["reasons"]), 60)
    assert told, _journal(watched)
    assert _journal(watched)["alert"] == "attention"
    kept = "SELECT religion FROM cadets WHERE id = 4"
    assert _run(watched.pair.settings.django_database, kept) == [("A foreign hand",)]
