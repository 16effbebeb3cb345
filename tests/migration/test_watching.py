"""Writes past the proxy: carried over from the active side, told on the standby, and left alone while in motion."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Set
from contextlib import closing

import psycopg
import pytest
from structlog.testing import capture_logs

from migration.copy import copy
from migration.digests import Key
from migration.mappings import ROTC
from migration.rounds import Round
from migration.verify import verify
from migration.watching import Rows, Watcher, Watching
from tests.migration.people import Make, cadet, one, rows, run, user

Pair = tuple[str, str]
Watch = Callable[..., Watcher]
CHAT = "INSERT INTO messages (id, room, sender_id, content) VALUES ({0}, 'general', 1, 'Opo {0}')"


@pytest.fixture
def pair(node: str, django: str) -> Pair:
    """A small school on both sides; Node is active."""
    run(node, cadet(1), cadet(2, first_name="'Berta'"), cadet(3), user(1, cadet_id=1), user(2, cadet_id=2),
        CHAT.format(1), "SELECT setval('messages_id_seq', 1)",
        "INSERT INTO settings VALUES (1, 'theme', 'dark')")  # fmt: skip
    copy(node, django, ROTC)
    return node, django


@pytest.fixture
def watch(pair: Pair) -> Iterator[Watch]:
    """Call it for a watcher that has looked once; nothing is waited for between two looks at a row."""
    begun: list[Watcher] = []

    def begin(wait: Callable[[float], None] = lambda _: None, **how: object) -> Watcher:
        settled = how.pop("settled", None)
        begun.append(Watcher(*pair, ROTC, Watching(0, **how), settled=settled, wait=wait))  # type: ignore[arg-type]
        first = begun[-1].look()
        assert first.quiet, first.document()
        assert first.compared == len(ROTC.tables)
        return begun[-1]

    yield begin
    for watcher in begun:
        watcher.close()


def looked(watcher: Watcher, enough: Callable[[Round], object], within: float = 30.0) -> Round:
    """The first look that is enough: a server tells only after a while that a table was written to."""
    deadline = time.monotonic() + within
    while not enough(done := watcher.look()):
        assert time.monotonic() < deadline, f"not within {within} s: {watcher.totals.document()}"
        time.sleep(0.05)
    return done


def seen(watcher: Watcher) -> Round:
    """The first look with something to tell."""
    return looked(watcher, lambda done: not done.quiet or done.moving or done.waiting)


def foreign(done: Round) -> list[tuple[str, str | None, str | None]]:
    """What was told, in short."""
    return [(finding.table, finding.key, finding.column) for finding in done.foreign]


def test_what_a_chat_a_job_an_administrator_and_psql_write_on_the_active_side_is_carried_over(
    pair: Pair, watch: Watch
) -> None:
    watcher = watch()
    run(pair[0], CHAT.format(2), "UPDATE users SET last_seen = now() WHERE id = 2",
        "DELETE FROM cadets WHERE id = 3", "UPDATE settings SET value = 'light'")  # fmt: skip
    done = seen(watcher)
    assert sorted(done.healed) == [
        ("cadets", "3", "delete"), ("messages", "2", "insert"), ("settings", "1", "update"), ("users", "2", "update"),
    ]  # fmt: skip
    assert done.ok
    assert done.foreign == []
    assert verify(*pair, ROTC).ok
    assert one(pair[1], "SELECT nextval('messages_id_seq')") == 3
    assert watcher.look().quiet
    assert watcher.totals.document()["healed"] == {
        "cadets.delete": 1, "messages.insert": 1, "settings.update": 1, "users.update": 1,
    }  # fmt: skip


WRITTEN_ON_THE_STANDBY = {
    "changed": ("UPDATE cadets SET first_name = 'Mallory' WHERE id = 2", "cadets", "2", "first_name"),
    "removed": ("DELETE FROM messages WHERE id = 1", "messages", "1", None),
    "added": ("INSERT INTO settings VALUES (7, 'planted', '1')", "settings", "7", None),
}


@pytest.mark.parametrize("kind", WRITTEN_ON_THE_STANDBY)
def test_an_unexpected_writer_on_the_standby_is_told_and_its_row_is_left_to_a_person(
    pair: Pair, watch: Watch, kind: str
) -> None:
    statement, *place = WRITTEN_ON_THE_STANDBY[kind]
    watcher = watch()
    run(pair[1], statement)
    with capture_logs() as logs:
        done = seen(watcher)
    assert foreign(done) == [tuple(place)]
    assert f"was {kind} " in done.foreign[0].says
    assert (done.healed, done.open, done.ok) == ([], 1, False)
    assert [(log["log_level"], log["table"], log["key"]) for log in logs if "writer" in log["event"]] == [
        ("error", place[0], place[1])
    ]
    assert not verify(*pair, ROTC).ok
    again = watcher.look()
    assert (again.foreign, again.healed, again.open) == ([], [], 1), "it is told once"
    assert watcher.totals.document()["foreign"] == {place[0]: 1}


def test_a_row_that_was_told_and_is_equal_again_is_resolved(pair: Pair, watch: Watch) -> None:
    watcher = watch()
    run(pair[1], "UPDATE cadets SET first_name = 'Mallory' WHERE id = 2")
    assert seen(watcher).open == 1
    run(pair[1], "UPDATE cadets SET first_name = 'Berta' WHERE id = 2")
    done = looked(watcher, lambda done: done.resolved)
    assert (done.resolved, done.open) == ([("cadets", "2")], 0)
    assert watcher.look().quiet


def test_beside_a_row_that_is_told_others_of_its_table_are_carried_over_and_told(pair: Pair, watch: Watch) -> None:
    watcher = watch()
    run(pair[1], "UPDATE cadets SET first_name = 'Mallory' WHERE id = 2")
    assert seen(watcher).open == 1
    run(pair[0], "UPDATE cadets SET first_name = 'Ana' WHERE id = 1")
    done = looked(watcher, lambda done: done.healed)
    assert (done.healed, done.open) == ([("cadets", "1", "update")], 1)
    assert watcher.look().healed == []
    run(pair[1], "UPDATE cadets SET first_name = 'Mallory' WHERE id IN (1, 3)")
    done = looked(watcher, lambda done: done.foreign)
    assert foreign(done) == [("cadets", "1", "first_name"), ("cadets", "3", "first_name")]
    assert (done.healed, done.open) == ([], 3)


def test_what_was_changed_on_the_standby_is_healed_where_that_is_wanted_and_told_all_the_same(
    pair: Pair, watch: Watch
) -> None:
    watcher = watch(heal_foreign=True)
    run(pair[1], *(statement for statement, *_ in WRITTEN_ON_THE_STANDBY.values()))
    done = seen(watcher)
    assert sorted(foreign(done)) == sorted(tuple(place) for _, *place in WRITTEN_ON_THE_STANDBY.values())
    assert len(done.healed) == 3
    assert verify(*pair, ROTC).ok


def test_a_row_that_only_the_standby_has_when_the_watch_begins_is_told_and_not_removed(pair: Pair) -> None:
    """Nobody knows since when it is there, and it may be somebody's only copy."""
    run(pair[1], cadet(9))
    run(pair[0], cadet(8))
    watcher = Watcher(*pair, ROTC, Watching(0))
    done = watcher.look()
    watcher.close()
    assert foreign(done) == [("cadets", "9", None)]
    assert done.healed == [("cadets", "8", "insert")]
    assert rows(pair[1], "SELECT id FROM cadets WHERE id > 3 ORDER BY id") == [(8,), (9,)]


