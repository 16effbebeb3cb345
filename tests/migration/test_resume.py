"""kill -9 at random moments: imports and copies go on where they were, and end as if nothing had happened.

`ROUNDS=50` runs the long form.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from migration.copy import copy
from migration.errors import RowsError
from migration.export import backup, export
from migration.kinds import Side
from migration.load import load
from migration.mappings import ROTC
from migration.status import status
from migration.verify import verify
from tests.migration.people import Make, cadet, one, rows, run, user

ROUNDS = int(os.environ.get("ROUNDS", "3"))
pytestmark = pytest.mark.timeout(120 if ROUNDS < 50 else 3600)
ROOT = Path(__file__).resolve().parents[2]
IMPORT = "from migration.load import load; load(pathlib.Path(sys.argv[1]), sys.argv[2], ROTC)"
COPY = "from migration.copy import copy; copy(sys.argv[1], sys.argv[2], ROTC)"
CONSTRAINTS = """SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"""
SCRIPT = "import pathlib, sys\nfrom migration.mappings import ROTC\n{}\nprint('ready', flush=True)\n{}"


def contents(url: str) -> dict[str, Any]:
    """Every row of every table, every constraint, trigger and next number."""
    found: dict[str, Any] = {}
    for table in ROTC.tables:
        names = ", ".join(f't."{column.on(Side.NEW)}"' for column in table.columns)
        query = f"SELECT count(*), md5(string_agg(md5(ROW({names})::text), '' ORDER BY md5(ROW({names})::text)))"
        found[table.name] = rows(url, f"{query} FROM {table.name} t")
        if table.serial:
            found[f"{table.name}.next"] = rows(url, f"SELECT last_value, is_called FROM {table.name}_id_seq")
    found["constraints"] = rows(url, CONSTRAINTS)
    found["triggers"] = rows(url, "SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'")
    return found


def begun(work: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that is about to do the work; it has imported everything."""
    imports, _, call = work.rpartition("; ")
    argv = [sys.executable, "-c", SCRIPT.format(imports, call), *arguments]
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def killed(process: subprocess.Popen[str], after: float) -> bool:
    """Kill it after that time; whether it was still at work."""
    try:
        assert process.wait(after) == 0
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    finally:
        assert process.stdout is not None
        process.stdout.close()
    return process.returncode == -signal.SIGKILL


def state(url: str) -> str:
    """How far a killed run had come."""
    found = status(url)["runs"]
    if not found:
        return "nothing was written yet"
    return f"{found[0]['phase']}, {'some' if found[0]['parts'] else 'no'} parts in"


def complete(url: str) -> bool:
    """Whether the last run says so."""
    return [found["phase"] for found in status(url)["runs"][:1]] == ["complete"]


