"""What the three commands about rows share. The engine is the package `migration` beside this backend."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

if TYPE_CHECKING:
    from migration.mapping import RowMapping
    from migration.report import Report

DATA = Path("scripts") / "migration_data"


class RowsCommand(BaseCommand):
    """A command that fails with status 1 if a row was lost, changed or could not be read."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--directory", type=Path, default=DATA, help=f"Where the files are (default: {DATA}).")
        parser.add_argument("--source", help="Node's database (default: NODEJS_DATABASE_URL).")
        parser.add_argument("--zone", action="append", default=[], metavar="TABLE.COLUMN=ZONE")
        parser.add_argument("--rule", action="append", default=[], metavar="TABLE.COLUMN:HAZARD=WAY")
        parser.add_argument("--jobs", type=int, default=2)
        parser.add_argument("--json", action="store_true", dest="as_json")

    def settled(self, work: Callable[[], Report], place: Path, as_json: bool) -> None:
        """Do it, tell it and keep it; whatever is wrong becomes a CommandError."""
        from migration.errors import RowsError, Stopped
        from migration.findings import errors
        from psycopg import Error as DatabaseError

        try:
            report = work()
        except Stopped as stopped:
            lines = "\n".join(f"  {finding}" for finding in errors(stopped.findings))
            raise CommandError(f"{stopped}\n{lines}") from stopped
        except (RowsError, DatabaseError) as error:
            raise CommandError(str(error)) from error
        report.write(place)
        self.stdout.write(json.dumps(report.document(), ensure_ascii=False) if as_json else report.markdown())
        if not report.ok:
            raise CommandError(f"{len(errors(report.findings))} things are wrong, all of them in {place}.md")


def source(options: dict[str, Any]) -> str:
    """Node's database."""
    url = options["source"] or os.environ.get("NODEJS_DATABASE_URL", "")
    if not url:
        raise CommandError("Set the NODEJS_DATABASE_URL environment variable, or give --source")
    return str(url)


def target() -> str:
    """Django's own database, as it is connected to."""
    settings = connections["default"].settings_dict
    user, password = quote(settings["USER"] or "", safe=""), quote(settings["PASSWORD"] or "", safe="")
    account = f"{user}{f':{password}' if password else ''}@" if user else ""
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    options = {name: value for name, value in settings.get("OPTIONS", {}).items() if isinstance(value, str)}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    return f"postgresql://{account}{settings['HOST']}{port}/{settings['NAME']}{f'?{query}' if query else ''}"


def mapping(options: dict[str, Any]) -> RowMapping:
    """The mapping with the zones and rules that were given."""
    try:
        from migration.errors import RowsError
        from migration.mappings import ROTC
    except ModuleNotFoundError as error:
        raise CommandError(f"{error}: run this in a checkout of the whole project, where it is installed") from error
    try:
        return ROTC.with_zones(_pairs(options["zone"])).with_rules(_pairs(options["rule"]))
    except RowsError as error:
        raise CommandError(str(error)) from error


def _pairs(given: list[str]) -> dict[str, str]:
    for pair in given:
        if "=" not in pair:
            raise CommandError(f"{pair!r}: expected PLACE=VALUE")
    return {place: value for place, _, value in (pair.rpartition("=") for pair in given)}
