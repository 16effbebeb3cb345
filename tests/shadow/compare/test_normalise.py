from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.compare.normalise import instant_of, same_instant, same_number

NODE = "2024-08-05T01:00:00.123Z"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("290", 290, True),
        (290, "290", True),
        ("92.50", 92.5, True),
        ("-0.5", -0.5, True),
        ("92.50", "92.5", False),  # two strings that differ are a difference
        (290, 290.0, False),  # no string: not this rule's business
        ("0290", 290, False),
        (" 290", 290, False),
        ("2.9e2", 290, False),
        ("", 0, False),
        ("1", True, False),
        (None, 0, False),
        ("9" * 500, 1, False),
        ("9007199254740993", 9007199254740992, False),
    ],
)
def test_a_number_may_be_spelled_as_a_string_and_nothing_else(one: Any, other: Any, expected: bool) -> None:
    assert same_number(one, other) is expected


@pytest.mark.parametrize(
    ("one", "other", "precision", "expected"),
    [
        (NODE, "2024-08-05T01:00:00.123456Z", "ms", True),
        (NODE, "2024-08-05T01:00:00.123456Z", "us", False),
        (NODE, "2024-08-05T01:00:00.124000Z", "ms", False),
        (NODE, "2024-08-05T01:00:00Z", "s", True),
        (NODE, "2024-08-05T03:00:00.123+02:00", "us", True),
        (NODE, "2024-08-04 21:30:00.123-0330", "us", True),
        ("2003-04-05T00:00:00.000Z", "2003-04-05", "us", True),
        ("2003-04-04T16:00:00.000Z", "2003-04-05", "us", False),  # a midnight somewhere else
        (NODE, "2024-08-05T01:00:00.123", "ms", False),  # a time without a zone names no moment
        ("2024-02-30", "2024-02-30", "ms", False),
        ("2024-08-05T24:00:00Z", "2024-08-06T00:00:00Z", "ms", False),
        ("2024-08-05T01:60:00Z", "2024-08-05T02:00:00Z", "ms", False),
        (1722819600, "2024-08-05T01:00:00Z", "ms", False),
        ("0001-01-01T00:00:00+10:00", "0001-01-01T00:00:00+10:00", "ms", False),
    ],
)
def test_the_same_moment_may_be_written_in_two_ways(one: Any, other: Any, precision: str, expected: bool) -> None:
    assert same_instant(one, other, precision) is expected


@pytest.mark.property_test
@given(
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),
    st.integers(-14 * 60, 14 * 60),
    st.integers(-14 * 60, 14 * 60),
)
def test_a_moment_is_the_same_in_every_zone(naive: datetime, one: int, other: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    written = [moment.astimezone(timezone(timedelta(minutes=zone))).isoformat() for zone in (one, other)]
    assert same_instant(*written, "us")
    assert not same_instant(written[0], (moment + timedelta(microseconds=1)).isoformat(), "us")


@pytest.mark.property_test
@given(st.text())
def test_any_text_at_all_can_be_asked_for_its_instant(text: str) -> None:
    instant_of(text, "ms")
