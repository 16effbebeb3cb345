"""`cutover migrate`, `verify`, `heal` and `reconcile` as an operator types them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from click.testing import Result

from shadow.dualwrite.statements import SCHEMA
from tests.migration.people import Typed, cadet, one, run

ROOT = Path(__file__).resolve().parents[2]


WATCH = ("reconcile", "--watch", "--interval", "0.01", "--settle", "0", "--full-every", "0")


@pytest.fixture
def log_as_before() -> Iterator[None]:
    """The log's settings are for the whole process; a watch sends it to standard error."""
    yield
    structlog.reset_defaults()


def told(result: Result) -> Any:
    """The only line of output, as a program reads it."""
    return json.loads(result.stdout)


def test_rows_go_from_the_active_backend_to_the_other_and_back(typed: Typed, node: str, django: str) -> None:
    run(node, cadet(1))
    copied = told(typed("migrate", "copy", "--json"))
    assert (copied["ok"], copied["rows"]) == (True, 1)
    assert one(django, "SELECT count(*) FROM cadets") == 1
    assert typed("verify").exit_code == 0
    run(django, cadet(2))
    assert typed("verify", "--table", "cadets").exit_code == 1
    assert typed("verify", "--table", "staff").exit_code == 0
    refused = typed("reconcile", "--from", "django", "--settle", "0")
    assert (refused.exit_code, one(node, "SELECT count(*) FROM cadets")) == (1, 1)
    assert "node is active: its rows are the truth" in refused.stderr
    assert typed("reconcile", "--from", "django", "--settle", "0", "--into-active").exit_code == 0
    assert one(node, "SELECT count(*) FROM cadets") == 2


