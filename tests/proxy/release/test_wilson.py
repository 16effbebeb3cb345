"""The interval is honest about few requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.release.wilson import wilson


def test_nothing_seen_means_that_everything_is_possible() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("failed", "requests", "low", "high"),
    [(0, 10, 0.0, 0.3989), (1, 1, 0.1310, 1.0), (5, 10, 0.1834, 0.8166), (30, 100, 0.1976, 0.4273)],
)
def test_it_agrees_with_the_textbook(failed: int, requests: int, low: float, high: float) -> None:
    assert wilson(failed, requests) == pytest.approx((low, high), abs=2e-3)


@pytest.mark.property_test
@given(st.integers(1, 10_000), st.data())
def test_it_holds_the_plain_ratio_and_stays_between_none_and_all(requests: int, data: st.DataObject) -> None:
    failed = data.draw(st.integers(0, requests))
    interval = wilson(failed, requests)
    assert 0 <= interval.low <= failed / requests + 1e-12
    assert failed / requests - 1e-12 <= interval.high <= 1


@pytest.mark.property_test
@given(st.integers(1, 10_000), st.data())
def test_one_more_failure_never_lowers_it(requests: int, data: st.DataObject) -> None:
    failed = data.draw(st.integers(0, requests - 1))
    assert wilson(failed, requests).low <= wilson(failed + 1, requests).low
    assert wilson(failed, requests).high <= wilson(failed + 1, requests).high


@pytest.mark.property_test
@given(st.integers(1, 500), st.integers(2, 20), st.data())
def test_the_same_rate_over_more_requests_is_more_certain(requests: int, times: int, data: st.DataObject) -> None:
    failed = data.draw(st.integers(0, requests))
    assert wilson(failed * times, requests * times).low >= wilson(failed, requests).low - 1e-12
