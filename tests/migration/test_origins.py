"""Whose change a differing row is: decided from numbers of transactions alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.origins import NUMBERS, Look, Marks, Moment, Origin, Written, due, origin, written

NUMBER = st.integers(3, 2**40)


@pytest.mark.parametrize(
    ("active", "standby", "whose"),
    [
        (Written.SINCE, Written.BEFORE, Origin.ACTIVE),  # changed there
        (Written.SINCE, Written.ABSENT, Origin.ACTIVE),  # inserted there
        (Written.ABSENT, Written.BEFORE, Origin.ACTIVE),  # removed there
        (Written.SINCE, Written.SINCE, Origin.ACTIVE),  # both: the active side's rows are the truth
        (Written.BEFORE, Written.BEFORE, Origin.ACTIVE),  # nobody knows
        (Written.BEFORE, Written.SINCE, Origin.STANDBY),  # changed there
        (Written.BEFORE, Written.ABSENT, Origin.STANDBY),  # removed there
        (Written.ABSENT, Written.SINCE, Origin.STANDBY),  # inserted there: perhaps somebody's only copy
    ],
)
def test_a_difference_belongs_to_the_side_that_was_written_since_both_were_equal(
    active: Written, standby: Written, whose: Origin
) -> None:
    assert origin(active, standby) is whose


@pytest.mark.property_test
@given(NUMBER, NUMBER, NUMBER)
def test_the_last_32_bits_of_a_transaction_tell_when_it_was(number: int, age: int, mark: int) -> None:
    following = number + 1 + age % (NUMBERS - 1)
    expected = Written.SINCE if number >= mark else Written.BEFORE
    assert written(number % NUMBERS, following, mark) is expected


def test_a_row_that_is_not_there_was_not_written_and_without_a_mark_nobody_knows() -> None:
    assert written(None, 10, 5) is Written.ABSENT
    assert written(7, 10, None) is Written.SINCE


ROWS = st.frozensets(st.integers(1, 7))


@pytest.mark.property_test
@given(st.lists(ROWS, max_size=8), st.integers(1, 7))
def test_a_row_remembers_the_last_look_at_which_it_was_equal(looks: list[frozenset[int]], row: int) -> None:
    marks, expected = Marks(), None
    for number, differing in enumerate(looks, 1):
        marks = marks.after([(str(key),) for key in differing], Moment(number, number))
        expected = expected if row in differing else Moment(number, number)
    assert marks.of((str(row),)) == expected


@pytest.mark.parametrize(("moment", "kept"), [(Moment(9, 9), True), (Moment(4, 9), False), (Moment(9, 4), False)])
def test_marks_mean_nothing_once_a_server_counts_from_an_earlier_number(moment: Moment, kept: bool) -> None:
    marks = Marks().after((), Moment(5, 5)).after([("1",)], Moment(8, 8))
    assert (marks.unless_turned_back(moment) == marks) is kept


def test_a_table_is_due_when_it_was_written_to_or_not_looked_at_for_long_or_nobody_can_know() -> None:
    looks = {name: Look(100.0, 7) for name in ("still", "written", "silent server", "old")} | {"old": Look(30.0, 7)}
    traces = {"still": 7, "written": 8, "old": 7, "new": 7}
    names = ["still", "written", "silent server", "old", "new"]
    assert due(names, looks, traces, now=110.0, every=60.0) == ["written", "silent server", "old", "new"]
