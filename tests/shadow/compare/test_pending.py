from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.compare import pending
from shadow.compare.pending import Pending, stands_for
from shadow.compare.summary import GroupKey, Judged, Mismatch
from shadow.compare.verdict import Verdict
from shadow.compare.walk import Forgiven, Kind

JUDGED = st.builds(
    Judged,
    at=st.floats(0, 1000),
    route=st.sampled_from(["GET /a", "GET /b"]),
    verdict=st.sampled_from(Verdict),
    reason=st.sampled_from(["", "timeout"]),
    mismatches=st.lists(
        st.builds(
            Mismatch, st.builds(GroupKey, st.just("GET /a"), st.sampled_from(["$.a", "$.b"]), st.just(Kind.VALUE))
        ),
        max_size=2,
    ).map(tuple),
    forgiven=st.frozensets(
        st.builds(Forgiven, st.sampled_from(["r", "s"]), st.just("$.a"), st.just(Kind.VALUE)), max_size=2
    ),
)


@pytest.mark.property_test
@given(st.lists(JUDGED), st.lists(JUDGED))
def test_putting_back_what_was_not_written_loses_nothing(older: list[Judged], newer: list[Judged]) -> None:
    failed, together, back = Pending(5), Pending(5), Pending(5)
    for judged in older:
        failed.add(judged)
        together.add(judged)
    for judged in newer:
        back.add(judged)
        together.add(judged)
    back.put_back(failed)
    assert back == together


def test_memory_stays_bounded_and_what_did_not_fit_is_counted() -> None:
    kept = Pending(5)
    for n in range(pending.MOST_KEYS + 7):
        key = GroupKey("GET /a", f"$.field{n}", Kind.VALUE)
        kept.add(Judged(0.0, f"GET /{n}", Verdict.MISMATCHED, mismatches=(Mismatch(key),)))
    assert len(kept.counts) == len(kept.groups) == pending.MOST_KEYS
    assert kept.dropped == 2 * 7


@pytest.mark.parametrize(
    ("pattern", "kind", "entry", "expected"),
    [
        ("$.a", Kind.VALUE, Forgiven("r", "$.a", Kind.VALUE), True),
        ("$.a", Kind.TYPE, Forgiven("r", "$.a", Kind.VALUE), False),
        ("$.a", Kind.TYPE, Forgiven("r", "$.a", Kind.VALUE, below=True), True),
        ("$.a.b", Kind.VALUE, Forgiven("r", "$.a", Kind.VALUE, below=True), True),
        ("$.a[*].b", Kind.VALUE, Forgiven("r", "$.a", Kind.VALUE, below=True), True),
        ("$.a.b", Kind.VALUE, Forgiven("r", "$.a", Kind.VALUE), False),
        ("$.ab", Kind.VALUE, Forgiven("r", "$.a", Kind.VALUE, below=True), False),
    ],
)
def test_a_rule_settles_the_groups_at_its_place_and_no_others(
    pattern: str, kind: Kind, entry: Forgiven, expected: bool
) -> None:
    assert stands_for(entry, GroupKey("GET /a", pattern, kind)) is expected


def test_a_groups_id_is_the_same_everywhere_and_for_no_other_group() -> None:
    key = GroupKey("GET /a", "$.a", Kind.VALUE)
    assert key.id == "18290fa3d721bae6"
    others = [replace(key, route="GET /b"), replace(key, pattern="$.b"), replace(key, kind=Kind.TYPE)]
    assert len({key.id, *(other.id for other in others)}) == 4
