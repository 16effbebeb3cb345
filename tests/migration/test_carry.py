"""Rows carried by lanes: what a lane reaches, what hangs on it, and that nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from migration.carry import Carrier
from migration.copy import copy
from migration.errors import RowsError, Stopped, Unreachable
from migration.kinds import Side
from migration.lanes import Unmapped, Wider, covered, lanes_of_row, mistakes
from migration.mappings import ROTC
from migration.verify import verify
from tests.migration.people import cadet, one, rows, run, user
from tests.support.waiting import eventually

Pair = tuple[str, str]
_WRITING = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
              AND application_name = 'cutover heal'"""


@pytest.fixture
def pair(node: str, django: str) -> Pair:
    """A small school on both sides."""
    run(node, cadet(1), cadet(2, first_name="'Berta'"), user(1, cadet_id=1), user(2, cadet_id=2), user(3),
        "INSERT INTO training_days (id, date, title) VALUES (1, '2024-08-03', 'Drill'), (2, '2024-08-10', 'Drill')",
        "INSERT INTO attendance (id, training_day_id, cadet_id, status) VALUES (1, 1, 1, 'late'), (2, 1, 2, 'absent')",
        "INSERT INTO grade_categories VALUES (1, 'x', 30)",
        "INSERT INTO grades (id, cadet_id, category_id, term, score) VALUES (1, 1, 1, 'final', 90)",
        "INSERT INTO merit_demerit_logs (id, cadet_id, type, points) VALUES (1, 1, 'merit', 5)",
        "INSERT INTO notifications (id, user_id, type, message) VALUES (1, 1, 'x', 'y'), (2, NULL, 'x', 'y')",
        "INSERT INTO messages (id, room, sender_id, content) VALUES (1, '50% é/ü', 3, 'Opo')",
        *(f"SELECT setval('{table.name}_id_seq', 50)" for table in ROTC.tables if table.serial))  # fmt: skip
    copy(node, django, ROTC)
    return node, django


@pytest.fixture
def carrier(pair: Pair) -> Iterator[Carrier]:
    made = Carrier({"node": pair[0], "django": pair[1]}, ROTC)
    yield made
    made.close()


def equal(pair: Pair) -> bool:
    return verify(*pair, ROTC).ok


def differing(pair: Pair) -> set[str]:
    return {finding.table for finding in verify(*pair, ROTC).findings if not finding.note}


def test_every_template_of_the_mapping_is_one() -> None:
    assert mistakes(ROTC) == []
    assert [table.name for table in ROTC.tables if not table.lanes] == []


@pytest.mark.parametrize(
    ("lane", "tables"),
    [
        ("marks/1/2", {"attendance": ("r.\"training_day_id\" = '1'::bigint AND r.\"cadet_id\" = '2'::bigint",)}),
        ("marks/1", {"attendance": ("r.\"training_day_id\" = '1'::bigint",)}),
        ("marks", {"attendance": ()}),
        ("marks/01", {"attendance": ("FALSE",)}),
        ("marks/99999999999999999999", {"attendance": ("FALSE",)}),
        ("rooms/a%27b", {"messages": ("r.\"room\" = 'a''b'",)}),
        ("rooms/a%00b", {"messages": ("FALSE",)}),
        ("settings", {"settings": ()}),
        ("users/1", {"users": ("r.\"id\" = '1'::bigint",), "user_settings": ("r.\"user_id\" = '1'::bigint",)}),
        ("merits/1", {"merit_demerit_logs": ("r.\"cadet_id\" = '1'::bigint",),
                      "audit_logs": ("r.\"payload\" ->> 'cadet_id' = '1'",)}),
        ("notifications/cadets/1", {"notifications": (
            "r.\"user_id\" IN (SELECT p.\"id\" FROM \"users\" p WHERE p.\"cadet_id\" = '1'::bigint)",)}),
    ],
)  # fmt: skip
def test_a_lane_reaches_the_rows_that_are_in_it_or_below(lane: str, tables: dict[str, tuple[str, ...]]) -> None:
    assert covered(ROTC, [lane], Side.OLD) == tables


def test_a_lane_that_holds_another_leaves_no_condition() -> None:
    assert covered(ROTC, ["marks/1", "marks"], Side.OLD) == {"attendance": ()}
    assert covered(ROTC, ["marks", "marks/1"], Side.OLD) == {"attendance": ()}
    assert set(covered(ROTC, [""], Side.NEW)) == {table.name for table in ROTC.tables}


@pytest.mark.parametrize("lane", ["uniforms", "uniforms/1", "marks/1/2/3"])
def test_a_lane_without_rows_cannot_be_carried(lane: str) -> None:
    with pytest.raises(Unmapped, match=lane):
        covered(ROTC, ["cadets/1", lane], Side.OLD)


