"""What is decided without any database: mappings, transformations' texts, JSON, words for differences, reports."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.canon import Digest, crossed, literal, quoted, total
from migration.differences import difference, shown
from migration.errors import RowsError
from migration.findings import Finding
from migration.json_text import json_hazards
from migration.kinds import JSONB, NUMERIC, TEXT, TIMESTAMP, Side
from migration.mapping import Column, RowMapping, Table
from migration.mappings import MAPPINGS, ROTC
from migration.report import Report, TableResult
from migration.statements import groups_for


def test_every_table_comes_after_those_it_refers_to() -> None:
    names = [table.name for table in ROTC.parents_first()]
    assert len(names) == len(set(names)) == 20
    for table in ROTC.tables:
        for column in table.references:
            assert names.index(column.references) < names.index(table.name)


def test_tables_that_refer_to_each_other_in_a_ring_come_each_once() -> None:
    ring = RowMapping("ring", ("a", "b"), (
        Table("hen", (Column("id", TEXT), Column("egg", TEXT, references="egg"))),
        Table("egg", (Column("id", TEXT), Column("hen", TEXT, references="hen"))),
    ))  # fmt: skip
    assert sorted(table.name for table in ring.parents_first()) == ["egg", "hen"]


def test_a_zone_is_set_for_one_column_or_for_all() -> None:
    mapping = ROTC.with_zones({"*": "Asia/Manila", "users.created_at": "UTC"})
    assert mapping.table("cadets").column("created_at").zone == "Asia/Manila"
    assert mapping.table("users").column("created_at").zone == "UTC"
    assert mapping.table("cadets").column("birthdate").zone == "UTC", "a date has no zone"
    assert "'Asia/Manila'" in crossed(mapping.table("cadets").column("created_at"), Side.OLD)


@pytest.mark.parametrize(
    ("zones", "says"),
    [
        ({"cadets.created_at": "Manila"}, "is no time zone"),
        ({"cadets.birthdate": "UTC"}, "has no zone to set"),
        ({"cadets.born": "UTC"}, "cadets has no column born"),
        ({"soldiers.created_at": "UTC"}, "no table soldiers"),
        ({"created_at": "UTC"}, "is no place"),
    ],
)
def test_a_zone_that_cannot_be_is_refused_in_words(zones: dict[str, str], says: str) -> None:
    with pytest.raises(RowsError, match=says):
        ROTC.with_zones(zones)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"cadets.created_at:infinity": "drop"}, r"does not know the rule infinity=drop \(it knows infinity=keep"),
        ({"cadets.created_at": "null"}, "names no hazard"),
        ({"cadets.id:orphan": "skip"}, "does not know the rule orphan=skip"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_those_that_can(rules: dict[str, str], says: str) -> None:
    with pytest.raises(RowsError, match=says):
        ROTC.with_rules(rules)


def test_some_tables_alone_leave_the_others_out_of_sight() -> None:
    mapping = ROTC.only(["grades"])
    assert [table.name for table in mapping.tables] == ["grades"]
    assert mapping.ignores(Side.OLD, "cadets")
    assert not ROTC.ignores(Side.OLD, "cadets")
    assert MAPPINGS["rotc"].only([]) is ROTC


def test_names_and_texts_are_quoted() -> None:
    assert quoted('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"


@given(st.lists(st.builds(Digest, st.integers(0, 9), st.integers(), st.integers())))
def test_digests_of_parts_add_up_to_the_digest_of_the_whole(digests: list[Digest]) -> None:
    assert total(digests) == total(reversed(digests))
    assert len(str(total(digests))) == 32


@given(st.integers(0, 10**9))
def test_a_bucket_holds_about_four_thousand_rows(rows: int) -> None:
    groups = groups_for(rows)
    assert groups % 2 == 1
    assert rows / groups <= 8192


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_harmless = st.recursive(st.none() | st.booleans() | st.integers() | _texts,
                         lambda inner: st.lists(inner) | st.dictionaries(_texts, inner))  # fmt: skip


@given(_harmless)
def test_json_without_hazards_has_none(value: object) -> None:
    assert json_hazards(json.dumps({"a": value})) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r'"\u0000"', {"nul"}),
        (r'{"\u0000": 1}', {"nul"}),
        (r'"\\u0000"', set()),
        (r'[["\udfff"]]', {"surrogate"}),
        (r'"\ud83d\ude00"', set()),
        ('{"a": {"b": 1, "b": 1}}', {"duplicate_keys"}),
        ("1e131073", {"number"}),
        ("1e131070", set()),
        ("1e-16384", {"number"}),
        (r'"{\"a\": 1}"', {"double_encoded"}),
        ('"[not json"', set()),
        ("[" * 100_000 + "]" * 100_000, {"nesting"}),
    ],
)
def test_json_that_jsonb_cannot_hold_is_found(text: str, found: set[str]) -> None:
    assert json_hazards(text) == found


@pytest.mark.parametrize(
    ("kind", "source", "target", "name"),
    [
        (TEXT, "a", None, "null"),
        (TEXT, None, "a", "null"),
        (TEXT, "", None, "null"),
        (JSONB, "null", None, "json_null"),
        (JSONB, None, "null", "json_null"),
        (TIMESTAMP, "2024-08-05 12:00:00.123456+00", "2024-08-05 12:00:00.123+00", "truncated"),
        (TIMESTAMP, "2024-08-05 12:00:00.123456+00", "2024-08-05 12:00:00+00", "truncated"),
        (TIMESTAMP, "2024-08-05 12:00:00+00", "2024-08-05 04:00:00+00", "zone"),
        (TIMESTAMP, "2024-08-05 12:00:00+00", "2024-08-05 12:00:00.000001+00", "changed"),
        (TIMESTAMP, "infinity", "2024-08-05 12:00:00+00", "changed"),
        (NUMERIC, "12.345", "12.35", "rounded"),
        (NUMERIC, "12.5", "12.50", "scale"),
        (NUMERIC, "NaN", "1", "changed"),
        (TEXT, "Ana", "ana", "case"),
        (TEXT, "Ana ", "Ana", "space"),
        (TEXT, "Anabel", "Ana", "truncated"),
        (TEXT, "Ñ", "Ñ".encode().decode("latin-1"), "encoding"),
    ],
)
def test_a_difference_is_named_by_its_cause(kind: object, source: str | None, target: str | None, name: str) -> None:
    assert difference(Column("c", kind), source, target)[0] == name  # type: ignore[arg-type]


def test_a_secret_is_never_shown_and_a_long_text_not_whole() -> None:
    assert shown("$2a$10$abc", Column("password", TEXT, secret=True)) == "(secret, 10 characters)"
    assert len(shown("x" * 5000, Column("c", TEXT)) or "") < 250


def test_a_report_is_ok_unless_something_is_wrong_and_reads_in_both_forms() -> None:
    report = Report("verify", "a", "b", datetime(2024, 8, 5, tzinfo=UTC), 2.0, [TableResult("cadets", 10, 10)])
    report.findings = [Finding("cadets", "zone", "looks odd", column="created_at", note=True)]
    assert report.ok
    assert report.speed == 5
    report.findings.append(Finding("cadets", "changed", "another | value\n<b>", "5", "rank", "a", "b"))
    assert not report.ok
    assert r"- cadets[5].rank: changed: another \| value &lt;b> (source: a, target: b)" in report.markdown()
    assert report.document()["findings"][1]["key"] == "5"
