"""Damage of every kind we could think of, planted in the target: each is named with its table, key and column."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest

from migration.errors import RowsError
from migration.mappings import ROTC
from migration.verify import verify
from tests.migration.people import Make, one, rows, run, told

Told = tuple[str, str, str | None, str | None]


@dataclass(frozen=True)
class Damage:
    """A statement that does it and gives the key, and what must be said about it."""

    statement: str
    table: str
    kind: str
    column: str | None = None


def changed(table: str, column: str, to: str, where: str, kind: str = "changed", key: str = "id") -> Damage:
    """One value of one row becomes another; the row is the first that fits."""
    row = f"(SELECT {key} FROM {table} WHERE {where} AND {column} IS DISTINCT FROM ({to}) ORDER BY {key} LIMIT 1)"
    statement = f"UPDATE {table} SET {column} = {to} WHERE {key} = {row} RETURNING {key}::text"
    return Damage(statement, table, kind, column)


def removed(table: str, where: str, key: str = "id::text") -> Damage:
    """One row is gone."""
    return Damage(f"DELETE FROM {table} WHERE {where} RETURNING {key}", table, "missing")


FINE = "extract(microseconds FROM created_at)::int % 1000 <> 0"
LINK = "concat('activity_id=', activity_id, ', cadet_id=', cadet_id)"
SINGLE = {
    "a row is dropped": removed("attendance", "id = 2100"),
    "the last row is dropped": removed("attendance", "id = (SELECT max(id) FROM attendance)"),
    "a row with a uuid is dropped": removed("reports", "id = (SELECT id FROM reports ORDER BY id LIMIT 1)"),
    "a row without an id column is dropped": removed("user_settings", "user_id = 3", "user_id::text"),
    "a many-to-many link is dropped": removed("activity_cadets", "id = (SELECT max(id) FROM activity_cadets)", LINK),
    "a many-to-many link is added": Damage(
        f"INSERT INTO activity_cadets (activity_id, cadet_id) SELECT 1, min(c.id) FROM cadets c WHERE NOT EXISTS "
        f"(SELECT FROM activity_cadets l WHERE l.activity_id = 1 AND l.cadet_id = c.id) RETURNING {LINK}",
        "activity_cadets", "extra",
    ),
    "a row is added": Damage(
        "INSERT INTO settings (key, value) VALUES ('planted', '1') RETURNING id::text", "settings", "extra"
    ),
    "microseconds are cut": changed("attendance", "created_at", "date_trunc('milliseconds', created_at)", FINE,
                                    "truncated"),
    "fractions are cut": changed("users", "last_seen", "date_trunc('seconds', last_seen)", "TRUE", "truncated"),
    "one microsecond is added": changed("messages", "created_at", "created_at + interval '1 microsecond'", FINE),
    "a zone is shifted": changed("cadets", "created_at", "created_at + interval '8 hours'", "id > 9", "zone"),
    "a zone of half an hour is shifted": changed("cadets", "updated_at", "updated_at - interval '5.5 hours'", "TRUE",
                                                 "zone"),
    "a time becomes now": changed("activities", "updated_at", "now() + interval '0.000001 s'", "updated_at < now()"),
    "a time is lost": changed("reports", "completed_at", "NULL", "TRUE", "null"),
    "a date moves by a day": changed("cadets", "birthdate", "birthdate - 1", "id > 3", "day"),
    "a date becomes another": changed("excuse_letters", "date_absent", "date_absent + 3", "id > 3"),
    "JSON null becomes SQL NULL": changed("files", "metadata", "NULL", "metadata = 'null'", "json_null"),
    "SQL NULL becomes JSON null": changed("files", "metadata", "'null'::jsonb", "metadata IS NULL", "json_null"),
    "JSON is encoded twice": changed("files", "metadata", "to_jsonb(metadata::text)", "metadata ? 'pages'",
                                     "double_encoded"),
    "a key of JSON is lost": changed("audit_logs", "payload", "payload - 'points'", "payload ? 'points'"),
    "a number in JSON is off by a little": changed("reports", "params", "jsonb_set(params, '{a}', '2.51')",
                                                   "params ->> 'a' = '2.5'"),
    "the empty text becomes NULL": changed("users", "email", "NULL", "email = ''", "null"),
    "NULL becomes the empty text": changed("users", "email", "''", "email IS NULL", "null"),
    "one bit of a text flips": changed("cadets", "first_name", "chr(ascii(first_name) # 2) || substr(first_name, 2)",
                                       "id = 77"),
    "a text is cut": changed("notifications", "message", "left(message, 10)", "id = 30", "truncated"),
    "a space is lost": changed("cadets", "year_level", "trim(year_level)", "TRUE", "space"),
    "a line break changes": changed("cadets", "address", r"replace(address, E'\n', E'\r\n')", "TRUE"),
    "case changes": changed("users", "username", "lower(username)", "TRUE", "case"),
    "letters are decomposed": changed("staff", "last_name", "normalize(last_name, NFD)", "TRUE", "normalisation"),
    "UTF-8 is read as Latin-1": changed("messages", "content", "convert_from(convert_to(content, 'UTF8'), 'LATIN1')",
                                        "id > 1", "encoding"),
    "a number is off by a cent": changed("grades", "score", "score + 0.01", "id = 500"),
    "a number is rounded": changed("grades", "score", "round(score)", "TRUE", "changed"),
    "a sign is lost": changed("merit_demerit_logs", "points", "abs(points)", "TRUE"),
    "a large number keeps only 32 bits": changed("files", "size", "size & 4294967295", "TRUE", key="id"),
    "a number is lost": changed("users", "is_approved", "NULL", "id = 20", "null"),
    "a truth turns round": changed("notifications", "is_read", "NOT is_read", "id = 9"),
    "a truth is made of nothing": changed("cadets", "is_archived", "FALSE", "is_archived IS NULL", "null"),
    "a row belongs to somebody else": changed("grades", "graded_by", "graded_by + 1", "id > 40"),
    "a setting becomes its default": changed("user_settings", "dark_mode", "FALSE", "dark_mode IS NULL", "null",
                                             "user_id"),
    "a URL changes its form": changed("files", "url", "replace(url, '/opt/render/project/src/server', '')", "TRUE"),
    "a hash loses a letter": changed("users", "password", "overlay(password PLACING 'x' FROM 30)", "id = 14"),
    "a hash changes case": changed("users", "password", "lower(password)", "id = 15"),
}  # fmt: skip


def planted(url: str, statement: str) -> str:
    """Do it behind the back of every constraint; the key."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        (found,) = connection.execute(statement.encode()).fetchall()
    return str(found[0])


