"""Imports what was exported from the legacy database."""

from __future__ import annotations

from typing import Any

from apps.system.management.rows import RowsCommand, mapping, target


class Command(RowsCommand):
    help = "Import an export into this database; killed at any moment, the next import goes on where it was."

    def handle(self, *_: Any, **options: Any) -> None:
        plan, directory = mapping(options), options["directory"]
        from migration.load import load

        place = directory.parent / "import_report"
        self.settled(lambda: load(directory, target(), plan, jobs=options["jobs"]), place, options["as_json"])
