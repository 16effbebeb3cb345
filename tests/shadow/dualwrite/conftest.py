"""Stands for the tests of replay, and what they look at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shadow.answer import Answer
from shadow.dualwrite.copies import Copy
from shadow.dualwrite.entry import State
from shadow.dualwrite.testing import InMemoryJournal, Roles
from shadow.sender import Target
from tests.shadow.dualwrite.backends import Stand


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand(InMemoryJournal())
    yield made
    made.close()


@pytest.fixture
def turned_stand() -> Iterator[Stand]:
    """The side with ids is active, the unmodified one gets the copies."""
    made = Stand(InMemoryJournal(Roles(1, "new", "old")), active="new")
    yield made
    made.close()


async def state(stand: Stand, number: int) -> State:
    (entry,) = await stand.journal.entries([number])
    return entry.state


async def differed(stand: Stand) -> dict[int, str]:
    found: dict[int, str] = await stand.journal.differed()
    return found


def held_back(stand: Stand, monkeypatch: pytest.MonkeyPatch, *ids: str) -> asyncio.Event:
    """Of the next copies of these the answers come when the event is set."""
    answered, honest = asyncio.Event(), stand.backends.send
    held = list(ids)

    async def send(copy: Copy, target: Target) -> Answer:
        answer = await honest(copy, target)
        if copy.id in held:
            held.remove(copy.id)
            await answered.wait()
        return answer

    monkeypatch.setattr(stand.backends, "send", send)
    return answered