def test_a_neighbour_of_the_first_row_that_is_carried_is_told_at_once(pair: Pair) -> None:
    """The first look finds a difference, and no look has yet found the table equal: the other rows were."""
    run(pair[0], "UPDATE cadets SET first_name = 'Ana' WHERE id = 1")
    watcher = Watcher(*pair, ROTC, Watching(0))
    assert watcher.look().healed == [("cadets", "1", "update")]
    run(pair[1], "UPDATE cadets SET first_name = 'Mallory' WHERE id = 2")
    done = seen(watcher)
    watcher.close()
    assert (foreign(done), done.healed) == ([("cadets", "2", "first_name")], [])


def test_a_row_that_is_on_its_way_is_not_touched(pair: Pair, watch: Watch) -> None:
    arrivals = iter([CHAT.format(2), "UPDATE cadets SET first_name = 'Anna Maria' WHERE id = 1"])
    watcher = watch(wait=lambda _: run(pair[1], *arrivals))
    run(pair[0], CHAT.format(2), "UPDATE cadets SET first_name = 'Anna Maria' WHERE id = 1")
    done = seen(watcher)
    assert (done.healed, done.foreign, done.ok) == ([], [], True)
    assert done.moving == 2


def test_a_row_that_moves_on_between_the_two_looks_is_left_for_the_next_round(pair: Pair, watch: Watch) -> None:
    hands = iter(["Second", "Third"])

    def once_more(_: float) -> None:
        if name := next(hands, None):
            run(pair[0], f"UPDATE cadets SET first_name = '{name}' WHERE id = 1")

    watcher = watch(wait=once_more)
    run(pair[0], "UPDATE cadets SET first_name = 'First' WHERE id = 1")
    counted = [seen(watcher), watcher.look(), watcher.look()]
    assert [(done.moving, len(done.healed)) for done in counted] == [(1, 0), (1, 0), (0, 1)]
    assert one(pair[1], "SELECT first_name FROM cadets WHERE id = 1") == "Third"