def test_a_row_has_the_lanes_of_its_columns_and_ends_them_where_one_is_empty() -> None:
    told = {"id": "5", "user_id": None, "room": "a/b"}
    assert lanes_of_row(ROTC.table("notifications"), told) == (
        "notifications/cadets",
        "notifications/users",
        "notices/5",
    )
    assert lanes_of_row(ROTC.table("messages"), told) == ("rooms/a%2Fb",)


@pytest.mark.parametrize(
    ("change", "lane", "count"),
    [
        ("UPDATE cadets SET updated_at = '2024-09-01 08:00:00.000001' WHERE id = 1", "cadets/1", 1),
        ("UPDATE cadets SET student_id = student_id || '0'", "cadets", 2),
        ("UPDATE cadets SET student_id = CASE id WHEN 1 THEN '2024-00002' ELSE '2024-00001' END", "cadets", 2),
        ("DELETE FROM attendance WHERE cadet_id = 1", "marks/1/1", 1),
        ("INSERT INTO attendance (training_day_id, cadet_id, status) VALUES (2, 1, 'late')", "marks/2", 1),
        ("DELETE FROM messages", "rooms/50%25%20%C3%A9%2F%C3%BC", 1),
        ("UPDATE notifications SET is_read = true WHERE user_id = 1", "notifications/cadets/1", 1),
        ("UPDATE notifications SET is_read = true WHERE user_id IS NULL", "notices/2", 1),
        ("UPDATE notifications SET user_id = 3 WHERE user_id = 1", "notifications/users/3", 1),
        ("UPDATE notifications SET user_id = 3 WHERE user_id = 1", "notifications/users/1", 1),
        ("INSERT INTO merit_demerit_logs (cadet_id, type, points) VALUES (2, 'merit', 1)", "merits/2", 2),
        ("DELETE FROM merit_demerit_logs", "merits", 2),
        ("INSERT INTO settings (key, value) VALUES ('a', NULL), ('b', '%s')", "settings", 2),
        ("SELECT 1", "", 0),
        ("UPDATE grades SET score = 1.5", "", 1),
    ],
)  # fmt: skip
def test_what_a_write_did_in_a_lane_is_carried(
    pair: Pair, carrier: Carrier, change: str, lane: str, count: int
) -> None:
    if "CASE id" in change:
        run(pair[0], "UPDATE cadets SET student_id = id::text", change)
    else:
        run(pair[0], change)
    assert carrier.carry([lane], "node", "django").total == count
    assert equal(pair)
    assert carrier.carry([lane], "node", "django").total == 0


def test_rows_go_back_by_the_inverse_and_no_trigger_of_the_target_fires(pair: Pair, carrier: Carrier) -> None:
    run(pair[1], "UPDATE merit_demerit_logs SET points = 7, date_recorded = '2024-09-01 08:00:00.000001+00'",
        "UPDATE users SET last_seen = now() WHERE id = 1")  # fmt: skip
    assert carrier.carry(["merits/1", "users/1"], "django", "node").rows == {"merit_demerit_logs": 1, "users": 1}
    assert equal(pair)
    assert one(pair[0], "SELECT count(*) FROM audit_logs") == 1
    run(pair[0], "DELETE FROM merit_demerit_logs")
    assert one(pair[0], "SELECT count(*) FROM audit_logs") == 2, "it fires again"


def test_only_the_lanes_that_were_named_are_touched(pair: Pair, carrier: Carrier) -> None:
    run(pair[0], "UPDATE cadets SET first_name = 'x'", "UPDATE grades SET score = 1")
    assert carrier.carry(["cadets/2"], "node", "django").rows == {"cadets": 1}
    assert rows(pair[1], "SELECT first_name FROM cadets ORDER BY id") == [("Anna",), ("x",)]
    assert differing(pair) == {"cadets", "grades"}


def test_ids_that_each_side_drew_itself_become_those_of_the_source(pair: Pair, carrier: Carrier) -> None:
    for url, number in zip(pair, (9, 30), strict=True):
        run(url, f"INSERT INTO attendance (id, training_day_id, cadet_id, status) VALUES ({number}, 2, 1, 'late')")
    carrier.carry(["marks/2/1"], "node", "django")
    assert rows(pair[1], "SELECT id FROM attendance WHERE training_day_id = 2") == [(9,)]
    assert equal(pair)


def test_the_next_row_of_the_target_collides_with_none_that_was_carried(pair: Pair, carrier: Carrier) -> None:
    run(pair[0], "INSERT INTO grades (id, cadet_id, category_id, term, score) VALUES (70, 2, 1, 'final', 90)")
    carrier.carry(["grades/2"], "node", "django")
    assert one(pair[1], "SELECT nextval('grades_id_seq')") == 71


