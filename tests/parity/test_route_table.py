"""The flagship's route table against what its writes really do: lanes, pins, carry, and where a 500 did nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from migration.mappings import ROTC
from migration.verify import verify
from stack.cast import Cast
from stack.operations import OPERATIONS
from stack.request import Request, Upload, form
from stack.whole.actor import NOBODY, Actor
from tests.parity.carried import Carried, Found
from tests.parity.errands import errands, mistakes, unserved
from tests.parity.stage import SECRET, Pair
from tests.parity.through import Routes

SEEDS = {"node": 20260302, "django": 20260303}
NOTHING_TO_WRITE = {"POST auth/login", "POST auth/logout"}
UNSHARED = 8  # every so many-th mistake


def half_done(cast: Cast) -> Iterator[Request]:
    """What the legacy does in part before it fails, and what hangs on people that the errands do not meet."""
    me = Actor(cast.admins[0], cast, Random(2), "half")
    mark = {"status": "late"}
    yield me.ask("POST cadets/bulk/archive", body={"ids": [11, "abc"]})
    yield me.ask("POST cadets/bulk/restore", body={"ids": ["11", 12, "abc", 13]})
    yield me.ask("POST staff/bulk/archive", body={"ids": [5, "abc"]})
    yield me.ask("POST activities/{id}/participants", id=1, body={"cadet_ids": [31, NOBODY]})
    yield me.ask("POST attendance/mark/bulk", body={"trainingDayId": 2, "records": [
        {"cadetId": 31, **mark}, {"cadetId": NOBODY, **mark}]})  # fmt: skip
    yield me.ask("POST attendance/mark/bulk", body={"trainingDayId": "2", "records": [{"cadetId": "31", **mark}]})
    yield me.ask("POST attendance/mark", body={"trainingDayId": 2, "cadetId": "031", **mark})
    yield me.ask("POST attendance/scan", body={"trainingDayId": 2, "qrData": '{"student_id": "2024-00031"}'})
    yield me.ask("POST grading/grades/bulk", body={"categoryId": 1, "term": "half", "grades": [
        {"cadetId": 31, "score": 1}, {"cadetId": 32, "score": 100000}]})  # fmt: skip
    for cadet in (cast.cadets[3].cadet_id, str(cast.cadets[4].cadet_id)):
        made = {"cadetId": cadet, "categoryId": 1, "term": "half", "score": 2}
        yield me.ask("POST grading/grades", body=made)
    yield me.ask("PUT messaging/notifications/read-all", by=cast.cadets[3])
    yield me.ask("PUT messaging/notifications/read-all", by=me.colleague())
    yield me.ask("PUT system/settings", body={"half": "1", "done": {"a": 1}, "twice": "2"})
    rows = "first_name,last_name,student_id\r\nA,B,H-1\r\nA,B,H-1\r\n"
    yield me.ask("POST cadets/import", content=form({}, [("file", Upload("a.csv", rows.encode(), "text/csv"))]))
    for letter in (1, 2, 3):
        yield me.ask("PUT attendance/excuse-letters/{id}/status", id=letter, body={"status": "approved"})
    yield me.ask("DELETE attendance/days/{id}", id=2)
    yield me.ask("PUT cadets/{id}", id="12abc", body={"religion": "x"})
    yield me.ask("PUT cadets/{id}", id="012", body={"religion": "y"})
    yield me.ask("PATCH cadets/{id}", id=12, body={"religion": "z"})


async def done(pair: Pair, active: str) -> Found:
    """Mistakes of every kind, and every errand once for each of its roles."""
    async with Carried(pair, active) as carried:
        carried.level()
        cast = Cast(SECRET)
        for request in [*[*mistakes(cast), *unserved()][::UNSHARED], *half_done(cast)]:
            await carried.ask(request)
        for errand in errands(SEEDS[active]):
            await carried.walk(errand.name, errand.of(Cast(SECRET)))
        return carried.found


def unequal(pair: Pair) -> list[str]:
    """Rows that differ. What a report's job made is nobody's request, and sequences are raised when roles change."""
    report = verify(pair.settings.node_database, pair.settings.django_database, ROTC)
    found = [one for one in report.findings if not one.note and one.kind != "sequence"]
    return [f"{one.table} {one.key} {one.column}: {one.says}" for one in found]


@pytest.fixture(scope="module", params=["node", "django"])
def found(both: Pair, request: pytest.FixtureRequest) -> Found:
    """What came of it, with the one or the other active."""
    return asyncio.run(done(both, request.param))


def test_every_write_of_the_contract_has_a_route_of_its_own() -> None:
    routes = Routes()
    for name, operation in OPERATIONS.items():
        if not name.startswith(("GET", "WS")):
            path = operation.template.format(id=1, cadet_id=1, room="general")
            assert routes.of(Request(operation.method, path)).name.endswith(f"/{operation.template}"), name


def test_every_write_of_the_contract_was_made(found: Found) -> None:
    writes = {name for name in OPERATIONS if not name.startswith(("GET", "WS"))} - NOTHING_TO_WRITE
    assert found.stopped == []
    assert writes - found.wrote.keys() == set()


def test_every_row_that_a_write_changes_is_in_one_of_its_lanes(found: Found) -> None:
    assert found.unreached == []


def test_writes_that_change_the_same_row_are_in_lanes_that_keep_their_order(found: Found) -> None:
    assert found.apart() == []


def test_what_counts_as_refused_has_changed_nothing(found: Found) -> None:
    assert found.not_refused == []


def test_a_copy_that_is_told_what_the_original_made_up_answers_the_same(found: Found) -> None:
    assert found.unlike == []
    # The legacy reads `12abc` as 12, and stores an object where a text belongs.
    assert set(found.refused_there) <= {"PUT /api/v1/cadets/12abc", "PUT /api/v1/system/settings"}


def test_where_the_request_alone_is_carried_it_leaves_the_same_rows_to_the_microsecond(found: Found) -> None:
    assert found.carried_after_request == []


def test_once_every_writes_rows_are_carried_both_databases_are_equal(found: Found, both: Pair) -> None:
    assert found.operations
    background = ("reports ", "files ", "notifications ")
    assert [told for told in unequal(both) if not told.startswith(background)] == []
