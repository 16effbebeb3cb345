"""What every ledger promises; the same tests run over the fake and over PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import pytest

from shadow.compare.ledger import PostgresLedger
from shadow.compare.reports import GroupStatus, Ledger
from shadow.compare.summary import Example, GroupKey, Judged, Mismatch, Proposal
from shadow.compare.verdict import Verdict
from shadow.compare.walk import Forgiven, Kind
from shadow.settings import CompareSettings
from shadow.testing import InMemoryLedger

READ, LIST = "GET /api/v1/cadets/{id}", "GET /api/v1/cadets"
NAME, TOTAL = GroupKey(READ, "$.name", Kind.VALUE), GroupKey(LIST, "$.total", Kind.TYPE)
NOON = 1_770_000_000.0
EXAMPLE = Example(
    NOON, "x-1", "GET", "/api/v1/cadets/57", "$.name", '"Alice"', '"Bob"', 200, 200, '{"name":"Alice"}', "b\0\udc00"
)


class Flushed(Ledger, Protocol):
    """A ledger that can be told to write now."""

    async def flush(self) -> bool: ...


@pytest.fixture(params=["fake", "postgres"])
async def ledger(request: pytest.FixtureRequest) -> AsyncIterator[Flushed]:
    settings = CompareSettings(examples=2)
    if request.param == "fake":
        yield InMemoryLedger(settings)
        return
    fresh_database: Callable[[], str] = request.getfixturevalue("fresh_database")
    async with PostgresLedger(fresh_database(), settings) as real:
        yield real


def mismatched(*keys: GroupKey, at: float = NOON, example: Example | None = None) -> Judged:
    return Judged(at, keys[0].route, Verdict.MISMATCHED, mismatches=tuple(Mismatch(key, example) for key in keys))


async def test_a_new_ledger_is_empty(ledger: Flushed) -> None:
    assert await ledger.groups() == await ledger.totals() == await ledger.noise() == []
    assert await ledger.group("0123456789abcdef") is None


async def test_verdicts_add_up_per_route(ledger: Flushed) -> None:
    for _ in range(3):
        ledger.record(Judged(NOON, READ, Verdict.MATCHED))
    ledger.record(
        Judged(NOON + 3600 * 30, READ, Verdict.IGNORED, forgiven=frozenset({Forgiven("r", "$.a", Kind.VALUE)}))
    )
    ledger.record(mismatched(NAME))
    await ledger.flush()
    ledger.record(Judged(NOON, READ, Verdict.NOT_COMPARED, "too_large"))
    ledger.record(Judged(NOON, READ, Verdict.FAILED, "timeout"))
    ledger.record(Judged(NOON, READ, Verdict.MOVING))
    ledger.record(Judged(NOON, LIST, Verdict.FAILED, "timeout"))
    await ledger.flush()
    listed, read = await ledger.totals()
    assert (listed.route, listed.compared, listed.match_rate) == (LIST, 0, None)
    assert read.verdicts == {
        "matched": 3, "ignored": 1, "mismatched": 1, "not_compared": 1, "failed": 1, "moving": 1,
    }  # fmt: skip
    assert (read.compared, read.match_rate) == (5, 0.8)
    assert read.not_compared == {"too_large": 1, "timeout": 1}
    assert read.rules == {"r": 1}


async def test_mismatches_are_grouped_with_when_they_were_seen(ledger: Flushed) -> None:
    for at in (NOON + 5, NOON, NOON + 9):
        ledger.record(mismatched(NAME, at=at))
        await ledger.flush()
    ledger.record(mismatched(TOTAL))
    await ledger.flush()
    first, second = await ledger.groups()
    assert (first.id, first.route, first.pattern, first.kind) == (NAME.id, READ, "$.name", "value")
    assert (first.count, second.count, first.status, first.rule) == (3, 1, GroupStatus.OPEN, None)
    assert first.first_seen == datetime.fromtimestamp(NOON, UTC)
    assert first.last_seen == datetime.fromtimestamp(NOON + 9, UTC)


async def test_groups_can_be_asked_for_by_route_and_page(ledger: Flushed) -> None:
    keys = [GroupKey(READ, f"$.f{n}", Kind.VALUE) for n in range(5)]
    for times, key in enumerate(keys, start=1):
        for _ in range(times):
            ledger.record(mismatched(key))
    ledger.record(mismatched(TOTAL))
    await ledger.flush()
    assert [group.pattern for group in await ledger.groups(route=READ, limit=2, offset=1)] == ["$.f3", "$.f2"]
    assert [group.id for group in await ledger.groups(route=LIST)] == [TOTAL.id]
    assert len(await ledger.groups(limit=100)) == 6


async def test_a_few_examples_are_kept_and_no_more_are_wanted(ledger: Flushed) -> None:
    assert ledger.wants_example(NAME.id)
    for n in range(4):
        ledger.record(mismatched(NAME, example=replace(EXAMPLE, request=f"x-{n}", at=NOON + n)))
    await ledger.flush()
    assert not ledger.wants_example(NAME.id)
    assert ledger.wants_example(TOTAL.id)
    detail = await ledger.group(NAME.id)
    assert detail is not None
    assert [example.request for example in detail.examples] == ["x-0", "x-1"]
    assert (detail.group.count, detail.examples[0].active, detail.examples[0].standby_status) == (4, '"Alice"', 200)


async def test_a_rule_settles_a_group_until_it_is_seen_again(ledger: Flushed) -> None:
    forgiven = Judged(NOON + 1, READ, Verdict.IGNORED, forgiven=frozenset({Forgiven("names", "$.name", Kind.VALUE)}))
    ledger.record(mismatched(NAME))
    ledger.record(mismatched(TOTAL))
    ledger.record(forgiven)
    await ledger.flush()
    first, settled = await ledger.groups()
    assert (first.id, first.status) == (TOTAL.id, GroupStatus.OPEN)
    assert (settled.status, settled.rule) == (GroupStatus.IGNORED, "names")
    ledger.record(mismatched(NAME, at=NOON + 2))
    await ledger.flush()
    assert {group.status for group in await ledger.groups()} == {GroupStatus.OPEN}


async def test_a_group_that_was_seen_after_its_rule_is_open(ledger: Flushed) -> None:
    ledger.record(Judged(NOON, READ, Verdict.IGNORED, forgiven=frozenset({Forgiven("names", "$.name", Kind.VALUE)})))
    ledger.record(mismatched(NAME, at=NOON + 1))
    await ledger.flush()
    assert [group.status for group in await ledger.groups()] == [GroupStatus.OPEN]


async def test_a_rule_settles_what_is_below_its_place_and_nothing_else(ledger: Flushed) -> None:
    patterns = ["$.user.name", "$.user[*]", "$.users", "$.use", "$.user"]
    ledger.record(mismatched(*(GroupKey(READ, pattern, Kind.TYPE) for pattern in patterns)))
    ledger.record(mismatched(GroupKey(LIST, "$.user", Kind.TYPE)))
    below = Forgiven("user", "$.user", Kind.VALUE, below=True)
    exact = Forgiven("exact", "$.users", Kind.VALUE)
    ledger.record(Judged(NOON, READ, Verdict.IGNORED, forgiven=frozenset({below, exact})))
    await ledger.flush()
    settled = {group.pattern for group in await ledger.groups() if group.status is GroupStatus.IGNORED}
    assert settled == {"$.user.name", "$.user[*]", "$.user"}


async def test_noise_is_proposed_once_for_each_place(ledger: Flushed) -> None:
    proposals = Proposal(READ, "$.up", "ignore", "- name: a\n"), Proposal(READ, "$.at", "same_instant", "- name: b\n")
    ledger.record(Judged(NOON, READ, Verdict.MATCHED, noise=proposals))
    ledger.record(Judged(NOON + 7, READ, Verdict.NOISE, noise=proposals[:1]))
    await ledger.flush()
    first, second = await ledger.noise()
    assert (first.pattern, first.kind, first.rule, first.count) == ("$.up", "ignore", "- name: a\n", 2)
    assert (second.pattern, second.count) == ("$.at", 1)
    assert first.last_seen == datetime.fromtimestamp(NOON + 7, UTC)


async def test_clearing_forgets_everything_and_counting_goes_on(ledger: Flushed) -> None:
    for _ in range(3):
        ledger.record(mismatched(NAME, example=EXAMPLE))
    ledger.record(Judged(NOON, READ, Verdict.MATCHED, noise=(Proposal(READ, "$.up", "ignore", "-"),)))
    await ledger.flush()
    await ledger.clear()
    assert await ledger.groups() == await ledger.totals() == await ledger.noise() == []
    assert ledger.wants_example(NAME.id)
    ledger.record(mismatched(NAME, example=EXAMPLE))
    await ledger.flush()
    (group,) = await ledger.groups()
    assert group.count == 1


async def test_odd_names_are_kept_readable(ledger: Flushed) -> None:
    key = GroupKey(READ, "$['\0 ?%(x)s']", Kind.VALUE)
    ledger.record(mismatched(key, example=EXAMPLE))
    await ledger.flush()
    (group,) = await ledger.groups()
    assert group.id == key.id