def named(school: str, target: str) -> list[Told]:
    """What the verification says, without the counts."""
    return [finding for finding in told(verify(school, target, ROTC).findings) if finding[1] != "count"]


def test_a_clean_pair_is_passed_over_in_silence(school: str, moved: str) -> None:
    report = verify(school, moved, ROTC)
    assert report.ok
    assert report.findings == []
    assert all(table.equal and table.source_rows > 0 for table in report.tables)


def test_damage_to_single_values_and_rows_is_named_each_by_itself(school: str, moved: str) -> None:
    """All of it at once in one database: a verification must not stop at the first."""
    assert len(SINGLE) >= 40
    expected = {
        name: (damage.table, damage.kind, planted(moved, damage.statement), damage.column)
        for name, damage in SINGLE.items()
    }
    found = named(school, moved)
    assert {name: one for name, one in expected.items() if one not in found} == {}
    extra = set(found) - set(expected.values())
    assert {(table, kind) for table, kind, *_ in extra} <= {("users", "form")}, extra


@pytest.mark.parametrize("name", ["a row is dropped", "microseconds are cut", "JSON null becomes SQL NULL"])
def test_damage_alone_is_named_and_nothing_else(school: str, moved: str, name: str) -> None:
    damage = SINGLE[name]
    key = planted(moved, damage.statement)
    assert named(school, moved) == [(damage.table, damage.kind, key, damage.column)]


def test_a_row_that_is_there_twice_is_named_even_where_no_constraint_is_left(school: str, moved: str) -> None:
    run(moved, "ALTER TABLE attendance DROP CONSTRAINT attendance_pkey CASCADE",
        "ALTER TABLE attendance DROP CONSTRAINT attendance_training_day_id_cadet_id_key",
        "INSERT INTO attendance SELECT * FROM attendance WHERE id = 77")  # fmt: skip
    found = named(school, moved)
    assert ("attendance", "duplicate", "77", None) in found
    assert ("attendance", "duplicate", "77 and 77", "id") in found
    assert ("attendance", "duplicate", "77 and 77", "training_day_id, cadet_id") in found
    assert found.count(("attendance", "constraint", None, None)) == 2


def test_two_rows_that_were_swapped_are_named_both(school: str, moved: str) -> None:
    run(moved, "UPDATE cadets a SET gender = b.gender, religion = b.religion, first_name = b.first_name FROM cadets b "
        "WHERE (a.id, b.id) IN ((10, 12), (12, 10))")  # fmt: skip
    assert {("cadets", "changed", "10", "first_name"), ("cadets", "changed", "12", "first_name")} <= set(
        named(school, moved)
    )


def test_a_row_that_got_another_number_is_missing_under_the_old_one(school: str, moved: str) -> None:
    planted(moved, "UPDATE messages SET id = 5000 WHERE id = 50 RETURNING id")
    found = named(school, moved)
    assert {("messages", "missing", "50", None), ("messages", "extra", "5000", None)} <= set(found)
    assert ("messages", "sequence", "121", "id") in found


def test_an_orphan_is_named_with_what_it_refers_to(school: str, moved: str) -> None:
    planted(moved, "UPDATE users SET cadet_id = 999999 WHERE id = 14 RETURNING id")
    found = verify(school, moved, ROTC).findings
    assert told(found) == [("users", "orphan", "14", "cadet_id"), ("users", "changed", "14", "cadet_id")]
    assert "cadets 999999" in found[0].says


