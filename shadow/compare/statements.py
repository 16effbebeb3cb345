"""The ledger's SQL: how sums are added to the tables, and how reports are read from them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from shadow.compare.pending import Pending
from shadow.compare.reports import Group, GroupDetail, GroupStatus, NoiseReport, RouteTotals, totalled
from shadow.compare.session import Session
from shadow.compare.summary import Example

_MINUTES_KEPT = 2 * 86400.0

# Rows are added in the order of their keys, so that two workers cannot wait for each other.
_ADD_MINUTES = """
INSERT INTO cutover.verdict_minute AS old (minute, route, verdict, reason, count)
SELECT to_timestamp(minute), route, verdict, reason, count
FROM unnest(%s::float8[], %s::text[], %s::text[], %s::text[], %s::int8[]) AS new (minute, route, verdict, reason, count)
ORDER BY 1, 2, 3, 4
ON CONFLICT (minute, route, verdict, reason) DO UPDATE SET count = old.count + excluded.count
"""
_ADD_DAYS = """
INSERT INTO cutover.verdict_day AS old (day, route, verdict, reason, count)
SELECT (to_timestamp(minute) AT TIME ZONE 'UTC')::date, route, verdict, reason, sum(count)
FROM unnest(%s::float8[], %s::text[], %s::text[], %s::text[], %s::int8[]) AS new (minute, route, verdict, reason, count)
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
ON CONFLICT (day, route, verdict, reason) DO UPDATE SET count = old.count + excluded.count
"""
_ADD_RULES = """
INSERT INTO cutover.rule_use AS old (route, rule, count)
SELECT * FROM unnest(%s::text[], %s::text[], %s::int8[]) ORDER BY 1, 2
ON CONFLICT (route, rule) DO UPDATE SET count = old.count + excluded.count
"""
_ADD_GROUPS = """
INSERT INTO cutover.mismatch AS old (id, route, pattern, kind, count, first_seen, last_seen)
SELECT id, route, pattern, kind, count, to_timestamp(first_seen), to_timestamp(last_seen)
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::int8[], %s::float8[], %s::float8[])
     AS new (id, route, pattern, kind, count, first_seen, last_seen)
ORDER BY 1
ON CONFLICT (id) DO UPDATE SET count = old.count + excluded.count, rule = NULL,
    first_seen = least(old.first_seen, excluded.first_seen), last_seen = greatest(old.last_seen, excluded.last_seen)
"""
_ADD_NOISE = """
INSERT INTO cutover.noise AS old (route, pattern, kind, rule, count, first_seen, last_seen)
SELECT route, pattern, kind, rule, count, to_timestamp(first_seen), to_timestamp(last_seen)
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::int8[], %s::float8[], %s::float8[])
     AS new (route, pattern, kind, rule, count, first_seen, last_seen)
ORDER BY 1, 2
ON CONFLICT (route, pattern) DO UPDATE SET count = old.count + excluded.count, kind = excluded.kind,
    rule = excluded.rule, last_seen = greatest(old.last_seen, excluded.last_seen)
"""
# The same as pending.stands_for: what a rule allowed is what the group is about, and the group was not seen since.
_MARK_FORGIVEN = """
UPDATE cutover.mismatch AS old SET rule = new.rule
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::float8[])
     AS new (route, rule, pattern, kind, below, at)
WHERE old.route = new.route AND old.last_seen <= to_timestamp(new.at) AND old.rule IS DISTINCT FROM new.rule
  AND (old.pattern = new.pattern AND (new.below OR old.kind = new.kind)
       OR new.below AND (starts_with(old.pattern, new.pattern || '.') OR starts_with(old.pattern, new.pattern || '[')))
