"""The flagship's route table against what its writes really do: lanes, pins, carry, and where a 500 did nothing."""

from __future__ import annotations

import asyncio

import pytest

from migration.mappings import ROTC
from migration.verify import verify
from stack.cast import Cast
from stack.operations import OPERATIONS
from tests.parity.carried import Carried, Found
from tests.parity.errands import errands, mistakes, unserved
from tests.parity.stage import SECRET, Pair

SEED = 20260302
NOTHING_TO_WRITE = {"POST auth/login", "POST auth/logout"}
UNSHARED = 4  # every so many-th mistake


async def done(pair: Pair) -> Found:
    """Mistakes of every kind, and every errand once for each of its roles."""
    async with Carried(pair) as carried:
        cast = Cast(SECRET)
        for request in [*mistakes(cast), *unserved()][::UNSHARED]:
            await carried.ask(request)
        for errand in errands(SEED):
            await carried.walk(errand.name, errand.of(Cast(SECRET)))
        return carried.found


def unequal(pair: Pair) -> list[str]:
    """Rows that differ. What a report's job made is nobody's request, and sequences are raised when roles change."""
    report = verify(pair.settings.node_database, pair.settings.django_database, ROTC)
    found = [one for one in report.findings if not one.note and one.kind != "sequence"]
    return [f"{one.table} {one.key} {one.column}: {one.says}" for one in found]


@pytest.fixture(scope="module")
def found(both: Pair) -> Found:
    """What came of it."""
    assert unequal(both) == []
    return asyncio.run(done(both))


def test_every_write_of_the_contract_was_made(found: Found) -> None:
    writes = {name for name in OPERATIONS if not name.startswith(("GET", "WS"))} - NOTHING_TO_WRITE
    assert found.stopped == []
    assert writes - found.wrote.keys() == set()


def test_every_row_that_a_write_changes_is_in_one_of_its_lanes(found: Found) -> None:
    assert found.unreached == []


def test_what_counts_as_refused_has_changed_nothing(found: Found) -> None:
    assert found.not_refused == []


def test_a_copy_that_is_told_what_the_original_made_up_answers_the_same(found: Found) -> None:
    assert found.unlike == []


def test_where_the_request_alone_is_carried_it_leaves_the_same_rows_to_the_microsecond(found: Found) -> None:
    assert found.carried_after_request == []


def test_once_every_writes_rows_are_carried_both_databases_are_equal(found: Found, both: Pair) -> None:
    assert found.operations
    background = ("reports ", "files ", "notifications ")
    assert [told for told in unequal(both) if not told.startswith(background)] == []