def test_a_parent_that_is_gone_is_missing_and_its_children_are_orphans(school: str, moved: str) -> None:
    planted(moved, "DELETE FROM training_days WHERE id = 4 RETURNING id")
    found = named(school, moved)
    assert ("training_days", "missing", "4", None) in found
    assert len([f for f in found if f[:2] == ("attendance", "orphan")]) == 290


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("bcrypt_sha256$$2a$10$" + "x" * 53, {"form", "changed"}),
        ("'bcrypt_sha256$' || substr(password, 8)", {"form", "prefix"}),
        ("substr(password, 8)", {"form", "prefix"}),
        ("'!' || substr(password, 8)", {"prefix"}),
        ("''", {"form", "changed"}),
    ],
)
def test_a_wrong_prefix_of_a_password_is_named_and_no_secret_is_told(
    school: str, moved: str, text: str, kinds: set[str]
) -> None:
    expression = text if "(" in text or text == "''" else f"'{text}'"
    planted(moved, f"UPDATE users SET password = {expression} WHERE id = 14 RETURNING id")
    report = verify(school, moved, ROTC)
    assert set(told(report.findings)) == {("users", kind, "14", "password") for kind in kinds}
    assert "$2a$" not in report.markdown()


def test_a_text_that_lost_its_mark_of_an_unusable_password_is_named(school: str, moved: str) -> None:
    key = planted(moved, "UPDATE users SET password = substr(password, 2) WHERE id = (SELECT min(id) FROM users WHERE "
                  "left(password, 1) = '!') RETURNING id")  # fmt: skip
    assert set(named(school, moved)) == {("users", "form", key, "password"), ("users", "prefix", key, "password")}


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("SELECT setval('attendance_id_seq', 10)", ("attendance", "sequence", "11", "id")),
        ("ALTER TABLE attendance ALTER id DROP IDENTITY", ("attendance", "sequence", None, "id")),
        ("ALTER TABLE users DROP CONSTRAINT users_username_key", ("users", "constraint", None, None)),
        ("ALTER TABLE users DISABLE TRIGGER ALL", ("users", "constraint", None, "cadet_id")),
    ],
)
def test_what_would_go_wrong_with_the_next_write_is_named(
    school: str, moved: str, statement: str, finding: Told
) -> None:
    run(moved, statement)
    assert finding in named(school, moved)


def test_a_foreign_key_that_is_gone_is_named(school: str, moved: str) -> None:
    name = one(moved, "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = 'grades'::regclass "
               "AND confrelid = 'cadets'::regclass")  # fmt: skip
    run(moved, f'ALTER TABLE grades DROP CONSTRAINT "{name}"')
    assert named(school, moved) == [("grades", "constraint", None, "cadet_id")]


def test_a_table_that_was_emptied_is_named_row_by_row(school: str, moved: str) -> None:
    run(moved, "TRUNCATE settings")
    assert named(school, moved) == [("settings", "missing", str(number), None) for number in range(1, 11)]


def test_a_whole_column_in_the_wrong_zone_is_named_and_what_is_not_listed_is_counted(school: str, moved: str) -> None:
    run(moved, "UPDATE attendance SET created_at = created_at + interval '8 hours'")
    report = verify(school, moved, ROTC, listed=100)
    kinds = [finding.kind for finding in report.findings]
    assert kinds.count("zone") == 100
    assert kinds[-1] == "more"
    assert "4250 more rows of 4350" in report.findings[-1].says


def test_a_column_of_another_type_is_refused_by_name(school: str, moved: str) -> None:
    run(moved, "ALTER TABLE messages ALTER created_at TYPE timestamp")
    with pytest.raises(RowsError, match=r"messages.created_at is timestamp without time zone"):
        verify(school, moved, ROTC)


def test_a_row_that_cannot_be_read_is_an_error_with_its_key_and_the_others_are_still_compared(
    school: str, moved: str, make: Make
) -> None:
    source = make(school.rpartition("/")[2])
    keys = [str(key) for (key,) in rows(source, "SELECT id FROM reports ORDER BY id")]
    run(source, rf"""UPDATE reports SET params = '"\u0000"' WHERE id IN ('{keys[3]}', '{keys[11]}')""")
    run(moved, f"UPDATE reports SET type = 'other' WHERE id = '{keys[7]}'")
    found = named(source, moved)
    assert sorted(found, key=str) == sorted([
        ("reports", "unrepresentable", keys[3], "params"), ("reports", "unrepresentable", keys[11], "params"),
        ("reports", "changed", keys[7], "type"),
    ], key=str)  # fmt: skip


def test_an_import_that_never_ended_is_named(school: str, moved: str) -> None:
    run(moved, "UPDATE cutover_rows.run SET phase = 'running'")
    assert named(school, moved) == [("cadets", "unfinished", None, None)]
