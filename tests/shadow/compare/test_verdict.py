from __future__ import annotations

import gzip
import zlib
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shadow.answer import Answer
from shadow.compare.diff import Limits
from shadow.compare.paths import path_text
from shadow.compare.rules import RuleBook
from shadow.compare.verdict import Outcome, Verdict, compare
from shadow.compare.walk import ABSENT
from shadow.settings import Rule, RuleKind
from shadow.testing import an_answer

ROUTE = "GET /api/v1/cadets"
TODAY = date(2026, 3, 1)
LIMITS = Limits.of(seconds=2.0, body_limit=1024 * 1024)

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(), inner, max_size=5)),
    max_leaves=25,
)


def rule(kind: str, *paths: str, **more: Any) -> Rule:
    return Rule(name=more.pop("name", f"the-{kind}").replace("_", "-"), kind=kind, reason="r", paths=paths, **more)  # type: ignore[arg-type]


def judged(active: Any, standby: Any, *rules: Rule, limits: Limits = LIMITS, today: date = TODAY) -> Outcome:
    """Two values, or two answers, compared by some rules."""
    one, other = (v if isinstance(v, Answer) else an_answer(orjson.dumps(v)) for v in (active, standby))
    return compare(one, other, RuleBook(rules).of(ROUTE, (one.status, other.status), today), limits)


def places(outcome: Outcome) -> list[tuple[str, str]]:
    return [(difference.path, difference.kind.value) for difference in outcome.differences]


def test_the_same_bytes_match_without_being_parsed() -> None:
    assert judged(an_answer(b"{not json"), an_answer(b"{not json")).verdict is Verdict.MATCHED


@pytest.mark.parametrize(
    ("active", "standby"),
    [
        (b'{"a":1,"b":[1,2]}', b'{ "b": [1, 2.0],\n "a": 1.0 }'),
        (b'{"a":20}', b'{"a":20.0}'),
        (b'{"a":12345678901234567000}', b'{"a":1.2345678901234567e+19}'),
        (b'"\\u0041"', b'"A"'),
    ],
)
def test_how_json_is_written_makes_no_difference(active: bytes, standby: bytes) -> None:
    assert judged(an_answer(active), an_answer(standby)).verdict is Verdict.MATCHED


@pytest.mark.parametrize(
    ("active", "standby", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("$.a", "value")]),
        ({"a": 1}, {"a": "1"}, [("$.a", "type")]),
        ({"a": True}, {"a": 1}, [("$.a", "type")]),
        ({"a": 0}, {"a": False}, [("$.a", "type")]),
        ({"a": None}, {"a": ""}, [("$.a", "type")]),
        ({"a": 1, "b": 2}, {"a": 1}, [("$.b", "missing")]),
        ({"a": 1}, {"a": 1, "b": 2}, [("$.b", "added")]),
        ({"a": None}, {}, [("$.a", "missing")]),
        ([1, 2], [2, 1], [("$[0]", "value")]),
        ([{"x": 1}, {"x": 2}], [{"x": 1}, {"x": 3}], [("$[1].x", "value")]),
        ({"a": [1, 2, 3]}, {"a": [1, 3]}, [("$.a[1]", "missing")]),
        ({"a": []}, {"a": [{"x": 1}]}, [("$.a[0]", "added")]),
        ({"a": [1, 1]}, {"a": [1]}, [("$.a", "length")]),
        ({"__a": [1, 2]}, {"__a": [1, 2, 3]}, [("$.__a[2]", "added")]),
        ([[{"__b": 1}], 2], [[{"__b": 2}], 2, 3], [("$[0][0].__b", "value"), ("$[2]", "added")]),
        ({}, [], [("$", "type")]),
        (1, None, [("$", "type")]),
    ],
)
def test_every_other_difference_is_found_with_its_place(
    active: Any, standby: Any, expected: list[tuple[str, str]]
) -> None:
    outcome = judged(active, standby)
    assert outcome.verdict is Verdict.MISMATCHED
    assert sorted(places(outcome)) == sorted(expected)


def test_alike_differences_are_named_once() -> None:
    outcome = judged({"data": [{"x": n} for n in range(50)]}, {"data": [{"x": n + 1} for n in range(50)]})
    assert [(d.path, d.pattern, d.active, d.standby) for d in outcome.differences] == [
        ("$.data[0].x", "$.data[*].x", 0, 1)
    ]