def test_a_row_with_a_write_under_way_waits_until_that_is_settled(pair: Pair, watch: Watch) -> None:
    under_way: set[Key] = {("1",)}
    asked: list[tuple[str, dict[Key, tuple[str, str]]]] = []
    place = [column.name for column in ROTC.table("cadets").columns].index("first_name")

    def settled(table: str, rows: Rows) -> Set[Key]:
        names = {key: (theirs[place], ours[place]) for key, (theirs, ours) in rows.items()}  # type: ignore[index]
        asked.append((table, names))  # type: ignore[arg-type]
        return rows.keys() - under_way

    watcher = watch(settled=settled)
    run(pair[0], "UPDATE cadets SET first_name = 'Ana' WHERE id IN (1, 2)")
    done = seen(watcher)
    assert (done.healed, done.waiting) == ([("cadets", "2", "update")], 1)
    assert asked == [("cadets", {("1",): ("Ana", "Anna"), ("2",): ("Ana", "Berta")})]
    assert watcher.look().waiting == 1
    under_way.clear()
    assert watcher.look().healed == [("cadets", "1", "update")]
    assert watcher.look().quiet


def test_only_tables_that_were_written_to_are_compared_again(pair: Pair, watch: Watch) -> None:
    watcher = watch(every=3600.0)
    # What the copy itself wrote may be told a little later.
    looked(watcher, lambda done: done.compared == 0)
    run(pair[0], "UPDATE settings SET value = value")
    assert looked(watcher, lambda done: done.compared).compared == 1
    run(pair[0], "TRUNCATE messages")
    assert looked(watcher, lambda done: done.healed).healed == [("messages", "1", "delete")]


def test_a_writer_that_keeps_its_connection_on_the_standby_is_told_within_thirty_seconds(
    pair: Pair, watch: Watch
) -> None:
    watcher = watch(every=3600.0)
    looked(watcher, lambda done: done.compared == 0)
    with closing(psycopg.connect(pair[1], autocommit=True)) as connection:
        # A server puts off telling about the second of two writes, in the hope of a third.
        connection.execute("UPDATE settings SET value = value")
        connection.execute("UPDATE cadets SET first_name = 'Mallory' WHERE id = 2")
        assert foreign(looked(watcher, lambda done: done.foreign)) == [("cadets", "2", "first_name")]


