"""An edge follows the store, and goes on with what it knew when the store is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.config import Config, parse
from proxy.feed import Feed
from proxy.release.changes import Change, Record
from proxy.state import ControlState, Phase
from proxy.store import Beat, Store

CONFIG = parse("backends: {a: {url: 'http://127.0.0.1:1'}, b: {url: 'http://127.0.0.1:2'}}\nactive: a\n", {})
NOWHERE = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
WHY = Record("test", "to see it followed", "test")


def beat(edge: str, version: int) -> Beat:
    return Beat(edge, version, {}, {})


@asynccontextmanager
async def following(feed: Feed) -> AsyncIterator[None]:
    """The feed's loop, running."""
    stop = asyncio.Event()
    task = asyncio.create_task(feed.run(stop, "edge-1", beat))
    try:
        yield
    finally:
        stop.set()
        await task


async def until(feed: Feed, wanted: Callable[[ControlState], bool]) -> None:
    async with asyncio.timeout(10):
        while not wanted(feed.state):
            await asyncio.sleep(0.02)


@pytest.fixture
async def store(fresh_database: Callable[[], str]) -> AsyncIterator[Store]:
    store = await Store.open(fresh_database())
    await store.prepare(CONFIG)
    yield store
    await store.close()


async def test_a_change_is_followed_and_the_edge_is_seen_alive_with_it(store: Store, tmp_path: Path) -> None:
    feed = await Feed.begin(store, CONFIG, tmp_path)
    async with following(feed):
        changed = await store.change(feed.state, Change(phase=Phase.SHADOWING), WHY)
        await until(feed, lambda state: state.phase is Phase.SHADOWING)
        async with asyncio.timeout(10):
            while not any(seen.beat.version == changed.version for seen in await store.edges()):
                await asyncio.sleep(0.05)
    assert await store.edges() == []


async def test_a_start_without_the_store_goes_on_with_what_was_seen_last(store: Store, tmp_path: Path) -> None:
    feed = await Feed.begin(store, CONFIG, tmp_path)
    async with following(feed):
        ramping = Change(phase=Phase.RAMPING, share=25.0, pins={"id:7": "b"}, route_shares={"GET /x": 50.0})
        changed = await store.change(feed.state, Change(phase=Phase.SHADOWING), WHY)
        changed = await store.change(changed, ramping, WHY)
        await until(feed, lambda state: state.version == changed.version)
    gone = Store(NOWHERE)
    remembered = (await Feed.begin(gone, CONFIG, tmp_path)).state
    assert remembered == replace(changed, route_shares={"GET /x": 50.0}, pins={"id:7": "b"})
    await gone.close()


@pytest.mark.parametrize("kept", [None, b"", b"{}", b"[1]", b'{"version": 1}', b"\xff"])
async def test_with_nothing_to_go_by_everything_stays_at_home(tmp_path: Path, kept: bytes | None) -> None:
    if kept is not None:
        (tmp_path / "state.json").write_bytes(kept)
    gone = Store(NOWHERE)
    state = (await Feed.begin(gone, CONFIG, tmp_path)).state
    assert (state.active, state.standby, state.phase, state.share) == ("a", "b", Phase.RESTING, 0.0)
    await gone.close()


async def test_what_another_deployment_left_behind_is_not_believed(store: Store, tmp_path: Path) -> None:
    feed = await Feed.begin(store, CONFIG, tmp_path)
    async with following(feed):
        await store.change(feed.state, Change(phase=Phase.SHADOWING), WHY)
        await until(feed, lambda state: state.phase is Phase.SHADOWING)
    other: Config = parse("backends: {x: {url: 'http://h:1'}, y: {url: 'http://h:2'}}\nactive: x\n", {})
    gone = Store(NOWHERE)
    assert (await Feed.begin(gone, other, tmp_path)).state.active == "x"
    await gone.close()