def test_status_media_type_and_location_are_compared() -> None:
    active = an_answer(b"", 302, "text/html; charset=utf-8", location="/a")
    standby = an_answer(b"", 301, "text/plain", location="/b")
    assert places(judged(active, standby)) == [
        ("status", "status"), ("header.content-type", "media_type"), ("header.location", "location"),
    ]  # fmt: skip
    assert judged(an_answer(b"", 302), an_answer(b"", 302, location="/b")).differences[0].active is ABSENT


def test_parameters_of_the_media_type_make_no_difference() -> None:
    active = an_answer(b"{}", 200, "application/json; charset=utf-8")
    assert judged(active, an_answer(b"{}", 200, "Application/JSON")).verdict is Verdict.MATCHED


@pytest.mark.parametrize("media", ["text/html", "application/octet-stream", ""])
def test_what_is_not_json_is_compared_as_bytes(media: str) -> None:
    assert places(judged(an_answer(b"1", 200, media), an_answer(b"1.0", 200, media))) == [("body", "body")]


def test_broken_json_is_compared_as_bytes() -> None:
    assert places(judged(an_answer(b"{}"), an_answer(b"{}}"))) == [("body", "body")]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "x-gzip"])
def test_content_codings_are_undone(coding: str) -> None:
    body = orjson.dumps({"a": [1] * 100})
    packed = zlib.compress(body) if coding == "deflate" else gzip.compress(body[:50]) + gzip.compress(body[50:])
    assert judged(an_answer(body), an_answer(packed, content_encoding=coding)).verdict is Verdict.MATCHED
    raw = zlib.compressobj(wbits=-15)
    if coding == "deflate":
        bare = raw.compress(body) + raw.flush()
        assert judged(an_answer(body), an_answer(bare, content_encoding=coding)).verdict is Verdict.MATCHED


@pytest.mark.parametrize(
    ("packed", "coding", "reason"),
    [
        (b"x", "br", "unsupported_encoding"),
        (b"x", "gzip", "bad_encoding"),
        (gzip.compress(b"x" * 100)[:-9], "gzip", "bad_encoding"),
        (gzip.compress(b"x" * 5000), "gzip", "too_large"),
        (gzip.compress(b"x" * 900) * 2, "gzip", "too_large"),
    ],
)
def test_what_cannot_be_decoded_is_not_compared_and_says_why(packed: bytes, coding: str, reason: str) -> None:
    limits = Limits(decoded=1000, walked=100, deep=100)
    outcome = judged(an_answer(b"{}"), an_answer(packed, content_encoding=coding), limits=limits)
    assert (outcome.verdict, outcome.reason) == (Verdict.NOT_COMPARED, reason)


def test_answers_beyond_the_budget_are_not_compared() -> None:
    many = list(range(1000))
    limits = Limits(decoded=10_000_000, walked=100, deep=100)
    outcome = judged(many, [*many[:-1], -1], limits=limits)
    assert (outcome.verdict, outcome.reason) == (Verdict.NOT_COMPARED, "too_complex")
    assert judged([-1, *many], [-2, *many], limits=limits).verdict is Verdict.MISMATCHED  # found before it ran out


def test_long_lists_of_different_lengths_still_differ() -> None:
    limits = Limits(decoded=10_000_000, walked=100_000, deep=100)
    assert places(judged({"a": list(range(1000))}, {"a": list(range(999))}, limits=limits)) == [("$.a", "length")]


def test_answers_nested_to_the_limit_of_the_parser_are_compared() -> None:
    deep, other = b"[" * 1000 + b"1" + b"]" * 1000, b"[" * 1000 + b"2" + b"]" * 1000
    assert judged(an_answer(deep), an_answer(other)).verdict is Verdict.MISMATCHED
    longer = b"[1," + b"[" * 900 + b"]" * 901
    assert judged(an_answer(b"[" * 901 + b"]" * 901), an_answer(longer)).verdict is Verdict.MISMATCHED
    unordered = judged(an_answer(deep), an_answer(other), rule("unordered"))
    assert (unordered.verdict, unordered.reason) == (Verdict.NOT_COMPARED, "too_complex")