def test_every_so_often_all_tables_are_compared_whatever_the_server_says(pair: Pair, watch: Watch) -> None:
    watcher = watch(every=0.0)
    assert watcher.look().compared == len(ROTC.tables)


CHANGES = {
    "insert": "INSERT INTO settings VALUES ({0}, 'key {0}', 'new')",
    "update": "UPDATE settings SET value = value || ' and changed' WHERE id = {0}",
    "delete": "DELETE FROM settings WHERE id = {0}",
}


@pytest.mark.parametrize("seed", range(4))
def test_whoever_writes_which_row_is_known_through_any_mixture(pair: Pair, watch: Watch, seed: int) -> None:
    """Ten rounds of changes on both sides, each row on one of them: the one side's travel, the other's are told."""
    dice, watcher = random.Random(seed), watch(every=0.0)
    numbers, equal, told = iter(range(100, 1000)), ["1"], set[str]()
    for _ in range(10):
        expected: dict[str, str] = {}
        for side in dice.choices((0, 1), k=dice.randint(0, 6)):
            action = dice.choice(list(CHANGES)) if equal else "insert"
            key = str(next(numbers)) if action == "insert" else equal.pop(dice.randrange(len(equal)))
            run(pair[side], CHANGES[action].format(key))
            if side == 0:
                expected[key] = action
            else:
                told.add(key)
        done = watcher.look()
        assert {key: action for _, key, action in done.healed} == expected
        assert done.open == len(told)
        equal += [key for key, action in expected.items() if action != "delete"]
        assert watcher.look().healed == []
    assert {finding.key for finding in verify(*pair, ROTC).findings if finding.row} == told


def test_a_dry_run_only_tells(pair: Pair, watch: Watch) -> None:
    watcher = watch(dry_run=True)
    run(pair[0], CHAT.format(2))
    assert seen(watcher).healed == [("messages", "2", "insert")]
    assert one(pair[1], "SELECT count(*) FROM messages") == 1


def test_a_database_that_is_gone_fails_a_round_and_the_next_one_connects_again(pair: Pair, watch: Watch) -> None:
    watcher = watch()
    name = pair[1].rpartition("/")[2]
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    rows(pair[1], end)
    assert "connection" in watcher.look().failed
    run(pair[0], CHAT.format(2))
    assert seen(watcher).healed == [("messages", "2", "insert")]
    assert watcher.totals.failures == 1


def test_a_row_that_cannot_be_read_is_named_and_the_others_are_still_carried_over(
    pair: Pair, make: Make, watch: Watch
) -> None:
    watcher = watch()
    report = "INSERT INTO reports (id, type, params) VALUES ('00000000-0000-0000-0000-00000000000{0}', 'x', '{1}')"
    run(pair[0], report.format(1, r'"\u0000"'), report.format(2, "{}"))
    done = seen(watcher)
    assert [(f.table, f.kind, f.column) for f in done.unverifiable] == [("reports", "unrepresentable", "params")]
    assert [key for _, key, _ in done.healed] == ["00000000-0000-0000-0000-000000000002"]
    assert not done.ok


def test_both_directions_are_one_code_path(pair: Pair) -> None:
    watcher = Watcher(pair[1], pair[0], ROTC, Watching(0))
    assert watcher.look().quiet
    run(pair[1], cadet(11))
    run(pair[0], "UPDATE cadets SET last_name = 'Mallory' WHERE id = 3")
    assert foreign(looked(watcher, lambda done: done.foreign)) == [("cadets", "3", "last_name")]
    assert one(pair[0], "SELECT last_name FROM cadets WHERE id = 3") == "Mallory"
    assert one(pair[0], "SELECT count(*) FROM cadets WHERE id = 11") == 1
    watcher.close()
