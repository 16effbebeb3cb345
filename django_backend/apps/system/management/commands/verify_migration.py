"""Compares the legacy database with this one."""

from __future__ import annotations

from typing import Any

from apps.system.management.rows import RowsCommand, mapping, source, target


class Command(RowsCommand):
    help = "Compare every row of Node's database with this one, and name each that differs."

    def handle(self, *_: Any, **options: Any) -> None:
        plan, url, directory = mapping(options), source(options), options["directory"]
        from migration.verify import verify

        place = directory.parent / "verify_report"
        self.settled(lambda: verify(url, target(), plan), place, options["as_json"])