@pytest.mark.parametrize(
    ("active", "standby", "allowed"),
    [
        ({"x": 1, "t": 1}, {"x": 1, "t": 2}, rule("ignore", "$.t")),
        ({"t": {"a": 1, "b": [1]}}, {"t": {"a": 2, "c": 3}}, rule("ignore", "$.t")),
        ({"t": 1}, {}, rule("ignore", "$.t")),
        ({"t": [1, 2]}, {"t": [3]}, rule("ignore", "$.t[*]")),
        ({"total": "290"}, {"total": 290}, rule("numeric_string", "$.total")),
        ({"at": "2024-08-05T01:00:00.000Z"}, {"at": "2024-08-05T01:00:00.000999Z"}, rule("same_instant", "$.at")),
        ({"l": [1, 2, 3]}, {"l": [3, 1, 2]}, rule("unordered", "$.l")),
        ({"l": [{"id": 1}, {"id": 2}]}, {"l": [{"id": 2}, {"id": 1}]}, rule("unordered", "$.l", key="id")),
        ({"a": None}, {}, rule("absent_is_null", "$.a")),
        ({}, {"a": None}, rule("absent_is_null")),
        (an_answer(b"", 200), an_answer(b"", 201), rule("status", statuses=[(200, 201)])),
        (an_answer(b"", location="/a"), an_answer(b"", location="/b"), rule("ignore", "header.location")),
        (an_answer(b"a", media="text/css"), an_answer(b"b", media="text/css"), rule("ignore", "body")),
        (an_answer(b"", media="text/css"), an_answer(b"", media="text/x"), rule("ignore", "header.content-type")),
    ],
)  # fmt: skip
def test_a_rule_allows_its_difference_and_is_named(active: Any, standby: Any, allowed: Rule) -> None:
    assert judged(active, standby).verdict is Verdict.MISMATCHED
    outcome = judged(active, standby, allowed)
    assert (outcome.verdict, outcome.rules) == (Verdict.IGNORED, (allowed.name,))


@pytest.mark.parametrize(
    ("active", "standby", "too_narrow"),
    [
        ({"t": 1, "x": 1}, {"t": 2, "x": 2}, rule("ignore", "$.t")),
        ({"a": {"t": 1}}, {"a": {"t": 2}}, rule("ignore", "$.t")),
        ({"total": "290"}, {"total": 291}, rule("numeric_string", "$.total")),
        ({"total": "290"}, {"total": "291"}, rule("numeric_string", "$.total")),
        ({"total": "290"}, {"total": None}, rule("numeric_string", "$.total")),
        ({"at": "2024-08-05T01:00:00Z"}, {"at": "2024-08-05T01:00:01Z"}, rule("same_instant", "$.at")),
        ({"l": [1, 2, 2]}, {"l": [2, 1, 1]}, rule("unordered", "$.l")),
        ({"l": [{"id": 1, "x": 1}]}, {"l": [{"id": 1, "x": 2}]}, rule("unordered", "$.l", key="id")),
        ({"l": [[1, 2]]}, {"l": [[2, 1]]}, rule("unordered", "$.l")),
        ({"a": 0}, {}, rule("absent_is_null", "$.a")),
        ({"a": None}, {"a": 0}, rule("absent_is_null", "$.a")),
        (an_answer(b"", 201), an_answer(b"", 200), rule("status", statuses=[(200, 201)])),
        (an_answer(b"", location="/a"), an_answer(b"", location="/b"), rule("ignore")),
        ({"t": 1}, {"t": 2}, rule("ignore", "$.t", routes=["GET /other"])),
        ({"t": 1}, {"t": 2}, rule("ignore", "$.t", statuses=[(500, 400)])),
        ({"t": 1}, {"t": 2}, rule("ignore", "$.t", expires=TODAY)),
    ],
)  # fmt: skip
def test_a_rule_allows_nothing_else(active: Any, standby: Any, too_narrow: Rule) -> None:
    assert judged(active, standby, too_narrow).verdict is Verdict.MISMATCHED


def test_a_rule_holds_until_the_day_it_expires() -> None:
    allowed = rule("ignore", "$.t", expires=date(2026, 3, 2))
    assert judged({"t": 1}, {"t": 2}, allowed).verdict is Verdict.IGNORED
    assert RuleBook([allowed]).expired(date(2026, 3, 2)) == (allowed.name,)
    assert RuleBook([allowed]).expired(TODAY) == ()


def test_elements_are_told_apart_by_their_key_and_compared_with_their_namesake() -> None:
    active = {"l": [{"id": 1, "x": "a"}, {"id": 2, "x": "b"}, {"id": 3, "x": "c"}]}
    standby = {"l": [{"id": 3, "x": "c"}, {"id": 1, "x": "A"}, {"id": 4, "x": "d"}]}
    outcome = judged(active, standby, rule("unordered", "$.l", key="id"))
    assert places(outcome) == [("$.l[0].x", "value"), ("$.l[1]", "missing"), ("$.l[2]", "added")]


