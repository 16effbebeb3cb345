"""The statements behind the store: what start-up makes, what a reading asks for, what a change writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from psycopg.types.json import Jsonb

from proxy.config import Config
from proxy.errors import Conflict
from proxy.postgres import Session
from proxy.release.changes import Record, difference
from proxy.state import ControlState, GuardState, Phase

PREPARING = 0x6375746F766572  # "cutover": the advisory lock that start-up takes

# Nothing but the version comes back while it is the one seen last: pins may be many, and every edge asks often.
LOAD = """
SELECT s.version, c.epoch, c.active, c.standby, c.phase, s.share, s.guard, s.guard_reason, s.guard_since,
       CASE WHEN c.epoch IS NOT NULL THEN (SELECT jsonb_object_agg(route, share) FROM cutover.route_share) END,
       CASE WHEN c.epoch IS NOT NULL THEN (SELECT jsonb_object_agg(key, backend) FROM cutover.pin) END
FROM cutover.setting s LEFT JOIN cutover.control c ON s.version <> %s
"""


async def first_state(session: Session, config: Config) -> None:
    """The rows of a new deployment, with the first of its history; nothing where there are some."""
    made = await session.execute(
        "INSERT INTO cutover.control (epoch, active, standby, phase) VALUES (1, %s, %s, %s) ON CONFLICT DO NOTHING",
        [config.active, config.other(config.active), Phase.RESTING],
    )
    await session.execute(
        "INSERT INTO cutover.setting (version, share, guard) VALUES (1, 0, %s) ON CONFLICT DO NOTHING",
        [GuardState.ARMED],
    )
    if made.rowcount:
        became = {"epoch": 1, "active": config.active, "phase": Phase.RESTING.value, "share": 0.0}
        await session.execute(
            "INSERT INTO cutover.history (version, epoch, kind, was, became, why, who) "
            "VALUES (1, 1, 'new', %s, %s, %s, %s)",
            [Jsonb({}), Jsonb(became), "the first start of this deployment", "cutover serve"],
        )


async def compare_and_set(session: Session, seen: ControlState, after: ControlState) -> None:
    """Write what differs, if `seen` is still the state. Raises Conflict."""
    changed = await session.execute(
        "UPDATE cutover.setting SET version = %s, share = %s, guard = %s, guard_reason = %s, guard_since = %s "
        "WHERE version = %s",
        [after.version, after.share, after.guard, after.guard_reason, after.guard_since, seen.version],
    )
    if changed.rowcount != 1:
        raise Conflict(f"the state is no longer at version {seen.version}: read it again and decide again")
    if after.phase is not seen.phase:
        await session.execute("UPDATE cutover.control SET phase = %s", [after.phase])
        if after.phase is Phase.RESTING:
            await session.execute("DELETE FROM cutover.joining")  # a copy that was begun is given up
    if after.route_shares != seen.route_shares:
        await session.execute("DELETE FROM cutover.route_share")
        await _insert(session, "INSERT INTO cutover.route_share (route, share) VALUES (%s, %s)", after.route_shares)
    if after.pins != seen.pins:
        await session.execute("DELETE FROM cutover.pin")
        await _insert(session, "INSERT INTO cutover.pin (key, backend) VALUES (%s, %s)", after.pins)


async def _insert(session: Session, query: str, rows: Mapping[str, object]) -> None:
    if rows:
        async with session.cursor() as cursor:
            await cursor.executemany(query, list(rows.items()))


async def write_history(session: Session, before: ControlState, after: ControlState, record: Record) -> None:
    """The row that tells of a change."""
    was, became = difference(before, after)
    await session.execute(
        "INSERT INTO cutover.history (version, epoch, kind, was, became, why, who, evidence) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            after.version,
            after.epoch,
            record.kind,
            Jsonb(was),
            Jsonb(became),
            record.why,
            record.who,
            Jsonb(dict(record.evidence)),
        ],
    )


async def note(session: Session, record: Record) -> None:
    """The row of history of what changes nothing in the state itself."""
    await session.execute(
        "INSERT INTO cutover.history (version, epoch, kind, was, became, why, who, evidence) "
        "SELECT s.version, c.epoch, %s, '{}', '{}', %s, %s, %s FROM cutover.setting s, cutover.control c",
        [record.kind, record.why, record.who, Jsonb(dict(record.evidence))],
    )


def state_of(row: Sequence[Any]) -> ControlState:
    """The answer of LOAD as a value."""
    version, epoch, active, standby, phase, share, guard, reason, since, route_shares, pins = row
    return ControlState(
        version=version,
        epoch=epoch,
        active=active,
        standby=standby,
        phase=Phase(phase),
        share=share,
        route_shares=MappingProxyType(route_shares or {}),
        pins=MappingProxyType(pins or {}),
        guard=GuardState(guard),
        guard_reason=reason,
        guard_since=since,
    )
