from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.compare.paths import Path, checked, parse, path_text, pattern_text

PATHS = st.lists(st.one_of(st.text(max_size=12), st.integers(0, 500)), max_size=6).map(tuple)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("$", (), True),
        ("$", ("a",), False),
        ("$.a.b", ("a", "b"), True),
        ("$.a.b", ("a",), False),
        ("$.a.b", ("a", "b", "c"), False),
        ("$.data[*].x", ("data", 7, "x"), True),
        ("$.data[*].x", ("data", "7", "x"), False),
        ("$.data[*].x", ("data", 7, "y", "x"), False),
        ("$[*]", (0,), True),
        ("$.*", ("a",), True),
        ("$.*", (0,), False),
        ("$..x", ("x",), True),
        ("$..x", ("a", 3, "b", "x"), True),
        ("$..x", ("a", "x", "b"), False),
        ("$..x", ("a", "xx"), False),
        ("$..a[*].b", ("q", "a", 0, "b"), True),
        ("$..*", ("a", "b"), True),
        ("$.a..b", ("a", "b"), True),
        ("$.a..b", ("a", 1, "c", "b"), True),
        ("$.a..b", ("b",), False),
        ("$['a.b']['it\\'s']", ("a.b", "it's"), True),
        ("$..[*]", ("a", 3), True),
    ],
)
def test_a_pattern_describes_exactly_these_paths(pattern: str, path: Path, expected: bool) -> None:
    assert parse(pattern).matches(path) is expected


@pytest.mark.parametrize(
    "written", ["", "data", "$data", "$.data[0]", "$.", "$..", "$.a b", "$[", "header.etag", "$.a..."]
)
def test_what_is_no_pattern_is_refused_with_an_explanation(written: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        checked(written)


@pytest.mark.parametrize("written", ["$", "$..id", "status", "header.location", "header.content-type", "body"])
def test_a_rule_may_name_a_place_in_the_body_or_a_part_of_the_answer(written: str) -> None:
    assert checked(written) == written


@pytest.mark.property_test
@given(PATHS)
def test_the_pattern_of_a_path_can_be_read_and_describes_the_path(path: Path) -> None:
    assert parse(pattern_text(path)).matches(path)


@pytest.mark.property_test
@given(PATHS, PATHS)
def test_a_pattern_describes_no_path_of_another_pattern(path: Path, other: Path) -> None:
    same = pattern_text(path) == pattern_text(other)
    assert ".*" in pattern_text(path) or parse(pattern_text(path)).matches(other) is same


def test_an_object_that_is_keyed_by_ids_has_one_pattern() -> None:
    ids = ["57", "0190a5c0-0000-7000-8000-000000000001"]
    assert {pattern_text(("users", id, "name")) for id in ids} == {"$.users.*.name"}
    assert path_text(("data", 3, "first name")) == "$.data[3]['first name']"