"""
_ADD_EXAMPLE = """
INSERT INTO cutover.example (mismatch, place, at, content)
SELECT %(group)s, place, to_timestamp(%(at)s), %(content)s FROM generate_series(1, %(most)s) AS place
WHERE place NOT IN (SELECT place FROM cutover.example WHERE mismatch = %(group)s)
ORDER BY place LIMIT 1
ON CONFLICT DO NOTHING
"""
_FULL = "SELECT mismatch FROM cutover.example WHERE mismatch = ANY(%s) GROUP BY mismatch HAVING count(*) >= %s"
_GROUPS = """
SELECT id, route, pattern, kind, count, first_seen, last_seen, rule FROM cutover.mismatch
WHERE (%(route)s::text IS NULL OR route = %(route)s) AND (%(id)s::text IS NULL OR id = %(id)s)
ORDER BY rule IS NOT NULL, count DESC, id LIMIT %(limit)s OFFSET %(offset)s
"""
_TABLES = "verdict_minute, verdict_day, rule_use, mismatch, example, noise"


async def add(session: Session, pending: Pending) -> set[str]:
    """Add the sums to the tables; returns the groups that have all the examples they may have."""
    counts = [(minute, *rest, count) for (minute, *rest), count in pending.counts.items()]
    await _all(session, _ADD_MINUTES, counts)
    await _all(session, _ADD_DAYS, counts)
    await _all(session, _ADD_RULES, [(*use, count) for use, count in pending.rules.items()])
    groups = [
        (id, g.key.route, g.key.pattern, g.key.kind.value, g.count, g.first, g.last) for id, g in pending.groups.items()
    ]
    await _all(session, _ADD_GROUPS, groups)
    forgiven = [(route, f.rule, f.pattern, f.kind.value, f.below, at) for (route, f), at in pending.forgiven.items()]
    await _all(session, _MARK_FORGIVEN, forgiven)
    noise = [(n.proposal, n.count, n.first, n.last) for n in pending.noise.values()]
    await _all(session, _ADD_NOISE, [(p.route, p.pattern, p.kind, p.rule, *rest) for p, *rest in noise])
    await _add_examples(session, pending)
    full = await session.execute(_FULL, [list(pending.groups), pending.most_examples])
    return {row[0] for row in await full.fetchall()}


async def remove_old(session: Session, now: float, retention: float) -> None:
    """Remove examples and minutes that are past their time."""
    await session.execute("DELETE FROM cutover.example WHERE at < to_timestamp(%s)", [now - retention])
    await session.execute("DELETE FROM cutover.verdict_minute WHERE minute < to_timestamp(%s)", [now - _MINUTES_KEPT])


async def clear(session: Session) -> None:
    """Empty all tables."""
    await session.execute("TRUNCATE " + ", ".join(f"cutover.{name}" for name in _TABLES.split(", ")))


async def groups(session: Session, route: str | None, limit: int, offset: int) -> list[Group]:
    """Open ones first, then by count."""
    values = {"route": route, "id": None, "limit": limit, "offset": offset}
    return [_group(row) for row in await (await session.execute(_GROUPS, values)).fetchall()]


async def group(session: Session, id: str) -> GroupDetail | None:
    """One group with its examples, oldest first."""
    values = {"route": None, "id": id, "limit": 1, "offset": 0}
    row = await (await session.execute(_GROUPS, values)).fetchone()
    if row is None:
        return None
    found = await session.execute("SELECT content FROM cutover.example WHERE mismatch = %s ORDER BY at, place", [id])
    return GroupDetail(_group(row), tuple(Example(**content) for (content,) in await found.fetchall()))


async def totals(session: Session) -> list[RouteTotals]:
    """The sums per route."""
    sums = await session.execute(
        "SELECT route, verdict, reason, sum(count)::int8 FROM cutover.verdict_day GROUP BY 1, 2, 3"
    )
    uses = await session.execute("SELECT route, rule, count FROM cutover.rule_use ORDER BY 1, 2")
    return totalled(await sums.fetchall(), await uses.fetchall())


async def noise(session: Session) -> list[NoiseReport]:
    """Proposed rules, the most frequent first."""
    found = await session.execute(
        "SELECT route, pattern, kind, rule, count, first_seen, last_seen FROM cutover.noise "
        "ORDER BY count DESC, route, pattern"
    )
    return [
        NoiseReport(route, pattern, kind, rule, count, _utc(first), _utc(last))
        for route, pattern, kind, rule, count, first, last in await found.fetchall()
    ]


async def _all(session: Session, statement: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        columns = zip(*rows, strict=True)
        await session.execute(statement.encode(), [[_clean(value) for value in column] for column in columns])


async def _add_examples(session: Session, pending: Pending) -> None:
    for id, entry in pending.groups.items():
        for example in entry.examples[: pending.most_examples]:
            content = Jsonb({name: _clean(value) for name, value in asdict(example).items()})
            values = {"group": id, "at": example.at, "content": content, "most": pending.most_examples}
            await session.execute(_ADD_EXAMPLE, values)


def _clean(value: Any) -> Any:
    """PostgreSQL's text cannot hold NUL, nor half of a surrogate pair; one odd field must not stop all others."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _group(row: tuple[Any, ...]) -> Group:
    id, route, pattern, kind, count, first, last, rule = row
    status = GroupStatus.OPEN if rule is None else GroupStatus.IGNORED
    return Group(id, route, pattern, kind, count, _utc(first), _utc(last), status, rule)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
