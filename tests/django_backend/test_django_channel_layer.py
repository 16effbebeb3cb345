"""The channel layer within one process: who gets what, in which order, with no Redis in reach."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from common.channel_layer import CAPACITY, RealtimeLayer

MEMBERS, GROUPS = st.integers(0, 3), st.integers(0, 2).map(str)
STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "leave"]), MEMBERS, GROUPS)
    | st.tuples(st.sampled_from(["say", "tell"]), st.none(), GROUPS)
    | st.tuples(st.just("forget"), MEMBERS, st.none()),
    max_size=40,
)


@pytest.fixture
async def layer(settings: Any) -> AsyncIterator[RealtimeLayer]:
    """A layer that can reach nobody else."""
    settings.REDIS_URL = "redis://127.0.0.1:1"
    made = RealtimeLayer()
    yield made
    if made._listener is not None:
        made._listener._task.cancel()


async def member(layer: RealtimeLayer, *groups: str) -> str:
    """A queue that is in these groups."""
    channel = await layer.new_channel()
    for group in groups:
        await layer.group_add(group, channel)
    return channel


def words(number: int) -> dict[str, Any]:
    """Something to send."""
    return {"frame": {"type": "number", "data": number}}


async def numbers(layer: RealtimeLayer, channel: str, count: int) -> list[int]:
    """The next things that were sent."""
    return [(await layer.receive(channel))["frame"]["data"] for _ in range(count)]


async def test_what_is_sent_to_a_group_reaches_its_members_in_order_whoever_sends_it(layer: RealtimeLayer) -> None:
    ana, bo = await member(layer, "chat:any text ★", "updates"), await member(layer, "chat:any text ★")
    await layer.group_send("chat:any text ★", words(1))
    await asyncio.to_thread(layer.tell, "chat:any text ★", words(2))
    await layer.group_send("updates", words(3))
    await layer.send(bo, words(4))
    assert await numbers(layer, ana, 3) == [1, 2, 3]
    assert await numbers(layer, bo, 3) == [1, 2, 4]


async def test_who_left_a_group_gets_no_more_and_who_was_forgotten_leaves_nothing_behind(layer: RealtimeLayer) -> None:
    ana, bo = await member(layer, "one", "two"), await member(layer, "one")
    await layer.group_discard("one", ana)
    await layer.group_discard("never there", ana)
    await layer.group_send("one", words(1))
    await layer.group_send("two", words(2))
    assert await numbers(layer, ana, 1) == [2]
    for channel in (ana, bo, bo):
        layer.forget(channel)
    assert (layer._queues, layer._members) == ({}, {})
    await layer.group_send("one", words(3))
    await layer.send(ana, words(4))


async def test_a_member_that_takes_nothing_costs_no_more_than_its_queue(layer: RealtimeLayer) -> None:
    stuck, well = await member(layer, "one"), await member(layer, "one")
    with capture_logs() as logs:
        for number in range(CAPACITY + 1):
            layer._deliver("one", words(number))
            assert await numbers(layer, well, 1) == [number]
    assert [line["event"] for line in logs] == ["a socket that does not take its frames missed one"]
    assert await numbers(layer, stuck, 2) == [0, 1]


async def test_what_comes_back_from_redis_is_not_heard_twice_and_what_others_say_is(layer: RealtimeLayer) -> None:
    ana = await member(layer, "one")
    layer._heard("one", {**words(1), "from": layer._name})
    layer._heard("one", {**words(2), "from": "another process"})
    layer._heard("one", words(3))
    assert await numbers(layer, ana, 2) == [2, 3]


@pytest.mark.property_test
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_each_member_hears_what_was_said_in_its_groups_while_it_was_there(layer: RealtimeLayer, steps: Any) -> None:
    asyncio.run(played(steps))


async def played(steps: list[tuple[str, int, str]]) -> None:
    """Do all this, then see what everybody got."""
    layer = RealtimeLayer()
    channels = [await layer.new_channel() for _ in range(4)]
    groups: dict[str, set[int]] = defaultdict(set)
    expected: list[list[int] | None] = [[] for _ in channels]
    for number, (what, who, group) in enumerate(steps):
        if what == "join":
            await layer.group_add(group, channels[who])
            groups[group].add(who)
        elif what == "leave":
            await layer.group_discard(group, channels[who])
            groups[group].discard(who)
        elif what == "forget":
            layer.forget(channels[who])
            expected[who] = None
        else:
            await (layer.group_send(group, words(number)) if what == "say" else told(layer, group, number))
            for member in groups[group]:
                expected[member] = None if expected[member] is None else [*expected[member], number]
    for channel, wanted in zip(channels, expected, strict=True):
        if wanted is not None:
            # What comes after the last of them shows that there was nothing else.
            await layer.send(channel, words(-1))
            assert await numbers(layer, channel, len(wanted) + 1) == [*wanted, -1]


async def told(layer: RealtimeLayer, group: str, number: int) -> None:
    """Say it from a thread, as a view does."""
    await asyncio.to_thread(layer.tell, group, words(number))
