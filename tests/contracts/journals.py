"""The journals that the contract is checked on, and the hands that their tests need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

import proxy
from shadow.dualwrite.admission import Admitted, Noted, Room
from shadow.dualwrite.entry import State
from shadow.dualwrite.sealing import Keyring
from shadow.dualwrite.testing import InMemoryJournal, an_intent, done

NOW = 1_770_000_000.0
ROOM = Room(most=9, targets=["new"], one_by_one=[], apart=[], under_way=[], now=NOW, deadline=NOW + 30)
KEYS = Keyring({"k1": b"1" * 32}, "k1")
CONTROL = Path(proxy.__file__).with_name("schema.sql")


@dataclass
class Stage:
    """A journal, and the hands of whoever owns the control row."""

    journal: Any
    flip: Callable[[], Awaitable[None]]
    another: Callable[[], AbstractAsyncContextManager[Any]]
    """Another writer's journal, which is connected until the context ends."""

    async def write(self, id: str, *lanes: str, **changes: object) -> int:
        """A write from its intent to its outcome; its number."""
        (admitted,) = await self.journal.append([an_intent(id, *lanes, **changes)], NOW)
        assert isinstance(admitted, Admitted), admitted
        assert await self.journal.outcomes([done(id)]) == [Noted.NOTED]
        return admitted.number

    async def claim(self, term: int = 1, **changes: Any) -> list[int]:
        _, found = await self.journal.turn(term, [], replace(ROOM, **changes))
        return [entry.number for entry in found]

    async def state(self, number: int) -> State:
        (entry,) = await self.journal.entries([number])
        found: State = entry.state
        return found


def control_row(url: str) -> None:
    """What `proxy.store` makes at start-up."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CONTROL.read_bytes())
        connection.execute(
            "INSERT INTO cutover.control (epoch, active, standby, phase) VALUES (1, 'old', 'new', 'ramping')"
        )


def change(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def a_fake_stage() -> Stage:
    journal = InMemoryJournal()

    async def flip() -> None:
        journal.roles.flip()

    @asynccontextmanager
    async def another() -> AsyncIterator[InMemoryJournal]:
        journal.writer = 2
        journal.present.add(2)
        yield journal
        journal.writer = 0
        journal.present.remove(2)

    return Stage(journal, flip, another)
