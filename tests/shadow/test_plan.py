from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.plan import Bucket, Skip, after_capture, before_capture, sample_point

WELL = {
    "largest": 10, "limit": 100, "connected": True, "breaker_open": False, "queued": 10, "room": 100, "tokens": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("copies", "kind", "mirror", "point", "percent", "expected"),
    [
        (True, "read", True, 0.0, 100, None),
        (True, "auth", True, 0.999, 100, None),
        (False, "read", True, 0.0, 100, Skip.RESTING),
        (True, "write", True, 0.0, 100, Skip.ROUTE),
        (True, "skip", True, 0.0, 100, Skip.ROUTE),
        (True, "read", False, 0.0, 100, Skip.ROUTE),
        (True, "read", True, 0.2499, 25, None),
        (True, "read", True, 0.25, 25, Skip.SAMPLED_OUT),
        (True, "read", True, 0.0, 0, Skip.SAMPLED_OUT),
    ],
)
def test_the_head_of_a_request_says_whether_it_is_worth_capturing(
    copies: bool, kind: str, mirror: bool, point: float, percent: float, expected: Skip | None
) -> None:
    assert before_capture(copies=copies, kind=kind, mirror=mirror, point=point, percent=percent) is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"largest": 100}, None),
        ({"largest": 101}, Skip.TOO_LARGE),
        ({"connected": False}, Skip.NO_WORKER),
        ({"breaker_open": True}, Skip.BREAKER_OPEN),
        ({"queued": 100}, None),
        ({"queued": 101}, Skip.QUEUE_FULL),
        ({"tokens": 0.99}, Skip.RATE),
        ({"tokens": 0.0, "queued": 101}, Skip.QUEUE_FULL),  # what is not handed over takes no token
    ],
)
def test_a_whole_exchange_is_handed_over_unless_something_stands_against_it(
    change: dict[str, object], expected: Skip | None
) -> None:
    assert after_capture(**{**WELL, **change}) is expected  # type: ignore[arg-type]


@pytest.mark.property_test
@given(
    rate=st.floats(0.1, 1000),
    waits=st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=200),
)
def test_a_bucket_never_gives_more_than_its_rate_and_one_second_ahead(rate: float, waits: list[float]) -> None:
    now = 0.0
    bucket = Bucket(max(1.0, rate), now)
    given_out = 0
    for wait in waits:
        now += wait
        bucket = bucket.refilled(now, rate)
        while bucket.tokens >= 1:
            bucket, given_out = bucket.taken(), given_out + 1
        assert given_out <= rate * now + max(1.0, rate) + 1e-6


def test_a_bucket_is_not_filled_by_a_clock_that_goes_back() -> None:
    empty = Bucket(0.0, 100.0)
    assert empty.refilled(90.0, 5).tokens == 0
    assert empty.refilled(90.0, 5).refilled(100.0, 5).tokens == 0


@pytest.mark.property_test
@given(st.text())
def test_a_sample_point_depends_on_the_id_alone(request_id: str) -> None:
    assert sample_point(request_id) == sample_point(request_id)
    assert 0 <= sample_point(request_id) < 1


def test_a_quarter_of_the_points_lies_in_each_quarter() -> None:
    points = [sample_point(f"request-{n}") for n in range(4000)]
    for quarter in range(4):
        assert 900 < sum(int(point * 4) == quarter for point in points) < 1100
