"""Heal and reconcile: the rows that differ, what hangs on them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migration.copy import copy
from migration.errors import RowsError, Stopped
from migration.findings import errors
from migration.heal import heal
from migration.mappings import ROTC
from migration.reconcile import confirmed, reconcile
from migration.verify import verify
from tests.migration.people import Make, cadet, one, rows, run, user

Pair = tuple[str, str]


@pytest.fixture
def pair(node: str, django: str) -> Pair:
    """A small school on both sides."""
    run(node, cadet(1), cadet(2, first_name="'Berta'"), user(1, cadet_id=1), user(2, cadet_id=2),
        "INSERT INTO training_days (id, date, title) VALUES (1, '2024-08-03', 'Drill')",
        "INSERT INTO attendance (id, training_day_id, cadet_id, status) VALUES (1, 1, 1, 'late'), (2, 1, 2, 'absent')",
        "INSERT INTO grade_categories VALUES (1, 'x', 30)",
        "INSERT INTO grades (id, cadet_id, category_id, term, score) VALUES (1, 1, 1, 'final', 90)",
        "INSERT INTO activities (id, title) VALUES (1, 'Tree planting')", "INSERT INTO activity_cadets VALUES (1, 2)",
        "INSERT INTO merit_demerit_logs (id, cadet_id, type, points) VALUES (1, 1, 'merit', 5)")  # fmt: skip
    copy(node, django, ROTC)
    return node, django


def healed(pair: Pair, table: str, *keys: str, back: bool = False) -> list[tuple[str, str, str]]:
    """Heal rows, and expect both sides to be equal afterwards."""
    source, target = reversed(pair) if back else pair
    wanted = {table: {ROTC.table(table).key_from(key) for key in keys}}
    done = heal(source, target, ROTC, wanted)
    report = verify(source, target, ROTC)
    assert report.ok, report.markdown()
    return sorted(done.rows)


def test_a_row_that_differs_is_made_equal_and_equal_ones_are_left_alone(pair: Pair) -> None:
    run(pair[0], "UPDATE cadets SET first_name = 'Ana', updated_at = '2024-09-01 08:00:00.000001' WHERE id = 1")
    version = one(pair[1], "SELECT xmin FROM cadets WHERE id = 2")
    assert healed(pair, "cadets", "1", "2") == [("cadets", "1", "update")]
    assert one(pair[1], "SELECT xmin FROM cadets WHERE id = 2") == version


def test_a_row_that_is_missing_comes_with_the_parents_it_needs(pair: Pair) -> None:
    run(pair[0], cadet(3), user(3, cadet_id=3),
        "INSERT INTO messages (id, room, sender_id, content) VALUES (1, 'general', 3, 'Opo')")  # fmt: skip
    assert healed(pair, "messages", "1") == [
        ("cadets", "3", "insert"), ("messages", "1", "insert"), ("users", "3", "insert"),
    ]  # fmt: skip
    assert one(pair[1], "INSERT INTO cadets (first_name, last_name, student_id) VALUES ('', '', '') RETURNING id") == 4


def test_a_row_that_must_go_takes_with_it_only_what_the_source_has_lost_too(pair: Pair) -> None:
    run(pair[0], "DELETE FROM cadets WHERE id = 2")
    assert healed(pair, "cadets", "2") == [
        ("activity_cadets", "activity_id=1, cadet_id=2", "delete"), ("attendance", "2", "delete"),
        ("cadets", "2", "delete"), ("users", "2", "delete"),
    ]  # fmt: skip


def test_no_cascade_of_the_old_side_deletes_a_row_that_the_source_still_has(pair: Pair) -> None:
    run(pair[1], cadet(9), "UPDATE users SET cadet_id = 9 WHERE id = 2",
        "UPDATE attendance SET cadet_id = 9 WHERE id = 2", "DELETE FROM activity_cadets",
        "DELETE FROM cadets WHERE id = 2")  # fmt: skip
    assert ("users", "2", "update") in healed(pair, "cadets", "2", "9", back=True)
    assert rows(pair[0], "SELECT id, cadet_id FROM users ORDER BY id") == [(1, 1), (2, 9)]


def test_unique_values_that_two_rows_exchanged_are_exchanged(pair: Pair) -> None:
    exchange = "UPDATE {0} SET {1} = CASE {1} WHEN {2} THEN {3} ELSE {2} END"
    run(pair[0], "UPDATE users SET username = 'x' WHERE id = 1", "UPDATE users SET username = 'user1' WHERE id = 2",
        "UPDATE users SET username = 'user2' WHERE id = 1",
        "ALTER TABLE attendance DROP CONSTRAINT attendance_training_day_id_cadet_id_key",
        exchange.format("attendance", "cadet_id", 1, 2),
        "ALTER TABLE attendance ADD UNIQUE (training_day_id, cadet_id)")  # fmt: skip
    done = reconcile(*pair, ROTC, settle=0)
    assert {row[:2] for row in done.rows} == {("users", "1"), ("users", "2"), ("attendance", "1"), ("attendance", "2")}
    assert done.last is not None
    assert done.last.ok


def test_a_trigger_of_the_target_writes_nothing_while_a_row_is_healed(pair: Pair) -> None:
    run(pair[1], "UPDATE merit_demerit_logs SET points = 7 WHERE id = 1")
    assert healed(pair, "merit_demerit_logs", "1", back=True) == [("merit_demerit_logs", "1", "update")]
    assert one(pair[0], "SELECT count(*) FROM audit_logs") == 1
    run(pair[0], "DELETE FROM merit_demerit_logs")
    assert one(pair[0], "SELECT count(*) FROM audit_logs") == 2, "it fires again"


def test_a_link_without_an_id_is_healed_by_both_of_its_columns(pair: Pair) -> None:
    run(pair[0], "INSERT INTO activity_cadets VALUES (1, 1)", "DELETE FROM activity_cadets WHERE cadet_id = 2")
    assert healed(pair, "activity_cadets", "1,1", "activity_id=1, cadet_id=2") == [
        ("activity_cadets", "activity_id=1, cadet_id=1", "insert"),
        ("activity_cadets", "activity_id=1, cadet_id=2", "delete"),
    ]  # fmt: skip


def test_a_dry_run_says_what_would_be_done_and_does_nothing(pair: Pair) -> None:
    run(pair[0], "UPDATE cadets SET first_name = 'Ana' WHERE id = 1")
    done = heal(*pair, ROTC, {"cadets": {("1",)}}, dry_run=True)
    assert done.rows == [("cadets", "1", "update")]
    assert [(f.column, f.source, f.target) for f in done.findings] == [("first_name", "Ana", "Anna")]
    assert one(pair[1], "SELECT first_name FROM cadets WHERE id = 1") == "Anna"


def test_a_row_that_the_target_refuses_is_named_and_nothing_is_changed(pair: Pair) -> None:
    run(pair[0], "UPDATE cadets SET first_name = 'A longer name' WHERE id = 1", cadet(3))
    run(pair[1], "ALTER TABLE cadets ADD CHECK (length(first_name) < 10)")
    with pytest.raises(Stopped) as stopped:
        heal(*pair, ROTC, {"cadets": {("1",), ("3",)}})
    assert stopped.value.findings[0].table == "cadets"
    assert one(pair[1], "SELECT count(*) FROM cadets") == 2


@pytest.mark.parametrize(("table", "key"), [("activity_cadets", "1"), ("cadets", ""), ("uniforms", "1")])
def test_what_is_no_key_is_refused(table: str, key: str) -> None:
    with pytest.raises(RowsError):
        ROTC.table(table).key_from(key)


def test_a_key_of_the_wrong_type_is_refused_in_words(pair: Pair) -> None:
    with pytest.raises(RowsError, match="nothing was changed"):
        heal(*pair, ROTC, {"cadets": {("one",)}})


def _damage(url: str) -> None:
    run(url, "UPDATE cadets SET last_name = 'Santos' WHERE id = 1", "DELETE FROM attendance WHERE id = 1",
        "INSERT INTO settings (key, value) VALUES ('foreign', 'writer')", "SELECT setval('users_id_seq', 1, false)",
        "UPDATE grades SET score = 1")  # fmt: skip


def _untouched(_: str) -> None:
    """Nothing happened."""


@pytest.mark.parametrize(("damage", "count"), [(_damage, 4), (_untouched, 0)])
def test_reconcile_finds_and_heals_whatever_differs(pair: Pair, damage: Callable[[str], None], count: int) -> None:
    damage(pair[1])
    done = reconcile(*pair, ROTC, settle=0)
    assert len(done.rows) == count
    assert done.last is not None
    assert done.last.ok
    assert one(pair[1], "SELECT nextval('users_id_seq')") == 3


def test_reconcile_in_a_dry_run_changes_nothing_and_says_that_something_differs(pair: Pair) -> None:
    _damage(pair[1])
    done = reconcile(*pair, ROTC, dry_run=True, settle=0)
    assert len(done.rows) == 4
    assert done.last is not None
    assert not done.last.ok
    assert one(pair[1], "SELECT last_name FROM cadets WHERE id = 1") == "Santos"


def test_a_row_that_was_on_its_way_is_no_difference_a_moment_later(pair: Pair) -> None:
    run(pair[0], cadet(3), "UPDATE cadets SET first_name = 'Ana' WHERE id = 1")
    report = verify(*pair, ROTC)
    assert {finding.key for finding in errors(report.findings)} == {None, "1", "3"}
    run(pair[1], cadet(3))
    confirmed(report, *pair, ROTC, settle=0)
    assert [(finding.key, finding.column) for finding in errors(report.findings)] == [("1", "first_name")]


def test_writes_on_the_new_side_go_back_by_the_inverse_mapping(
    school: str, moved: str, make: Make, node_template: str
) -> None:
    back = make(node_template)
    copy(moved, back, ROTC)
    run(moved, "UPDATE users SET password = 'bcrypt$$2b$10$' || substr(password, 15) WHERE id = 14",
        "UPDATE cadets SET updated_at = '2024-12-01 10:00:00.000001+08', is_archived = NULL WHERE id = 5",
        "UPDATE reports SET params = '{\"b\": [1, null]}'", "DELETE FROM attendance WHERE cadet_id = 9",
        "INSERT INTO cadets (first_name, last_name, student_id) VALUES ('New', 'Cadet', '2025-1')")  # fmt: skip
    done = reconcile(moved, back, ROTC, settle=0)
    assert done.last is not None
    assert done.last.ok
    assert str(one(back, "SELECT updated_at FROM cadets WHERE id = 5")) == "2024-12-01 02:00:00.000001"
    assert one(back, "SELECT left(password, 7) FROM users WHERE id = 14") == "$2b$10$"
    assert one(back, "SELECT max(id) FROM cadets") == 291
    untouched = "SELECT * FROM messages ORDER BY id"
    assert rows(back, untouched) == rows(school, untouched)
