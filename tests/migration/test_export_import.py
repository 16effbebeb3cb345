"""Exports and imports: files with a manifest that proves them complete, and rows that hold together."""

from __future__ import annotations

import gzip
import hashlib
import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from config import environment
from migration.copy import copy
from migration.errors import RowsError, Stopped
from migration.export import backup, export
from migration.load import load
from migration.manifest import read
from migration.mappings import ROTC
from migration.status import status
from migration.verify import verify
from tests.migration.people import Make, cadet, one, rows, run, told, user

FOREIGN_KEYS = """SELECT conname FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1"""


def lines(directory: Path, table: str) -> list[str]:
    """The rows of one exported table."""
    found = []
    for part in sorted(directory.glob(f"{table}.*.gz")):
        found += gzip.decompress(part.read_bytes()).decode().splitlines()
    return found


def resigned(directory: Path, table: str, kept: list[str]) -> None:
    """Change a table's only file, and the manifest with it, as somebody would who knows how."""
    content = "".join(f"{line}\n" for line in kept).encode()
    (part,) = directory.glob(f"{table}.*.gz")
    part.write_bytes(gzip.compress(content))
    path = directory / "manifest.json"
    document = json.loads(path.read_text())
    (entry,) = [entry for entry in document["tables"] if entry["name"] == table]
    entry["rows"] = len(kept)
    entry["parts"][0] |= {"rows": len(kept), "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    path.write_text(json.dumps(document))


@pytest.fixture
def exported(school: str, tmp_path: Path) -> Path:
    """The school, exported for Django."""
    export(school, tmp_path / "export", ROTC)
    return tmp_path / "export"


def test_export_script_creates_files(school: str, tmp_path: Path) -> None:
    out = StringIO()
    directory = tmp_path / "migration_data"
    call_command("export_nodejs_data", directory=directory, source=school, stdout=out)
    manifest = json.loads((directory / "manifest.json").read_text())
    assert [table["name"] for table in manifest["tables"]] == [table.name for table in ROTC.tables]
    for table in manifest["tables"]:
        assert table["rows"] == one(school, f"SELECT count(*) FROM {table['name']}") > 0
        assert len(lines(directory, table["name"])) == table["rows"]
    assert "nothing lost, nothing changed" in out.getvalue()
    assert json.loads((tmp_path / "export_report.json").read_text())["ok"] is True


def test_the_manifest_says_how_every_column_was_read(exported: Path, school: str) -> None:
    manifest = read(exported)
    (cadets,) = [table for table in manifest.tables if table.name == "cadets"]
    columns = {column["name"]: column for column in cadets.columns}
    assert columns["created_at"] == {
        "name": "created_at", "kind": "timestamp", "type": "timestamp without time zone", "zone": "UTC",
    }  # fmt: skip
    assert columns["student_id"]["type"] == "text"
    assert (manifest.side, manifest.shape, manifest.position) == ("node", "django", None)
    assert manifest.tool.startswith("cutover ")
    assert cadets.next == 291
    digests = {table.table: table.source_digest for table in verify(school, school, ROTC).tables}
    assert {table.name: table.digest for table in manifest.tables} == digests


def test_two_exports_of_the_same_rows_are_the_same_files_and_nobody_else_may_read_them(
    school: str, exported: Path, tmp_path: Path
) -> None:
    export(school, tmp_path / "again", ROTC)
    for part in exported.glob("*.gz"):
        assert part.read_bytes() == (tmp_path / "again" / part.name).read_bytes()
        assert stat.S_IMODE(part.stat().st_mode) == 0o600


def test_an_export_is_one_moment_of_all_tables_and_is_never_overwritten(exported: Path, school: str) -> None:
    with pytest.raises(RowsError, match="holds an export already"):
        export(school, exported, ROTC)


def test_an_export_that_never_ended_has_no_manifest_and_is_refused(exported: Path, django: str) -> None:
    (exported / "manifest.json").rename(exported / "manifest.unfinished")
    with pytest.raises(RowsError, match="it never ended"):
        load(exported, django, ROTC)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 9}, "no manifest of format 1"),
        ({"mapping": "other"}, "with the mapping other"),
        ({"shape": "node"}, "is made for node"),
        ({"tables": []}, "other tables or columns"),
        ({"surprise": 1}, "is damaged"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    exported: Path, django: str, change: dict[str, Any], says: str
) -> None:
    path = exported / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(RowsError, match=says):
        load(exported, django, ROTC)


def test_import_handles_missing_foreign_key(exported: Path, django: str) -> None:
    before = rows(django, FOREIGN_KEYS)
    resigned(exported, "training_days", lines(exported, "training_days")[1:])
    with pytest.raises(Stopped, match="is empty as before") as stopped:
        load(exported, django, ROTC)
    found = told(stopped.value.findings)
    assert ("training_days", "digest", None, None) in found
    assert ("attendance", "orphan", "1", "training_day_id") in found
    assert len([finding for finding in found if finding[:2] == ("attendance", "orphan")]) == 290
    assert one(django, "SELECT count(*) FROM attendance") == 0
    assert rows(django, FOREIGN_KEYS) == before
    assert status(django)["runs"][0]["phase"] == "undone"