def test_a_row_whose_parent_is_not_there_yet_names_what_goes_with_it(pair: Pair, carrier: Carrier) -> None:
    run(pair[0], cadet(3), "INSERT INTO grades (cadet_id, category_id, term, score) VALUES (3, 1, 'final', 90)")
    with pytest.raises(Wider) as wider:
        carrier.carry(["grades/3"], "node", "django")
    assert wider.value.lanes == ("cadets/3",)
    assert one(pair[1], "SELECT count(*) FROM cadets") == 2, "nothing was changed"
    carrier.carry(["grades/3", *wider.value.lanes], "node", "django")
    assert equal(pair)


def test_a_row_that_must_go_while_others_refer_to_it_names_what_goes_with_it(pair: Pair, carrier: Carrier) -> None:
    run(pair[0], "DELETE FROM training_days WHERE id = 1")
    with pytest.raises(Wider) as wider:
        carrier.carry(["days/1"], "node", "django")
    assert wider.value.lanes == ("marks/1/1", "marks/1/2")
    carrier.carry(["days/1", "marks/1"], "node", "django")
    assert equal(pair)


def test_a_row_that_the_target_refuses_changes_nothing_and_the_next_carry_works(pair: Pair, carrier: Carrier) -> None:
    run(pair[0], "UPDATE cadets SET first_name = 'A longer name' WHERE id = 1", "UPDATE grades SET score = 1")
    run(pair[1], "ALTER TABLE cadets ADD CHECK (length(first_name) < 10)")
    with pytest.raises(Stopped) as stopped:
        carrier.carry(["cadets/1", "grades/1"], "node", "django")
    told = "django refused a row of cadets (cadets_first_name_check), and nothing was changed"
    assert str(stopped.value) == told, "it is logged: which rule, and nothing of the row"
    assert differing(pair) == {"cadets", "grades"}
    assert carrier.carry(["grades/1"], "node", "django").total == 1


def test_a_connection_that_was_lost_is_made_again(pair: Pair, carrier: Carrier) -> None:
    carrier.carry(["cadets/1"], "node", "django")
    killed = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cutover heal'"
    with psycopg.connect(pair[0], autocommit=True) as connection:
        assert len(connection.execute(killed.encode()).fetchall()) >= 2
    run(pair[0], "UPDATE cadets SET first_name = 'x' WHERE id = 1")
    with pytest.raises(Unreachable):
        carrier.carry(["cadets/1"], "node", "django")
    assert carrier.carry(["cadets/1"], "node", "django").total == 1


def test_a_row_that_has_no_form_on_the_target_stops_the_carry(pair: Pair, carrier: Carrier) -> None:
    run(pair[0], "INSERT INTO reports (type, params, requested_by) VALUES ('x', '{\"a\": \"\\u0000\"}', 1)")
    with pytest.raises(RowsError, match="nothing was changed"):
        carrier.carry(["reports/1"], "node", "django")


def test_who_comes_too_late_writes_nothing(pair: Pair) -> None:
    run(pair[0], "UPDATE cadets SET first_name = 'x' WHERE id = 1")
    slow = Carrier({"node": pair[0], "django": pair[1]}, ROTC, within=0.0)
    with pytest.raises(RowsError):
        slow.carry(["cadets/1"], "node", "django")
    slow.close()
    assert one(pair[1], "SELECT first_name FROM cadets WHERE id = 1") == "Anna"


def test_a_carry_that_was_frozen_is_ended_by_the_server(pair: Pair) -> None:
    run(pair[0], "UPDATE cadets SET first_name = 'x' WHERE id = 1")
    slow = Carrier({"node": pair[0], "django": pair[1]}, ROTC, within=0.2)

    def frozen() -> None:
        eventually(lambda: one(pair[1], _WRITING) == 0, 30)

    with pytest.raises(Unreachable):
        slow.carry(["cadets/1"], "node", "django", read=frozen)
    slow.close()
    assert one(pair[1], "SELECT first_name FROM cadets WHERE id = 1") == "Anna"


def test_the_source_is_read_before_anything_is_written(pair: Pair, carrier: Carrier) -> None:
    run(pair[0], "UPDATE cadets SET first_name = 'x' WHERE id = 1")
    told: list[str] = []

    def meanwhile() -> None:
        told.append(one(pair[1], "SELECT first_name FROM cadets WHERE id = 1"))
        run(pair[0], "UPDATE cadets SET first_name = 'later' WHERE id = 1")

    carrier.carry(["cadets/1"], "node", "django", read=meanwhile)
    assert told == ["Anna"]
    assert one(pair[1], "SELECT first_name FROM cadets WHERE id = 1") == "x"