@pytest.fixture
def store(postgres_url: str, fresh_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A store in which Django is active, as after a flip."""
    url = fresh_database()
    with psycopg.connect(url) as connection:
        connection.execute((ROOT / "proxy" / "schema.sql").read_bytes())
        connection.execute("INSERT INTO cutover.control VALUES (true, 2, 'django', 'node', 'resting')")
    monkeypatch.setenv("CUTOVER_DATABASE_URL", url)
    return url


def test_after_a_flip_rows_go_the_other_way_because_the_store_says_who_is_active(
    store: str, typed: Typed, node: str, django: str
) -> None:
    run(django, cadet(1))
    copied = typed("migrate", "copy", "--json")
    assert (copied.exit_code, copied.stderr) == (0, "")
    assert one(node, "SELECT count(*) FROM cadets") == 1
    run(django, cadet(2))
    assert told(typed("heal", "cadets", "2", "--json"))["rows"] == [{"table": "cadets", "key": "2", "action": "insert"}]
    assert "django" not in typed("verify").stderr
    run(store, "UPDATE cutover.control SET active = 'node', standby = 'django'")
    assert "node is active" in typed("migrate", "copy", "--to", "node").stderr


def test_who_has_to_guess_who_is_active_says_so(
    typed: Typed, node: str, fresh_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("postgresql://nobody@127.0.0.1:1/x", fresh_database()):
        monkeypatch.setenv("CUTOVER_DATABASE_URL", url)
        result = typed("verify", "--json")
        assert result.exit_code == 0
        assert "taking node as active, as the configuration says" in result.stderr
        assert told(result)["source"] == told(typed("verify", "--from", "node", "--json"))["source"]


def test_who_heals_beside_the_journal_is_told_and_a_watch_works_with_it(
    store: str, log_as_before: None, typed: Typed, node: str, django: str
) -> None:
    run(
        store,
        SCHEMA,
        "UPDATE cutover.control SET phase = 'ramping'",
    )
    run(django, cadet(1))
    assert "`cutover journal heal`" in typed("reconcile", "--dry-run").stderr
    run(store, "INSERT INTO cutover.journal_hold VALUES ('somebody', 'cadets', cutover.span_of('cadets'), 'infinity')")
    result = typed(*WATCH, "--rounds", "1", "--json")
    assert told(result)["waiting"] == 1
    assert "`cutover journal heal`" not in result.stderr
    assert one(node, "SELECT count(*) FROM cadets") == 0


@pytest.mark.parametrize("words", [("migrate", "copy"), ("reconcile",), ("heal", "cadets", "1")])
def test_nothing_is_written_over_the_active_backends_rows_whichever_way_it_is_named(
    typed: Typed, node: str, django: str, words: tuple[str, ...]
) -> None:
    run(django, cadet(1))
    for way in (("--from", "django"), ("--to", "node"), ("--source", django, "--target", node)):
        result = typed(*words, *way)
        assert (result.exit_code, one(node, "SELECT count(*) FROM cadets")) == (1, 0)
        assert "say --into-active" in result.stderr


def test_a_store_of_another_deployment_is_refused(store: str, typed: Typed) -> None:
    run(store, "UPDATE cutover.control SET active = 'rails'")
    result = typed("verify")
    assert result.exit_code == 1
    assert "rails is active, the store says, and is none of node, django" in result.stderr


def test_what_is_wrong_is_told_row_by_row_and_the_report_is_kept(typed: Typed, django: str, tmp_path: Path) -> None:
    run(django, cadet(7, first_name="'Extra'"))
    result = typed("verify", "--report", "out/night")
    assert result.exit_code == 1
    assert "cadets  7" in result.stdout
    assert "things are wrong" in result.stdout
    assert json.loads((tmp_path / "out" / "night.json").read_text())["ok"] is False
    assert "| cadets | 0 | 1 |" in (tmp_path / "out" / "night.md").read_text()


def test_what_cannot_be_carried_stops_with_every_place_and_a_rule_lets_it_go(
    typed: Typed, node: str, django: str, tmp_path: Path
) -> None:
    run(node, cadet(3, created_at="'infinity'"))
    result = typed("migrate", "copy", "--json")
    assert result.exit_code == 1
    (finding,) = [one for one in told(result)["details"]["findings"] if not one.get("note")]
    assert (finding["table"], finding["key"], finding["column"], finding["kind"]) == (
        "cadets", "3", "created_at", "infinity",
    )  # fmt: skip
    assert typed("migrate", "copy", "--dry-run", "--rule", "*:infinity=null").exit_code == 0
    assert one(django, "SELECT count(*) FROM cadets") == 0
    (tmp_path / "rows.yaml").write_text("zones: {cadets.updated_at: Asia/Manila}\nrules: {'*:infinity': 'null'}\n")
    done = told(typed("migrate", "copy", "--settings", "rows.yaml", "--json"))
    assert done["settings"]["zones"] == {"cadets.updated_at": "Asia/Manila"}
    assert done["settings"]["rules"]["cadets.created_at"] == {"infinity": "null"}
    assert typed("verify", "--settings", "rows.yaml").exit_code == 0


def test_the_configuration_says_how_rows_correspond_and_the_command_line_knows_better(
    typed: Typed, node: str, tmp_path: Path
) -> None:
    run(node, cadet(1, created_at="'2024-08-05 12:00'"))
    path = tmp_path / "cutover.yaml"
    zones = {"cadets.created_at": "Asia/Manila", "cadets.updated_at": "Asia/Tokyo"}
    path.write_text(json.dumps({**json.loads(path.read_text()), "rows": {"mapping": "rotc", "zones": zones}}))
    assert told(typed("migrate", "copy", "--json"))["settings"]["zones"] == zones
    assert typed("verify").exit_code == 0
    there = told(typed("verify", "--zone", "cadets.created_at=UTC", "--json"))
    assert there["settings"]["zones"] == {"cadets.updated_at": "Asia/Tokyo"}
    assert ("created_at", "zone") in [(one["column"], one["kind"]) for one in there["findings"]]


def test_export_import_backup_and_status(typed: Typed, node: str, django: str, tmp_path: Path) -> None:
    run(node, cadet(1))
    assert typed("migrate", "export", "out").exit_code == 0
    assert (tmp_path / "out" / "manifest.json").exists()
    assert typed("migrate", "import", "out").exit_code == 0
    run(django, cadet(2))
    refused = typed("migrate", "import", "out")
    assert refused.exit_code == 1
    assert "dump them first with `cutover migrate backup`" in refused.stderr
    assert told(typed("migrate", "backup", "dump", "--dry-run", "--json"))["rows"] == 2
    assert not (tmp_path / "dump").exists()
    assert typed("migrate", "import", "out").exit_code == 1, "a dry run is no dump"
    assert typed("migrate", "backup", "dump").exit_code == 0
    assert typed("migrate", "import", "out", "--json").exit_code == 0
    assert one(django, "SELECT count(*) FROM cadets") == 1
    status = told(typed("migrate", "status", "--json"))
    assert [found["phase"] for found in status["runs"]] == ["complete", "complete"]
    assert status["backups"][0]["rows"] == 2
    assert "dump" in typed("migrate", "status").stdout
    assert "nothing was ever written" in typed("migrate", "status", "--of", "node").stdout


def test_heal_brings_one_row_over_and_says_what_it_did(typed: Typed, node: str, django: str) -> None:
    run(node, cadet(4))
    dry = typed("heal", "cadets", "4", "--dry-run")
    assert "would be" in dry.stdout
    assert one(django, "SELECT count(*) FROM cadets") == 0
    assert told(typed("heal", "cadets", "4", "--json"))["rows"] == [{"table": "cadets", "key": "4", "action": "insert"}]
    assert "equal already" in typed("heal", "cadets", "4").stdout


def test_watching_compares_again_and_ends_by_the_last_result(typed: Typed, django: str) -> None:
    run(django, cadet(1))
    result = typed("verify", "--watch", "--rounds", "2", "--interval", "0.01", "--json", "--settle", "0.01")
    assert result.exit_code == 1
    assert [json.loads(line)["ok"] for line in result.stdout.splitlines()] == [False, False]


def test_a_watch_tells_every_look_in_one_line_and_ends_well_if_nothing_is_open(
    log_as_before: None, typed: Typed, node: str, django: str
) -> None:
    run(node, cadet(1))
    result = typed(*WATCH, "--rounds", "3", "--json")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["healed"] for line in lines] == [[{"table": "cadets", "key": "1", "action": "insert"}], [], []]
    assert lines[-1]["totals"] == {
        "rounds": 3, "failures": 0, "moving": 0, "waiting": 0, "open": 0, "foreign": {}, "healed": {"cadets.insert": 1},
    }  # fmt: skip
    assert json.loads(result.stderr.splitlines()[-1])["event"] == "rows changed past the proxy"


def test_a_watch_ends_with_one_while_a_foreign_row_is_open(
    log_as_before: None, typed: Typed, django: str, tmp_path: Path
) -> None:
    run(django, cadet(7))
    result = typed(*WATCH, "--rounds", "2")
    assert result.exit_code == 1
    assert result.stdout.count("was added on django, where only copies are written") == 1
    assert "1 rows were changed on the target and differ still" in result.stdout
    assert typed(*WATCH, "--rounds", "2", "--table", "staff").exit_code == 0
    assert typed(*WATCH, "--rounds", "2", "--heal-foreign").exit_code == 0
    assert one(django, "SELECT count(*) FROM cadets") == 0


def test_a_watch_that_cannot_begin_ends_at_once(log_as_before: None, typed: Typed) -> None:
    result = typed(*WATCH, "--target", "postgresql://nobody@127.0.0.1:1/x", "--json")
    assert result.exit_code == 1
    (line,) = result.stdout.splitlines()
    assert "connection failed" in json.loads(line)["failed"]


def test_a_watch_that_is_told_to_end_ends_by_its_last_look(typed: Typed, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "proxy.cli.main", *WATCH, "--json"]
    with subprocess.Popen(
        argv, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ok"] is True
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["verify", "--zone", "cadets.created_at"], 2, "expected PLACE=VALUE"),
        (["verify", "--zone", "cadets.created_at=Mars"], 1, "is no time zone"),
        (["verify", "--table", "uniforms"], 1, "no table uniforms"),
        (["verify", "--from", "rails"], 1, "'rails' is no backend"),
        (["verify", "--from", "node", "--to", "node"], 0, ""),
        (["migrate", "copy", "--from", "django", "--to", "django"], 1, "both databases are django's"),
        (["migrate", "import", "nowhere"], 1, "there is no export"),
        (["heal", "cadets"], 2, "Missing argument"),
        (["verify", "--source", "postgresql://nobody@127.0.0.1:1/x"], 1, "connection failed"),
        (["verify", "--urls", "many"], 2, "is not one of"),
        (["reconcile", "--watch", "--table", "uniforms"], 1, "no table uniforms"),
        (["reconcile", "--watch", "--interval", "-1"], 2, "is not in the range"),
    ],
)
def test_a_word_that_is_wrong_is_refused_in_words(typed: Typed, words: list[str], status: int, says: str) -> None:
    result = typed(*words)
    assert result.exit_code == status, result.output
    assert says in result.output


def test_a_person_sees_bars_and_a_program_does_not(typed: Typed, node: str, django: str, tmp_path: Path) -> None:
    run(node, cadet(1))
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "proxy.cli.main", "migrate", "copy"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(argv, cwd=tmp_path, env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    # A terminal whose last writer has gone fails to be read.
    with suppress(OSError):
        while piece := os.read(ours, 4096):
            seen += piece
    os.close(ours)
    assert process.wait(60) == 0, seen
    assert b"nothing lost, nothing changed" in seen
    assert b"rows/s" in seen
    assert b"\x1b[" in seen
