"""The edge's tests run on the loop that it runs on in production, and fail on any fault that it logs of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop
from structlog.testing import capture_logs
from structlog.typing import EventDict

from proxy.state import ControlState
from shadow.dualwrite.testing import InMemoryJournal
from tests.support.edge import SHADOWING, Stage, make_config
from tests.support.wire import Backend

StageWith = Callable[..., Awaitable[Stage]]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop, as in proxy/app.py."""
    return {"uvloop": _loop_that_ends}


def _loop_that_ends() -> asyncio.AbstractEventLoop:
    """A loop that gives up on its test after a minute: it would swallow the exception of pytest-timeout's signal."""
    loop = uvloop.new_event_loop()

    def give_up() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel("the test took too long")

    loop.call_later(60.0, give_up)
    return loop


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that fails leaves sockets open. uvloop warns of them as it closes, and never ends if that is an error."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("default:unclosed resource:ResourceWarning"))


@pytest.fixture
async def events() -> AsyncIterator[list[EventDict]]:
    """What was logged. A fault of the edge's own, or of a callback in its loop, fails the test."""
    faults: list[Mapping[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    with capture_logs() as logged:
        yield logged
    await asyncio.sleep(0)
    assert not faults
    assert not [event for event in logged if event["event"] == "edge_fault"]


@pytest.fixture
async def stage_with(events: list[EventDict]) -> AsyncIterator[StageWith]:
    """Call it for a stage with settings of its own: `await stage_with(state=…, active=…, limits={…})`."""
    stages: list[Stage] = []
    backends: list[Backend] = []

    async def make(
        *,
        state: ControlState = SHADOWING,
        active: Backend | None = None,
        standby: Backend | None = None,
        entries: InMemoryJournal | None = None,
        **settings: Any,
    ) -> Stage:
        pair = (active or await Backend().start(), standby or await Backend().start())
        backends.extend(pair)
        config = make_config(pair[0].url, pair[1].url, **settings)
        stages.append(await Stage(*pair, config, state, entries).start())
        return stages[-1]

    yield make
    for stage in stages:
        await stage.stop()
    for backend in backends:
        await backend.stop()


@pytest.fixture
async def stage(stage_with: StageWith) -> Stage:
    """The edge with everything by default, in the phase that copies and splits nothing."""
    return await stage_with()
