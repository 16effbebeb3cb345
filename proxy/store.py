"""The control state in PostgreSQL: read in one round trip, changed by compare-and-set, every change in the history."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from proxy import statements
from proxy.config import Config
from proxy.errors import ConfigError, StoreUnavailable
from proxy.postgres import Connection, Session
from proxy.release.changes import Change, Record, applied
from proxy.state import ControlState

_SCHEMA = Path(__file__).with_name("schema.sql")
PREPARED_WITHIN = 30.0
ALIVE_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Beat:
    """An edge process's sign of life."""

    edge: str  # unique for each process
    version: int  # of the newest state that it routes by
    answered: Mapping[str, int]  # weighted reads of the last minute, by the backend that answered
    held: Mapping[str, int]  # those of them that were meant for the standby and held home, by reason
    unjournaled: int = 0  # writes under way that it forwarded without a journal


@dataclass(frozen=True, slots=True)
class EdgeSeen:
    """What the store knows about an edge process."""

    beat: Beat
    age: float  # seconds since the beat, by the store's clock

    @property
    def alive(self) -> bool:
        """Whether it was heard of just now."""
        return self.age <= ALIVE_WITHIN


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the history."""

    id: int
    at: datetime
    version: int
    epoch: int
    kind: str
    was: Mapping[str, Any]
    became: Mapping[str, Any]
    why: str
    who: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the guard said last, and which process said it."""

    who: str
    action: str
    rule: str
    reason: str
    evidence: Mapping[str, Any]
    age: float = 0.0  # seconds, by the store's clock


