"""Windows over what was counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.release.readings import Counts, Readings, Second

NOW = 10_000


def readings(*per_second: tuple[int, int, int]) -> Readings:
    """Seconds ago, requests, failed."""
    seconds = [Second(NOW - ago, {("new", "r"): Counts(requests, failed)}) for ago, requests, failed in per_second]
    return Readings(NOW, tuple(sorted(seconds, key=lambda second: second.at)))


@pytest.mark.parametrize(
    ("samples", "requests", "seconds"),
    [
        (1, 10, 120),  # enough within the window
        (10, 10, 120),
        (11, 17, 301),  # widened just far enough
        (100, 26, 1501),  # never enough: as wide as is allowed
    ],
)
def test_a_window_is_widened_only_until_it_holds_enough(samples: int, requests: int, seconds: int) -> None:
    seen = readings((0, 5, 0), (119, 5, 1), (300, 7, 2), (1500, 9, 3), (1800, 50, 50))
    window = seen.window("new", 120, 1800, samples)
    assert (window.counts.requests, window.seconds) == (requests, seconds)


def test_nothing_before_the_arming_is_looked_at() -> None:
    seen = readings((0, 5, 0), (50, 5, 5))
    assert seen.window("new", 120, 1800, 20, since=NOW - 49).counts == Counts(5, 0)
    assert seen.window("new", 120, 1800, 20, since=NOW - 50).counts == Counts(10, 5)


def test_the_other_backends_counts_are_not_mixed_in() -> None:
    seen = Readings(NOW, (Second(NOW, {("new", "r"): Counts(1), ("old", "r"): Counts(9, 9)}),))
    assert seen.window("new", 120, 120, 1).counts == Counts(1)


def test_counts_are_told_by_route() -> None:
    seen = Readings(
        NOW,
        (
            Second(NOW - 60, {("new", "a"): Counts(5, 5)}),
            Second(NOW - 1, {("new", "a"): Counts(1), ("new", "b"): Counts(2, 1), ("old", "a"): Counts(3)}),
            Second(NOW, {("new", "a"): Counts(1)}),
        ),
    )
    assert seen.routes("new", 60) == {"a": Counts(2), "b": Counts(2, 1)}


def test_it_knows_when_it_last_heard_of_anybody() -> None:
    assert readings((7, 0, 0), (9, 1, 0)).newest == NOW - 7
    assert Readings(NOW).newest is None


@pytest.mark.property_test
@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 9)), unique_by=lambda second: second[0], max_size=40),
    st.integers(1, 300),
    st.integers(1, 2000),
    st.integers(0, 50),
)
def test_wider_never_holds_less(seconds: list[tuple[int, int]], width: int, widest: int, samples: int) -> None:
    seen = readings(*((ago, requests, 0) for ago, requests in seconds))
    narrow = seen.window("new", width, width, samples).counts.requests
    wide = seen.window("new", width, max(width, widest), samples).counts.requests
    assert narrow <= wide <= sum(requests for _, requests in seconds)
    assert wide == narrow or narrow < samples
