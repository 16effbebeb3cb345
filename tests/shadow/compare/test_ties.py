"""A list that has ties: equal elements may change places, also over the edge of a page, and nothing else may."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shadow.compare.verdict import Verdict
from shadow.settings import Rule
from tests.shadow.compare.test_verdict import judged, places, rule

TIED = rule("unordered", "$.data", key="id", ties=("day",))


def page(*rows: tuple[int, str | None], **more: Any) -> dict[str, Any]:
    """A page of rows with an id and the day that they are ordered by."""
    return {"data": [{"id": number, "day": day, **more} for number, day in rows]}


@pytest.mark.parametrize(("active", "standby"), [
    (page((1, "b"), (2, "b"), (3, "a")), page((2, "b"), (1, "b"), (3, "a"))),
    (page((1, None), (2, None)), page((2, None), (1, None))),
    # The tie goes on on the next page, or comes from the one before.
    (page((1, "c"), (2, "b")), page((1, "c"), (3, "b"))),
    (page((1, "b"), (2, "a")), page((3, "b"), (2, "a"))),
    (page((1, "b")), page((3, "b"))),
])  # fmt: skip
def test_elements_of_a_tie_may_change_places_also_over_the_edge_of_a_page(active: Any, standby: Any) -> None:
    outcome = judged(active, standby, TIED)
    assert (outcome.verdict, outcome.rules) == (Verdict.IGNORED, ("the-unordered",))


def test_another_order_than_the_lists_own_is_one_difference() -> None:
    outcome = judged(page((1, "b"), (2, "a")), page((2, "a"), (1, "b")), TIED)
    assert places(outcome) == [("$.data", "order")]
    assert outcome.forgiven == frozenset()


@pytest.mark.parametrize(("active", "standby", "expected"), [
    # Within a page nothing is exchanged with its neighbours.
    (page((1, "c"), (2, "b"), (3, "a")), page((1, "c"), (9, "b"), (3, "a")),
     [("$.data[1]", "missing"), ("$.data[1]", "added")]),
    # What comes for what goes must be of the same tie, and as many.
    (page((1, "b"), (2, "a")), page((1, "b"), (9, "b")), [("$.data[1]", "missing"), ("$.data[1]", "added")]),
    (page((1, "b"), (2, "a")), page((1, "b")), [("$.data[1]", "missing")]),
    (page((1, "b")), page((1, "b"), (1, "b")), [("$.data[1]", "added")]),
])  # fmt: skip
def test_a_row_that_no_tie_explains_is_a_difference(active: Any, standby: Any, expected: Any) -> None:
    assert sorted(places(judged(active, standby, TIED))) == sorted(expected)


def test_the_other_fields_of_tied_rows_are_compared_row_by_row() -> None:
    active, standby = page((1, "b"), (2, "b"), name="x"), page((2, "b"), (1, "b"), name="x")
    standby["data"][0]["name"] = "y"
    assert places(judged(active, standby, TIED)) == [("$.data[1].name", "value")]


def test_a_changed_value_of_the_field_that_orders_is_that_difference_alone() -> None:
    active, standby = page((1, "c"), (2, "b"), (3, "a")), page((1, "c"), (2, "x"), (3, "a"))
    assert places(judged(active, standby, TIED)) == [("$.data[1].day", "value")]


def test_what_a_rule_calls_equal_is_a_tie() -> None:
    instants = rule("same_instant", "$..day")
    active = page((1, "2024-08-05T01:00:00.123Z"), (2, "2024-08-05T01:00:00.123Z"))
    standby = page((2, "2024-08-05T01:00:00.123400Z"), (1, "2024-08-05T01:00:00.123900Z"))
    assert judged(active, standby, TIED, instants).verdict is Verdict.IGNORED


@given(st.lists(st.sampled_from("abc"), max_size=6), st.randoms(use_true_random=False))
def test_any_order_within_the_ties_is_allowed(days: list[str], chance: Any) -> None:
    rows = list(enumerate(sorted(days)))
    mixed = sorted(chance.sample(rows, len(rows)), key=lambda row: row[1])
    assert judged(page(*rows), page(*mixed), TIED).verdict in (Verdict.MATCHED, Verdict.IGNORED)


def test_only_a_rule_about_order_has_ties() -> None:
    with pytest.raises(ValidationError, match="ties: only a rule of kind unordered"):
        Rule(name="a", kind="ignore", reason="r", ties=("day",))  # type: ignore[arg-type]