def test_a_foreign_key_that_only_the_target_has_is_checked_too(exported: Path, django: str) -> None:
    run(django, "ALTER TABLE push_subscriptions ADD CONSTRAINT owner FOREIGN KEY (user_id) REFERENCES users")
    with pytest.raises(Stopped) as stopped:
        load(exported, django, ROTC)
    assert "is not present in table" in str(stopped.value.findings[0])
    assert one(django, "SELECT count(*) FROM users") == 0
    assert one(django, "SELECT count(*) FROM pg_constraint WHERE conname = 'owner'") == 1


def test_a_value_that_was_changed_in_a_file_is_found_although_the_manifest_was_mended(
    exported: Path, django: str
) -> None:
    changed = [line.replace("attendance\t", "Attendance\t", 1) for line in lines(exported, "settings")]
    changed[0] = changed[0].replace("2024", "2025", 1)
    resigned(exported, "settings", changed)
    with pytest.raises(Stopped) as stopped:
        load(exported, django, ROTC)
    assert told(stopped.value.findings) == [("settings", "digest", None, None)]


def test_a_row_that_the_target_refuses_is_told_and_nothing_stays(exported: Path, django: str) -> None:
    run(django, "ALTER TABLE cadets ADD CONSTRAINT no_crocodiles CHECK (id <> 200)")
    with pytest.raises(Stopped) as stopped:
        load(exported, django, ROTC)
    assert "no_crocodiles" in str(stopped.value.findings[0])
    assert one(django, "SELECT count(*) FROM staff") == 0


def test_a_dry_run_writes_nothing(exported: Path, school: str, django: str, tmp_path: Path) -> None:
    assert export(school, tmp_path / "dry", ROTC, dry_run=True).ok
    assert not (tmp_path / "dry").exists()
    assert copy(school, django, ROTC, dry_run=True).ok
    assert one(django, "SELECT to_regnamespace('cutover_rows') IS NULL")
    assert load(exported, django, ROTC, dry_run=True).ok
    assert one(django, "SELECT count(*) FROM cadets") == 0
    run(django, cadet(1))
    for attempt in (
        lambda: copy(school, django, ROTC, dry_run=True),
        lambda: load(exported, django, ROTC, dry_run=True),
    ):
        with pytest.raises(RowsError, match="dump them first"):
            attempt()


def test_zones_and_rules_go_with_the_export(node: str, django: str, tmp_path: Path) -> None:
    run(node, cadet(1, created_at="'2024-08-05 12:00'", updated_at="'infinity'"))
    mapping = ROTC.with_zones({"cadets.created_at": "Asia/Manila"}).with_rules({"cadets.updated_at:infinity": "null"})
    export(node, tmp_path / "out", mapping)
    load(tmp_path / "out", django, ROTC)
    assert rows(django, "SELECT created_at::text, updated_at FROM cadets") == [("2024-08-05 04:00:00+00", None)]
    assert verify(node, django, mapping).ok


def test_an_export_of_the_new_side_is_made_for_the_old_one(moved: str, make: Make, node_template: str, school: str,
                                                           tmp_path: Path) -> None:  # fmt: skip
    export(moved, tmp_path / "back", ROTC)
    node = make(node_template)
    load(tmp_path / "back", node, ROTC)
    assert verify(school, node, ROTC).ok
    one_ = "SELECT id, password, created_at FROM users ORDER BY id"
    assert rows(node, one_) == rows(school, one_)


def test_a_dump_remembers_what_it_holds(django: str, tmp_path: Path) -> None:
    run(django, cadet(1), user(1))
    backup(django, tmp_path / "dump", ROTC)
    assert status(django)["backups"][0]["rows"] == 2
    assert status(django)["away"] == []


@pytest.fixture
def own_database(django: str) -> Any:
    """Django's settings point at the test's database."""
    known = connections["default"].settings_dict
    kept = dict(known)
    known.update(environment.database_settings(django))
    yield django
    known.clear()
    known.update(kept)


def test_the_plans_own_commands_import_and_verify(school: str, own_database: str, tmp_path: Path) -> None:
    assert settings.DATABASES
    directory = tmp_path / "migration_data"
    call_command("export_nodejs_data", directory=directory, source=school, stdout=StringIO())
    call_command("import_django_data", directory=directory, stdout=StringIO())
    out = StringIO()
    call_command("verify_migration", directory=directory, source=school, as_json=True, stdout=out)
    assert json.loads(out.getvalue())["ok"] is True
    run(own_database, "DELETE FROM settings WHERE id = 3")
    with pytest.raises(CommandError, match="things are wrong"):
        call_command("verify_migration", directory=directory, source=school, stdout=StringIO())
    with pytest.raises(CommandError, match=r"has changed since|has rows already"):
        call_command("import_django_data", directory=directory, stdout=StringIO())


def test_a_command_without_a_source_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Set the NODEJS_DATABASE_URL environment variable"):
        call_command("export_nodejs_data", directory=tmp_path)
