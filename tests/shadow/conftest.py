"""The event loops that the shadow's tests run on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

_ON_BOTH = ("test_mirroring", "test_worker")  # what handles transports itself meets other classes of them


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop, as in proxy/app.py; and the plain loop for what both must carry."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    return loops | ({"asyncio": asyncio.new_event_loop} if item.path.stem in _ON_BOTH else {})
