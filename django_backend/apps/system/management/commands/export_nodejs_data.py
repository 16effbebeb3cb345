"""Exports the legacy database to files with a manifest."""

from __future__ import annotations

from typing import Any

from apps.system.management.rows import RowsCommand, mapping, source


class Command(RowsCommand):
    help = "Export all rows of Node's database, of one moment, to compressed files and a manifest."

    def handle(self, *_: Any, **options: Any) -> None:
        plan, url, directory = mapping(options), source(options), options["directory"]
        from migration.export import export

        place = directory.parent / "export_report"
        self.settled(lambda: export(url, directory, plan, jobs=options["jobs"]), place, options["as_json"])