class Store:
    """All its methods raise StoreUnavailable when PostgreSQL does not answer, and connect again when called again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = Connection(url, "store")
        self._seen: tuple[int, ControlState] | None = None  # the connection's number and what it read last

    @classmethod
    async def open(cls, url: str) -> Store:
        """A store that has just answered."""
        store = cls(url)
        await store.ping()
        return store

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()

    async def ping(self) -> None:
        """Return if PostgreSQL answers."""
        await self._connection.run(lambda session: session.execute("SELECT 1"), repeatable=True)

    async def prepare(self, config: Config) -> ControlState:
        """Make what is missing, and give back the state. Many processes may do so at once, and again.

        Raises ConfigError if the deployment in the store is one of other backends.
        """
        schema = _SCHEMA.read_bytes()

        async def work(session: Session) -> None:
            async with session.transaction():
                await session.execute("SELECT pg_advisory_xact_lock(%s)", [statements.PREPARING])
                await session.execute(schema)
                await statements.first_state(session, config)

        await self._connection.run(work, repeatable=True, within=PREPARED_WITHIN)
        state = await self.load()
        if {state.active, state.standby} != set(config.names):
            raise ConfigError([
                f"backends: the store belongs to a deployment of {state.active} and {state.standby}, "
                f"not of {' and '.join(config.names)}: use their names, or another store.database"
            ])  # fmt: skip
        return state

    async def load(self) -> ControlState:
        """The state now, in one round trip and of one moment."""

        async def work(session: Session) -> ControlState:
            number, seen = self._seen or (0, None)
            known = seen if number == self._connection.connects else None
            row = await (await session.execute(statements.LOAD, [known.version if known else -1])).fetchone()
            if row is None:
                raise StoreUnavailable("the store is empty: start `cutover serve` on it first")
            if row[1] is None and known is not None:
                return known
            state = statements.state_of(row)
            self._seen = (self._connection.connects, state)
            return state

        return await self._connection.run(work, repeatable=True)

    async def change(self, seen: ControlState, change: Change, record: Record) -> ControlState:
        """Make the change if `seen` is still the state, together with its row of history; otherwise raise Conflict.

        After StoreUnavailable the change may have been made or not: load the state to know.
        """
        after = applied(seen, change, time.time())

        async def work(session: Session) -> None:
            async with session.transaction():
                await statements.compare_and_set(session, seen, after)
                await statements.write_history(session, seen, after, record)

        await self._connection.run(work)
        return after

    async def history(self, limit: int = 50, before: int | None = None) -> list[Event]:
        """The newest rows first, those with an id below `before`."""

        async def work(session: Session) -> list[Event]:
            rows = await session.execute(
                "SELECT id, at, version, epoch, kind, was, became, why, who, evidence FROM cutover.history "
                "WHERE id < coalesce(%s, 9223372036854775807) ORDER BY id DESC LIMIT %s",
                [before, limit],
            )
            return [Event(*row) for row in await rows.fetchall()]  # type: ignore[arg-type]

        return await self._connection.run(work, repeatable=True)

    async def beat(self, beat: Beat) -> None:
        """Note that an edge is alive; once a second is meant."""
        values = [beat.edge, beat.version, Jsonb(dict(beat.answered)), Jsonb(dict(beat.held)), beat.unjournaled]
        await self._connection.run(
            lambda session: session.execute(
                "INSERT INTO cutover.edge (id, at, version, answered, held, unjournaled) "
                "VALUES (%s, clock_timestamp(), %s, %s, %s, %s) "
                "ON CONFLICT (id) DO UPDATE SET (at, version, answered, held, unjournaled) "
                "= (excluded.at, excluded.version, excluded.answered, excluded.held, excluded.unjournaled)",
                values,
            ),
            repeatable=True,
        )

    async def leave(self, edge: str) -> None:
        """Forget an edge that ends in good order; one that just falls silent stays visible for an hour."""
        await self._connection.run(
            lambda session: session.execute(
                "DELETE FROM cutover.edge WHERE id = %s OR at < clock_timestamp() - interval '1 day'", [edge]
            ),
            repeatable=True,
        )

    async def edges(self) -> list[EdgeSeen]:
        """The edges heard of within the hour."""

        async def work(session: Session) -> list[EdgeSeen]:
            rows = await session.execute(
                "SELECT id, version, answered, held, unjournaled, extract(epoch FROM clock_timestamp() - at)::float8 "
                "FROM cutover.edge WHERE at > clock_timestamp() - interval '1 hour' ORDER BY id"
            )
            return [EdgeSeen(Beat(*row[:5]), float(str(row[5]))) for row in await rows.fetchall()]  # type: ignore[arg-type]

        return await self._connection.run(work, repeatable=True)

    async def is_joining(self) -> bool:
        """Whether a copy is being joined to the journal: until it has ended nothing may be replayed."""

        async def work(session: Session) -> bool:
            rows = await session.execute("SELECT EXISTS (SELECT FROM cutover.joining)")
            row = await rows.fetchone()
            return bool(row and row[0])

        return await self._connection.run(work, repeatable=True)

    async def note_watch(self, document: Mapping[str, Any]) -> None:
        """Show what the last look at both databases came to."""
        await self._connection.run(
            lambda session: session.execute(
                "INSERT INTO cutover.watched (at, document) VALUES (clock_timestamp(), %s) "
                "ON CONFLICT (one) DO UPDATE SET (at, document) = (excluded.at, excluded.document)",
                [Jsonb(dict(document))],
            ),
            repeatable=True,
        )

    async def note_judgement(self, judgement: Judgement) -> None:
        """Show what the guard says now; only the newest is kept, the history has those that changed something."""
        values = [judgement.who, judgement.action, judgement.rule, judgement.reason, Jsonb(dict(judgement.evidence))]
        await self._connection.run(
            lambda session: session.execute(
                "INSERT INTO cutover.judgement (at, who, action, rule, reason, evidence) "
                "VALUES (clock_timestamp(), %s, %s, %s, %s, %s) ON CONFLICT (one) DO UPDATE "
                "SET (at, who, action, rule, reason, evidence) = (excluded.at, excluded.who, excluded.action, "
                "excluded.rule, excluded.reason, excluded.evidence)",
                values,
            ),
            repeatable=True,
        )

    async def judgement(self) -> Judgement | None:
        """What the guard said last; None if it never looked."""

        async def work(session: Session) -> Judgement | None:
            rows = await session.execute(
                "SELECT who, action, rule, reason, evidence, extract(epoch FROM clock_timestamp() - at)::float8 "
                "FROM cutover.judgement"
            )
            row = await rows.fetchone()
            return None if row is None else Judgement(*row)  # type: ignore[arg-type]

        return await self._connection.run(work, repeatable=True)
