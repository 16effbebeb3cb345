"""Every write of the contract on both backends, by everybody, with good and bad input: answers and rows stay equal."""

from __future__ import annotations

import asyncio

import pytest

from stack.operations import OPERATIONS
from tests.parity.errands import errands
from tests.parity.made_up import Sides
from tests.parity.rows import differing
from tests.parity.stage import Pair
from tests.parity.writing import done

SEED = 20260301
UNMIRRORED = {"GET /uploads/{name}", "GET reports/{id}", "GET reports/{id}/download"}
ONE = "0b0e6c4e-1f5d-4c3a-9d2b-6a1f0e9b7c55"
OTHER = "7c1d2e3f-4a5b-4c6d-8e9f-0a1b2c3d4e5f"


@pytest.mark.timeout(240)
def test_every_write_by_everybody_is_answered_alike_and_leaves_the_same_rows(both: Pair) -> None:
    tally = asyncio.run(done(both, errands(SEED), share=4))
    assert tally.unexplained == []
    assert tally.stopped == []
    assert set(tally.operations) >= UNMIRRORED | {name for name in OPERATIONS if not name.startswith(("GET", "WS"))}
    assert differing(both.settings.node_database, both.settings.django_database) == {}


def test_the_rows_tell_a_lost_write_from_none(both: Pair) -> None:
    before = differing(both.settings.node_database, both.settings.django_database)
    both.execute("UPDATE cadets SET religion = 'both' WHERE id = 5")
    assert differing(both.settings.node_database, both.settings.django_database) == before


def test_a_value_that_each_side_made_up_keeps_its_name_and_another_one_gets_another() -> None:
    sides = Sides("/srv")
    first = sides.shared(f'{{"id":"{ONE}"}}'.encode(), f'{{"id":"{OTHER}"}}'.encode(), are_new=True)
    assert first[0] == first[1] != f'{{"id":"{ONE}"}}'.encode()
    again = sides.shared(f'{{"file":"{ONE}"}}'.encode(), f'{{"file":"{OTHER}"}}'.encode(), are_new=False)
    assert again[0] == again[1]
    crossed = sides.shared(ONE.encode(), OTHER.replace("7c", "8c").encode(), are_new=False)
    assert crossed[0] != crossed[1]


def test_a_time_that_is_not_of_this_moment_stays_what_it_is() -> None:
    texts = b'"2024-08-05T01:00:00.000Z"', b'"2024-08-05T09:00:00.000Z"'
    assert Sides("/srv").shared(*texts, are_new=True) == texts