def test_rules_hold_inside_lists_that_are_lined_up() -> None:
    rules = rule("unordered", "$.l"), rule("numeric_string", "$.l[*].n"), rule("ignore", "$.l[*].t")
    active = {"l": [{"n": "1", "t": 5}, {"n": "2", "t": 6}]}
    assert judged(active, {"l": [{"n": 2, "t": 7}, {"n": 1, "t": 8}]}, *rules).verdict is Verdict.IGNORED
    without_order = judged(active, {"l": [{"n": 2, "t": 7}]}, *rules[1:])
    assert places(without_order) == [("$.l[0]", "missing")]


BARE, ENVELOPE = {"message": "No"}, {"error": "Forbidden", "message": "No", "code": "FORBIDDEN", "details": {}}


@pytest.mark.parametrize(
    ("active", "standby", "statuses", "verdict"),
    [
        (BARE, ENVELOPE, (403, 403), Verdict.IGNORED),
        (ENVELOPE, BARE, (403, 403), Verdict.IGNORED),  # after the flip
        (BARE, ENVELOPE | {"message": "Yes"}, (403, 403), Verdict.MISMATCHED),
        (BARE | {"more": 1}, ENVELOPE, (403, 403), Verdict.MISMATCHED),
        (BARE, ENVELOPE | {"more": 1}, (403, 403), Verdict.MISMATCHED),
        (BARE, ENVELOPE, (200, 200), Verdict.MISMATCHED),
        (BARE, ENVELOPE, (403, 404), Verdict.MISMATCHED),
        (ENVELOPE, ENVELOPE | {"code": "OTHER"}, (403, 403), Verdict.MISMATCHED),
    ],
)
def test_an_envelope_counts_as_the_bare_message_in_it(
    active: Any, standby: Any, statuses: tuple[int, int], verdict: Verdict
) -> None:
    answers = [an_answer(orjson.dumps(body), status) for body, status in zip((active, standby), statuses, strict=True)]
    assert judged(*answers, rule("error_envelope")).verdict is verdict


@pytest.mark.property_test
@given(JSON)
def test_an_answer_matches_itself(value: Any) -> None:
    assert judged(value, value).verdict is Verdict.MATCHED
    spread_out = an_answer(orjson.dumps(value, option=orjson.OPT_INDENT_2))
    assert judged(value, spread_out).verdict is Verdict.MATCHED


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, child in inner for found in _paths(child, (*path, step)))]


def _planted(value: Any, path: tuple[str | int, ...], change: Any) -> Any:
    if not path:
        return change
    copy = value.copy()
    copy[path[0]] = _planted(value[path[0]], path[1:], change)
    return copy


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@pytest.mark.property_test
@given(JSON, SCALARS, st.data())
def test_a_change_planted_anywhere_is_found_with_its_path(value: Any, change: Any, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(_paths(value)))
    before = _at(value, path)
    assume(isinstance(before, bool) is not isinstance(change, bool) or before != change)
    outcome = judged(value, _planted(value, path, change))
    assert outcome.verdict is Verdict.MISMATCHED
    assert [difference.path for difference in outcome.differences] == [path_text(path)]


@pytest.mark.property_test
@given(JSON, st.data())
def test_a_missing_field_or_element_is_always_found(value: Any, data: st.DataObject) -> None:
    inner = [path for path in _paths(value) if path]
    assume(inner)
    path = data.draw(st.sampled_from(inner))
    container = _at(value, path[:-1]).copy()
    del container[path[-1]]
    outcome = judged(value, _planted(value, path[:-1], container))
    assert outcome.verdict is Verdict.MISMATCHED
    reversed_ = judged(_planted(value, path[:-1], container), value)
    assert reversed_.verdict is Verdict.MISMATCHED


@pytest.mark.property_test
@given(JSON, JSON, st.sampled_from([kind for kind in RuleKind if kind is not RuleKind.STATUS]))
def test_a_rule_for_another_place_changes_nothing(active: Any, standby: Any, kind: RuleKind) -> None:
    elsewhere = rule(kind.value, "$['a place that is in no answer']")
    without, with_rule = judged(active, standby), judged(active, standby, elsewhere)
    assert (with_rule.verdict, places(with_rule)) == (without.verdict, places(without))


@pytest.mark.property_test
@given(st.lists(JSON, max_size=6), st.randoms())
def test_an_unordered_list_matches_in_every_order(values: list[Any], random: Any) -> None:
    shuffled = random.sample(values, len(values))
    assert judged(values, shuffled, rule("unordered", "$")).verdict in (Verdict.MATCHED, Verdict.IGNORED)


@pytest.mark.property_test
@given(JSON, JSON)
def test_which_side_is_which_never_changes_whether_they_differ(one: Any, other: Any) -> None:
    assert judged(one, other).verdict is judged(other, one).verdict
