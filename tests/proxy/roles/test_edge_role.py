"""What the edge's process adds to the edge: what it is made of, and the order in which that ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from proxy.config import Config
from proxy.embedded import free_port
from proxy.release.changes import Change, Record
from proxy.roles import edge, journal
from proxy.state import Phase
from proxy.store import Store
from proxy.surroundings import Surroundings, surroundings
from shadow.dualwrite.entry import State
from shadow.dualwrite.settling import ReplayJournal
from tests.support.edge import make_config
from tests.support.waiting import eventually_true
from tests.support.wire import OK, Backend, Client, Visit

WRITE = b"POST /things HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"


async def _hangs_from_the_second_on(visit: Visit) -> None:
    """Answers one request of a connection, and no other."""
    await visit.request()
    await visit.send(OK)
    await visit.request()
    await visit.until_closed()


@asynccontextmanager
async def running(config: Config, around: Surroundings) -> AsyncIterator[asyncio.Event]:
    """An edge and its journal writer, copying; set the event to stop the edge."""
    store = Store(around.database)
    await store.prepare(config)
    await store.change(await store.load(), Change(phase=Phase.SHADOWING), Record("test", "test", "test"))
    await store.close()
    stops = asyncio.Event(), asyncio.Event()
    tasks = [
        asyncio.create_task(role.run(config, around, Path("/nowhere"), 0, stop))
        for role, stop in zip((journal, edge), stops, strict=True)
    ]
    try:
        yield stops[1]
    finally:
        for stop in stops:
            stop.set()
        async with asyncio.timeout(20):
            await asyncio.gather(*tasks)


async def answered(port: int) -> Client:
    """A client whose first write was journaled and answered."""
    async with asyncio.timeout(20):
        while True:
            try:
                client = await Client.connect(port)
            except ConnectionError:
                await asyncio.sleep(0.05)
                continue
            if (await client.ask(WRITE)).status == 200:
                return client
            await client.close()


async def test_a_write_that_an_edge_leaves_behind_is_not_sent_again(
    open_directory: Path, fresh_database: Callable[[], str]
) -> None:
    """Its connection is closed because the edge stops: that is no reason to open another one."""
    active, standby = await Backend(script=_hangs_from_the_second_on).start(), await Backend().start()
    config = make_config(
        active.url, standby.url, both={"cooperates": True}, limits={"drain": 0.3}, mirror={"workers": 1},
        listen={"host": "127.0.0.1"}, store={"directory": str(open_directory)},
    )  # fmt: skip
    around = replace(surroundings(config, {}), database=fresh_database(), redis="redis://127.0.0.1:1", port=free_port())
    async with running(config, around) as stop:
        client = await answered(around.port)
        before = posts(active)
        await client.send(WRITE)
        await eventually_true(lambda: posts(active) == before + 1)
        stop.set()
    assert posts(active) == before + 1
    async with await ReplayJournal.open(around.database, around.keyring()) as entries:
        left = await entries.open_entries()
    assert left[-1].state in (State.UNKNOWN, State.INTENT)
    await client.close()
    await active.stop()
    await standby.stop()


def posts(backend: Backend) -> int:
    """How many writes it has seen; the health probe reads."""
    return sum(request.start.startswith(b"POST") for request in backend.requests)