@pytest.fixture(scope="module")
def exported(school: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The school in many small parts."""
    directory = tmp_path_factory.mktemp("export")
    export(school, directory, ROTC, part_rows=150)
    return directory


def test_an_import_killed_at_any_moment_and_resumed_equals_one_clean_run(
    exported: Path, make: Make, django_template: str
) -> None:
    clean = make(django_template)
    began = time.monotonic()
    load(exported, clean, ROTC)
    took, expected = time.monotonic() - began, contents(clean)
    dice, seen = random.Random(os.environ.get("SEED", "2024")), Counter[str]()
    for number in range(ROUNDS):
        target = make(django_template)
        while killed(begun(IMPORT, str(exported), target), dice.uniform(0, took * 1.2)):
            seen[state(target)] += 1
            if dice.random() < 0.5:
                break
        load(exported, target, ROTC)
        assert contents(target) == expected, f"round {number}, seed {os.environ.get('SEED', '2024')}"
        assert status(target)["away"] == []
    print(f"killed: {dict(seen)}")
    if ROUNDS >= 50:
        assert seen["running, some parts in"] >= ROUNDS / 5


def test_a_copy_killed_at_any_moment_never_passes_for_complete_and_said_again_equals_one_clean_run(
    school: str, moved: str, make: Make, django_template: str
) -> None:
    expected = contents(moved)
    dice, seen = random.Random(os.environ.get("SEED", "2024")), Counter[str]()
    for _ in range(ROUNDS):
        target = make(django_template)
        while killed(begun(COPY, school, target), dice.uniform(0.05, 0.6)):
            seen[state(target)] += 1
            if complete(target):
                break
            assert not verify(school, target, ROTC).ok
        assert contents(target) == expected
        assert not status(target)["unfinished"]
    print(f"killed: {dict(seen)}")


KILLED_AFTER = """
class Deadly:
    def begin(self, what, total): pass
    def advance(self, what, rows):
        from migration.status import status
        runs = status(sys.argv[2])["runs"]
        if runs and runs[0]["parts"] >= int(sys.argv[3]): os.kill(os.getpid(), 9)
"""
COPY_UNTIL = f"import os\n{COPY.replace('; ', KILLED_AFTER + '; ').replace('ROTC)', 'ROTC, progress=Deadly())')}"


def filenodes(url: str) -> dict[str, int]:
    """Which file each table's rows are in: another one once the table was emptied."""
    return {table.name: one(url, f"SELECT pg_relation_filenode('{table.name}')") for table in ROTC.tables}


def test_a_copy_that_goes_on_leaves_what_is_in_and_still_the_same_and_renews_what_is_not(
    school: str, make: Make, node_template: str, django_template: str
) -> None:
    source, target = make(school.rpartition("/")[2]), make(django_template)
    with begun(COPY_UNTIL, source, target, "8") as process:
        assert process.wait(60) == -signal.SIGKILL
    assert state(target) == "running, some parts in"
    done = [name for (name,) in rows(target, "SELECT name FROM cutover_rows.part ORDER BY name")]
    assert 8 <= len(done) < len(ROTC.tables)
    renewed = next(name for name in done if name in ("attendance", "grades", "audit_logs"))
    before = filenodes(target)
    run(source, f"DELETE FROM {renewed} WHERE id = (SELECT max(id) FROM {renewed})")
    copy(source, target, ROTC)
    after = filenodes(target)
    assert {name for name in done if before[name] != after[name]} == {renewed}
    assert verify(source, target, ROTC).ok
    assert len(status(target)["runs"]) == 1


def test_an_import_that_is_done_is_not_done_twice(exported: Path, django: str) -> None:
    load(exported, django, ROTC)
    before = contents(django)
    assert load(exported, django, ROTC).ok
    assert contents(django) == before
    assert len(status(django)["runs"]) == 1


def test_a_target_with_rows_is_refused_until_these_very_rows_were_dumped(
    school: str, exported: Path, django: str, tmp_path: Path
) -> None:
    run(django, cadet(7))
    for attempt in (lambda: copy(school, django, ROTC), lambda: load(exported, django, ROTC)):
        with pytest.raises(RowsError, match="dump them first"):
            attempt()
    backup(django, tmp_path / "first", ROTC)
    run(django, cadet(8))
    with pytest.raises(RowsError, match="has changed since its last dump"):
        copy(school, django, ROTC)
    backup(django, tmp_path / "second", ROTC)
    copy(school, django, ROTC)
    assert verify(school, django, ROTC).ok
    backup(django, tmp_path / "third", ROTC)
    load(tmp_path / "second", django, ROTC)
    assert rows(django, "SELECT id FROM cadets ORDER BY id") == [(7,), (8,)], "a dump can be brought back"


def test_rows_of_other_tables_that_refer_to_ours_are_not_left_in_the_air(
    exported: Path, django: str, tmp_path: Path
) -> None:
    entry = "(action_time, object_repr, action_flag, change_message, user_id) VALUES (now(), '', 1, '', 1)"
    run(django, user(1), f"INSERT INTO django_admin_log {entry}")
    backup(django, tmp_path / "dump", ROTC)
    with pytest.raises(RowsError, match="rows of django_admin_log refer to users"):
        load(exported, django, ROTC)
    assert one(django, "SELECT count(*) FROM users") == 1
    run(django, "DELETE FROM django_admin_log")
    assert load(exported, django, ROTC).ok


def test_two_imports_at_once_are_one_after_the_other(exported: Path, django: str) -> None:
    first, second = begun(IMPORT, str(exported), django), begun(IMPORT, str(exported), django)
    assert not killed(first, 60)
    assert not killed(second, 60)
    assert one(django, "SELECT count(*) FROM cutover_rows.run") == 1
    assert one(django, "SELECT count(*) FROM cadets") == 290
