"""Pitfalls C1 to C17 of moving rows into Django, each from a database that Node wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from migration.copy import copy
from migration.errors import RowsError, Stopped
from migration.export import export
from migration.findings import Finding
from migration.load import load
from migration.mappings import ROTC
from migration.session import connect
from migration.snapshot import Snapshot
from migration.verify import verify
from tests.migration.people import Make, cadet, moved_and_verified, one, rows, run, told, user

NOON = "2024-08-05 12:00:00.123456"
MERIT = "INSERT INTO merit_demerit_logs (id, cadet_id, type, points) VALUES (1, 1, 'merit', -5)"


def report(number: int, params: str) -> str:
    quoted = params.replace("'", "''")
    return (
        f"INSERT INTO reports (id, type, params) VALUES ('{number:08d}-0000-4000-8000-000000000000', 't', '{quoted}')"
    )


def params(url: str) -> list[object]:
    return [value for (value,) in rows(url, "SELECT params::text FROM reports ORDER BY id")]


def stopped(source: str, target: str, **settings: dict[str, str]) -> list[Finding]:
    """Copy, expect to be stopped, and expect that nothing was written; what was found."""
    mapping = ROTC.with_zones(settings.get("zones", {})).with_rules(settings.get("rules", {}))
    with pytest.raises(Stopped) as caught:
        copy(source, target, mapping)
    assert not verify(source, target, mapping).ok
    return list(caught.value.findings)


def test_pitfall_c1_no_timestamp_becomes_now(node: str, django: str) -> None:
    run(node, cadet(1, created_at=f"'{NOON}'", updated_at="NULL"), user(1, created_at=f"'{NOON}'"))
    moved_and_verified(node, django)
    noon = datetime(2024, 8, 5, 12, 0, 0, 123456, tzinfo=UTC)
    assert rows(django, "SELECT created_at, updated_at FROM cadets") == [(noon, None)]
    assert rows(django, "SELECT created_at, updated_at FROM users") == [(noon, None)]


def test_pitfall_c1_no_trigger_of_the_target_writes_rows_of_its_own(
    node: str, django: str, make: Make, node_template: str
) -> None:
    run(node, cadet(1), MERIT)
    moved_and_verified(node, django)
    back = make(node_template)
    moved_and_verified(django, back)
    assert one(back, "SELECT count(*) FROM audit_logs") == one(node, "SELECT count(*) FROM audit_logs") == 1
    run(back, "DELETE FROM merit_demerit_logs")
    assert one(back, "SELECT count(*) FROM audit_logs") == 2, "the trigger works again"


def test_pitfall_c2_the_next_insert_gets_a_number_that_neither_side_ever_gave_away(node: str, django: str) -> None:
    run(node, cadet(7), "SELECT setval('cadets_id_seq', 41)", user(3))
    moved_and_verified(node, django)
    assert one(django, "INSERT INTO cadets (first_name, last_name, student_id) VALUES ('', '', 'x') RETURNING id") == 42
    assert one(django, "INSERT INTO users (username, password, role) VALUES ('x', '!', 'admin') RETURNING id") == 4
    assert one(django, "INSERT INTO settings (key) VALUES ('first') RETURNING id") == 1


def test_pitfall_c2_a_sequence_is_never_lowered(node: str, django: str) -> None:
    run(django, "SELECT setval('cadets_id_seq', 900)")
    run(node, cadet(1))
    moved_and_verified(node, django)
    assert one(django, "SELECT nextval('cadets_id_seq')") == 901


def test_pitfall_c3_an_orphan_is_found_before_anything_is_written(node: str, django: str) -> None:
    run(node, "SET session_replication_role = replica", user(1, cadet_id=99))
    assert told(stopped(node, django)) == [("users", "orphan", "1", "cadet_id")]
    assert one(django, "SELECT count(*) FROM users") == 0


def test_pitfall_c3_an_orphan_goes_only_where_a_rule_says(node: str, django: str) -> None:
    run(node, "SET session_replication_role = replica", user(1, cadet_id=99), cadet(1),
        "INSERT INTO grade_categories VALUES (1, 'x', 1)",
        "INSERT INTO grades (id, cadet_id, category_id, score) VALUES (1, 1, 1, 9), (2, 99, 1, 9)")  # fmt: skip
    rules = ROTC.with_rules({"users.cadet_id:orphan": "null", "grades.cadet_id:orphan": "skip"})
    found = moved_and_verified(node, django, rules).findings
    assert {("users", "orphan", "1", "cadet_id"), ("grades", "orphan", "2", "cadet_id")} <= set(told(found, notes=True))
    assert rows(django, "SELECT id, cadet_id FROM users") == [(1, None)]
    assert rows(django, "SELECT id FROM grades") == [(1,)]


def test_pitfall_c3_a_subscription_may_outlive_its_user_because_neither_side_has_a_foreign_key(
    node: str, django: str
) -> None:
    run(node, "INSERT INTO push_subscriptions (user_id, endpoint, keys) VALUES (9000001, 'https://p/1', '{}')")
    moved_and_verified(node, django)
    assert rows(django, "SELECT user_id FROM push_subscriptions") == [(9000001,)]


def test_pitfall_c3_every_foreign_key_is_back_and_valid_afterwards(node: str, django: str) -> None:
    keys = "SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' ORDER BY 1"
    before = rows(django, keys)
    run(node, cadet(1), user(1, cadet_id=1))
    moved_and_verified(node, django)
    assert rows(django, keys.replace("'f'", "'f' AND connamespace = 'public'::regnamespace")) == before
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        run(django, user(2, cadet_id=2))


def test_pitfall_c4_three_zones_in_one_column(node: str, django: str) -> None:
    # Production's clock, the office laptop's, and the session of `DEFAULT now()`; each wrote 12:00 Manila time.
    run(node, user(1, created_at="timestamptz '2024-08-05 12:00+08'::timestamp"), zone="UTC")
    run(node, user(2, created_at="timestamptz '2024-08-05 12:01+08'::timestamp"), zone="Asia/Manila")
    run(node, user(3, created_at="timestamptz '2024-08-05 12:02:00.123456+08'::timestamp"), zone="America/New_York")
    assert [str(at) for (at,) in rows(node, "SELECT created_at FROM users ORDER BY id")] == [
        "2024-08-05 04:00:00", "2024-08-05 12:01:00", "2024-08-05 00:02:00.123456",
    ]  # fmt: skip
    notes = [note for note in moved_and_verified(node, django).findings if note.kind == "zone"]
    assert {(note.table, note.column) for note in notes} == {("users", "created_at")}
    assert "hours before the row numbered before them" in str(notes[0]), "it is shown, and nothing is guessed"
    assert str(one(django, "SELECT created_at FROM users WHERE id = 2")) == "2024-08-05 12:01:00+00:00"


def test_pitfall_c4_a_column_is_read_from_the_clock_that_was_set_for_it(node: str, django: str) -> None:
    run(node, cadet(1, created_at=f"'{NOON}'", updated_at=f"'{NOON}'"))
    moved_and_verified(node, django, ROTC.with_zones({"cadets.created_at": "Asia/Manila"}))
    assert rows(django, "SELECT created_at::text, updated_at::text FROM cadets") == [
        ("2024-08-05 04:00:00.123456+00", "2024-08-05 12:00:00.123456+00")
    ]
    assert not verify(node, django, ROTC).ok, "with another zone it is another instant"


@pytest.mark.parametrize(("reading", "hazard"), [("2024-03-10 02:30", "gap"), ("2024-11-03 01:30", "ambiguous")])
def test_pitfall_c4_a_clock_reading_that_never_was_or_was_twice_stops(
    node: str, django: str, reading: str, hazard: str
) -> None:
    run(node, cadet(1, created_at=f"'{reading}'", updated_at="'2024-07-01 01:30'"))
    zones = {"cadets.created_at": "America/New_York", "cadets.updated_at": "America/New_York"}
    assert told(stopped(node, django, zones=zones)) == [("cadets", hazard, "1", "created_at")]


def test_pitfall_c4_a_rule_says_which_of_two_instants_was_meant(node: str, django: str) -> None:
    run(node, cadet(1, created_at="'2024-11-03 01:30'"))
    mapping = ROTC.with_zones({"cadets.created_at": "America/New_York"})
    moved_and_verified(node, django, mapping.with_rules({"cadets.created_at:ambiguous": "earlier"}))
    assert one(django, "SELECT created_at::text FROM cadets") == "2024-11-03 05:30:00+00"


def test_pitfall_c4_the_zone_of_a_role_or_a_database_changes_nothing(node: str, django: str) -> None:
    name = django.rpartition("/")[2]
    run(django, f"ALTER DATABASE {name} SET timezone = 'Asia/Manila'")
    run(node, cadet(1, created_at=f"'{NOON}'"))
    moved_and_verified(node, django)
    assert one(django, "SELECT created_at::text FROM cadets") == "2024-08-05 12:00:00.123456+00"


def test_pitfall_c5_a_date_stays_on_its_day_whatever_the_zone(node: str, django: str) -> None:
    run(node, cadet(1, birthdate="'2004-02-29'"), zone="Asia/Manila")
    moved_and_verified(node, django, ROTC.with_zones({"*": "Asia/Manila"}))
    assert one(django, "SELECT birthdate::text FROM cadets") == "2004-02-29"


def test_pitfall_c6_microseconds_are_kept_both_ways(node: str, django: str, make: Make, node_template: str) -> None:
    times = ["'2024-08-05 12:00:00'", "'2024-08-05 12:00:00.120'", "'2024-08-05 12:00:00.123456'"]
    run(node, *(cadet(number, created_at=time) for number, time in enumerate(times, start=1)))
    moved_and_verified(node, django)
    back = make(node_template)
    moved_and_verified(django, back)
    query = "SELECT id, created_at FROM cadets ORDER BY id"
    assert rows(back, query) == rows(node, query)
    assert [at.microsecond for _, at in rows(django, query)] == [0, 120000, 123456]


def test_pitfall_c7_a_number_beyond_javascript_keeps_every_digit(node: str, django: str) -> None:
    run(node, "INSERT INTO files (filename, size) VALUES ('f', 9007199254740993)",
        "UPDATE files SET metadata = '{\"n\": 12345678901234567890.5}'",
        "INSERT INTO grade_categories VALUES (1, 'x', 123.40), (2, 'y', 'NaN')")  # fmt: skip
    moved_and_verified(node, django)
    assert rows(django, "SELECT size, metadata ->> 'n' FROM files") == [(9007199254740993, "12345678901234567890.5")]
    assert rows(django, "SELECT weight::text FROM grade_categories ORDER BY id") == [("123.40",), ("NaN",)]


@pytest.mark.parametrize(
    ("text", "hazard"),
    [
        (r'{"name": "a\u0000b"}', "nul"),
        (r'["\ud83d"]', "surrogate"),
        (r'{"\udc00": 1}', "surrogate"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "duplicate_keys"),
        ("1e200000", "number"),
    ],
)
def test_pitfall_c8_json_that_jsonb_cannot_hold_stops(node: str, django: str, text: str, hazard: str) -> None:
    run(node, report(1, '{"fine": "\\\\u0000 is text here"}'), report(2, text))
    assert told(stopped(node, django)) == [("reports", hazard, "00000002-0000-4000-8000-000000000000", "params")]


def test_pitfall_c8_a_rule_strips_or_replaces_exactly_what_cannot_be_held(node: str, django: str) -> None:
    run(node, report(1, r'{"a": "x\u0000\u0000y", "b": "\\u0000"}'), report(2, r'["\ud83d", "\ud83d\ude00", "\udc00"]'),
        report(3, '{"a": 1, "a": 2}'))  # fmt: skip
    rules = {"nul": "strip", "surrogate": "replace", "duplicate_keys": "last"}
    mapping = ROTC.with_rules({f"reports.params:{hazard}": way for hazard, way in rules.items()})
    found = moved_and_verified(node, django, mapping).findings
    assert {kind for table, kind, *_ in told(found, notes=True) if table == "reports"} == set(rules)
    assert [json.loads(str(text)) for text in params(django)] == [
        {"a": "xy", "b": r"\u0000"},
        ["�", "😀", "�"],
        {"a": 2},
    ]


def test_pitfall_c8_spacing_order_and_exponents_are_no_difference(node: str, django: str) -> None:
    run(node, report(1, '{ "b" : 1e3,\n "a":[ ] }'))
    moved_and_verified(node, django)
    assert params(django) == ['{"a": [], "b": 1000}']


def test_pitfall_c9_json_null_and_sql_null_stay_what_they_are(
    node: str, django: str, make: Make, node_template: str
) -> None:
    run(node, "INSERT INTO files (filename, metadata) VALUES ('json', 'null'), ('sql', NULL)", report(1, "null"))
    moved_and_verified(node, django)
    query = "SELECT filename, metadata::text FROM files ORDER BY filename"
    assert rows(django, query) == [("json", "null"), ("sql", None)]
    assert params(django) == ["null"]
    back = make(node_template)
    moved_and_verified(django, back)
    assert rows(back, query) == rows(node, query)
    run(django, "UPDATE files SET metadata = NULL WHERE filename = 'json'")
    assert [finding.kind for finding in verify(node, django, ROTC).findings] == ["json_null"]


def test_pitfall_c10_json_that_was_encoded_twice_is_shown_and_left_alone(node: str, django: str) -> None:
    run(
        node,
        report(1, r'"[1, 2]"'),
        """INSERT INTO audit_logs (table_name, operation, payload)
        VALUES ('t', 'INSERT', '"{\\"a\\": 1}"')""",
    )
    found = moved_and_verified(node, django).findings
    assert {(table, kind, column) for table, kind, _, column in told(found, notes=True)} >= {
        ("reports", "double_encoded", "params"), ("audit_logs", "double_encoded", "payload"),
    }  # fmt: skip
    assert params(django) == ['"[1, 2]"']


def test_pitfall_c11_postgresql_itself_keeps_nul_out_of_text_on_both_sides(node: str, django: str) -> None:
    for url in (node, django):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.DataError):
            connection.execute("INSERT INTO settings (key, value) VALUES ('k', %s)", ["a\0b"])
    every = "".join(chr(code) for code in range(1, 0x300)) + "\u2028\ufeff\U0010ffff"
    with psycopg.connect(node) as connection:
        connection.execute("INSERT INTO settings (key, value) VALUES ('k', %s)", [every])
    moved_and_verified(node, django)
    assert one(django, "SELECT value FROM settings") == every


def test_pitfall_c12_texts_that_differ_in_case_only_are_two_values(node: str, django: str) -> None:
    run(node, user(1, username="'Ana'", email="'A@x'"), user(2, username="'ana'", email="'a@x'"),
        user(3, email="''"), user(4, email="''"), user(5, email="NULL"))  # fmt: skip
    found = moved_and_verified(node, django).findings
    assert ("users", "alike", "1, 2", "username") in told(found, notes=True), "it is shown all the same"
    assert [name for (name,) in rows(django, "SELECT email FROM users ORDER BY id")] == ["A@x", "a@x", "", "", None]


def test_pitfall_c12_where_the_target_keeps_more_unique_the_collision_is_named(node: str, django: str) -> None:
    run(node, cadet(1, email="'a@x'"), cadet(2, email="'a@x'"), cadet(3, email="'b@x'"))
    run(django, "ALTER TABLE cadets ADD CONSTRAINT one_email UNIQUE (email)")
    found = stopped(node, django)
    assert told(found) == [("cadets", "duplicate", "1", "email")]
    assert "a@x occurs in 2 rows" in str(found)


@pytest.mark.parametrize(
    ("table", "column", "value", "hazard"),
    [
        ("cadets", "created_at", "infinity", "infinity"),
        ("cadets", "created_at", "-infinity", "infinity"),
        ("cadets", "updated_at", "12024-08-05 00:00", "out_of_range"),
        ("cadets", "updated_at", "0044-03-15 12:00 BC", "out_of_range"),
        ("cadets", "birthdate", "infinity", "infinity"),
        ("cadets", "birthdate", "10000-01-01", "out_of_range"),
        ("cadets", "birthdate", "0001-12-31 BC", "out_of_range"),
    ],
)
def test_pitfall_c13_times_that_python_cannot_load_stop(
    node: str, django: str, table: str, column: str, value: str, hazard: str
) -> None:
    run(node, cadet(1, birthdate="'0001-01-01'", created_at="'9999-12-31 23:59:59.999999'"),
        cadet(2, **{column: f"'{value}'"}))  # fmt: skip
    assert told(stopped(node, django)) == [(table, hazard, "2", column)]


def test_pitfall_c13_a_rule_keeps_them_or_makes_them_null(node: str, django: str) -> None:
    run(node, cadet(1, created_at="'infinity'", birthdate="'-infinity'"), cadet(2, created_at="'12024-08-05'"))
    mapping = ROTC.with_rules({"cadets.created_at:infinity": "null", "cadets.birthdate:infinity": "keep",
                               "*:out_of_range": "null"})  # fmt: skip
    moved_and_verified(node, django, mapping)
    assert rows(django, "SELECT created_at::text, birthdate::text FROM cadets ORDER BY id") == [
        (None, "-infinity"), (None, None),
    ]  # fmt: skip


def test_pitfall_c14_a_number_that_would_be_rounded_stops(node: str, django: str) -> None:
    run(node, "ALTER TABLE grade_categories ALTER weight TYPE numeric(8,3)",
        "INSERT INTO grade_categories VALUES (1, 'x', 12.345), (2, 'y', 12345.000)")  # fmt: skip
    assert set(told(stopped(node, django))) == {
        ("grade_categories", "scale", "1", "weight"), ("grade_categories", "scale", "2", "weight"),
        ("grade_categories", "range", "2", "weight"),
    }  # fmt: skip


def test_pitfall_c14_whatever_else_the_target_is_too_narrow_for_stops(node: str, django: str) -> None:
    run(node, cadet(1, rank="'Sergeant'"), cadet(2, rank="'Cdt'", course="NULL"), user(1, is_approved="70000"))
    run(django, "ALTER TABLE cadets ALTER rank TYPE varchar(5), ALTER course SET NOT NULL",
        "ALTER TABLE cadets ADD CONSTRAINT short CHECK (length(student_id) < 4)",
        "ALTER TABLE users ALTER is_approved TYPE smallint")  # fmt: skip
    run(node, "UPDATE cadets SET course = 'BSIT' WHERE id = 1", "UPDATE cadets SET student_id = 'x' WHERE id = 2")
    assert set(told(stopped(node, django))) == {
        ("cadets", "too_long", "1", "rank"), ("cadets", "null", "2", "course"),
        ("cadets", "check", "1", "student_id"), ("users", "range", "1", "is_approved"),
    }  # fmt: skip


def test_pitfall_c15_an_export_that_meets_something_it_cannot_carry_writes_nothing(node: str, tmp_path: Path) -> None:
    run(node, cadet(1, created_at="'infinity'"))
    with pytest.raises(Stopped):
        export(node, tmp_path / "out", ROTC)
    assert not (tmp_path / "out").exists()


def test_pitfall_c15_a_table_or_column_that_nobody_declared_is_not_left_behind_in_silence(
    node: str, django: str
) -> None:
    run(node, "CREATE TABLE uniforms (id int)", "INSERT INTO uniforms VALUES (1)")
    assert told(stopped(node, django)) == [("uniforms", "unmapped", None, None)]
    run(node, "DROP TABLE uniforms", "ALTER TABLE cadets ADD nickname text")
    with pytest.raises(RowsError, match=r"cadets.nickname: the mapping does not carry it"):
        copy(node, django, ROTC)


def test_pitfall_c15_a_part_that_is_damaged_or_missing_stops_and_leaves_the_target_empty(
    node: str, django: str, tmp_path: Path
) -> None:
    run(node, cadet(1), cadet(2))
    export(node, tmp_path, ROTC)
    (part,) = tmp_path.glob("cadets.*.gz")
    whole = part.read_bytes()
    for damaged in (whole[:-9], whole[:20] + b"x" + whole[21:], b""):
        part.write_bytes(damaged)
        with pytest.raises(RowsError, match="make the export again"):
            load(tmp_path, django, ROTC)
        assert one(django, "SELECT count(*) FROM cadets") == 0
    part.unlink()
    with pytest.raises(RowsError, match="files are missing"):
        load(tmp_path, django, ROTC)
    part.write_bytes(whole)
    assert load(tmp_path, django, ROTC).ok
    assert one(django, "SELECT count(*) FROM cadets") == 2


def test_pitfall_c16_the_snapshot_outlives_the_time_limits_of_its_database(node: str) -> None:
    name = node.rpartition("/")[2]
    run(node, cadet(1), f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '100ms'",
        f"ALTER DATABASE {name} SET statement_timeout = '100ms'")  # fmt: skip
    with Snapshot(node) as snapshot, connect(node, autocommit=True) as outside:
        outside.run("SELECT pg_sleep(0.4)")
        outside.run(cadet(2))
        with snapshot.session() as session:
            assert session.one("SELECT count(*) FROM cadets") == (1,), "what came later is not in it"


def test_pitfall_c16_a_pooled_endpoint_is_refused(django: str) -> None:
    with pytest.raises(RowsError, match="use the direct one"):
        copy("postgresql://u:p@ep-calm-sea-pooler.example/rotc", django, ROTC)


def test_pitfall_c17_equal_counts_prove_nothing(node: str, django: str) -> None:
    run(node, cadet(1), cadet(2, first_name="'Berta'"))
    moved_and_verified(node, django)
    run(django, "UPDATE cadets SET first_name = CASE id WHEN 1 THEN 'Berta' ELSE 'Anna' END")
    found = verify(node, django, ROTC)
    assert not found.ok
    assert [table.source_rows == table.target_rows for table in found.tables] == [True] * 20
    assert told(found.findings) == [("cadets", "changed", "1", "first_name"), ("cadets", "changed", "2", "first_name")]


def test_a_decimal_keeps_its_scale(node: str, django: str) -> None:
    run(node, "INSERT INTO grade_categories VALUES (1, 'x', 30)")
    moved_and_verified(node, django)
    assert one(django, "SELECT weight FROM grade_categories") == Decimal("30.00")
