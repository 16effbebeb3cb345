"""`cutover migrate export | import | copy | backup | status`: rows from one backend's database to the other's."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path

import click

from migration import copy as copying
from migration import export as exporting
from migration import load, status
from migration.errors import RowsError
from migration.mapping import RowMapping
from migration.mappings import MAPPINGS
from migration.moving import Still
from migration.progress import progress
from migration.report import Report
from proxy.cli.direction import database, ends, lacks_copies
from proxy.cli.joining import held, joined_copy
from proxy.cli.options import as_json, config_file
from proxy.cli.output import print_json, print_page
from proxy.cli.rows import (
    MAPPING,
    RowsVerb,
    between,
    dry_run,
    into_active,
    jobs,
    leave,
    mapped,
    mapping,
    reporting,
    settings_of,
    tell,
    watched,
)

DIRECTORY = click.Path(path_type=Path, file_okay=False)
_of = click.option("--of", "name", help="The backend.  [default: the one that is not active]")
_url = click.option("--target", help="The URL of the database, instead of a backend's.")


@click.group()
def migrate() -> None:
    """Move rows: both databases stay whole, and what cannot be carried is named before anything is written."""


@migrate.command("copy", cls=RowsVerb)
@between
@mapped
@reporting
@jobs
@dry_run
@into_active
@click.option("--join", is_flag=True, help="Start the release with it, under load: what the copy lacks is journaled.")
@click.pass_context
def copy(
    ctx: click.Context, source: str | None, target: str | None, from_: str | None, to: str | None, config: Path | None,
    name: str | None, zones: tuple[str, ...], rules: tuple[str, ...], settings: Path | None, place: Path | None,
    jobs: int, dry_run: bool, into_active: bool, join: bool, as_json: bool,
) -> None:  # fmt: skip
    """Copy all rows from one database into the other, without files in between.

    Killed at any moment, say it again: tables that were in and still hold what the source holds stay, the others are
    emptied and copied anew. Until it has ended well, `migrate status` calls it running and `verify` fails.

    With --join the release starts as well: every edge journals its writes, these stand still for milliseconds while the
    moment of the copy is taken, and what comes later is replayed once the copy is in. `cutover stop` gives it up.
    """
    plan = mapping(name, zones, rules, settings, config)
    pair = ends(source, target, from_, to, config, writes=True, into_active=into_active, beside_journal=join)
    bars, shown = progress(watched())
    with shown, ExitStack() as stack:
        joining = joined_copy(config, stack) if join and not dry_run else None
        still = joining.moment if joining else nullcontext
        report = copying.copy(*pair, plan, jobs=jobs, dry_run=dry_run, progress=bars, still=still)
        if joining:
            joining.finish()
            report.joined = joining.joined.document()
    report.settings = settings_of(plan)
    tell(report, as_json, place)
    leave(ctx, report.ok)


@migrate.command("export", cls=RowsVerb)
@click.argument("directory", type=DIRECTORY)
@click.option("--from", "from_", help="The backend that rows come from.  [default: the active one]")
@click.option("--source", help="The URL of its database, instead of a backend's.")
@config_file
@as_json
@mapped
@reporting
@jobs
@dry_run
@click.option("--no-position", is_flag=True, help="Hold no writes, and say nothing about the journal.")
@click.pass_context
def export(
    ctx: click.Context, directory: Path, source: str | None, from_: str | None, config: Path | None, name: str | None,
    zones: tuple[str, ...], rules: tuple[str, ...], settings: Path | None, place: Path | None, jobs: int,
    dry_run: bool, no_position: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write all rows of one moment into DIRECTORY: compressed files, and a manifest that proves them complete.

    While the release copies, writes stand still for the milliseconds in which that moment is taken, and the manifest
    says which position of the journal it stands for. --no-position takes it without.
    """
    plan = mapping(name, zones, rules, settings, config)
    url = source or ends(None, "-", from_, None, config).source
    still = nullcontext if no_position or dry_run else _at_position(url, config)
    bars, shown = progress(watched())
    with shown:
        report = exporting.export(url, directory, plan, jobs=jobs, dry_run=dry_run, progress=bars, still=still)
    report.settings = settings_of(plan)
    tell(report, as_json, place)
    leave(ctx, report.ok)


def _at_position(url: str, config: Path | None) -> Still:
    lacking = lacks_copies(url, config)
    return nullcontext if lacking is None else partial(held, config, settled=lacking)


@migrate.command("import", cls=RowsVerb)
@click.argument("directory", type=DIRECTORY)
@click.option("--to", "name", help="The backend that rows go to.  [default: the one that is not active]")
@_url
@config_file
@as_json
@reporting
@jobs
@dry_run
@into_active
@click.pass_context
def import_(
    ctx: click.Context, directory: Path, name: str | None, target: str | None, config: Path | None,
    place: Path | None, jobs: int, dry_run: bool, into_active: bool, as_json: bool,
) -> None:  # fmt: skip
    """Import what was exported into DIRECTORY; killed at any moment, it goes on where it was."""
    url = database(target, name, config, writes=True, into_active=into_active)
    bars, shown = progress(watched())
    with shown:
        report = load.load(directory, url, _mapping_of(directory), jobs=jobs, dry_run=dry_run, progress=bars)
    tell(report, as_json, place)
    leave(ctx, report.ok)


@migrate.command("backup", cls=RowsVerb)
@click.argument("directory", type=DIRECTORY)
@_of
@_url
@config_file
@as_json
@click.option("--mapping", "plan", type=click.Choice(sorted(MAPPINGS)), help=MAPPING)
@reporting
@jobs
@dry_run
@click.pass_context
def backup(
    ctx: click.Context, directory: Path, name: str | None, target: str | None, config: Path | None, plan: str | None,
    place: Path | None, jobs: int, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Dump a database into DIRECTORY, so that a copy or an import may replace its rows. `import` brings them back."""
    url, rows = database(target, name, config), mapping(plan, (), (), None, config)
    bars, shown = progress(watched())
    with shown:
        report: Report = exporting.backup(url, directory, rows, jobs=jobs, dry_run=dry_run, progress=bars)
    tell(report, as_json, place)
    leave(ctx, report.ok)


@migrate.command("status", cls=RowsVerb)
@_of
@_url
@config_file
@as_json
def status_(name: str | None, target: str | None, config: Path | None, as_json: bool) -> None:
    """Say what was written to a database, what is still open, and which dumps there are.

    A run that is `running` was interrupted, or is still at work: its rows are not whole, and `verify` says so too.
    """
    found = status.status(database(target, name, config))
    if as_json:
        return print_json(found)
    rows = [("database", found["database"], "bold")]
    rows += [
        (run["phase"], f"{run['kind']} from {run['source']}, {run['started']}, {run['parts']} parts done", "")
        for run in found["runs"]
    ]
    if found["unfinished"]:
        kind = found["runs"][0]["kind"]
        rows.append(
            ("unfinished", f"say the same `migrate {kind}` again; until then the rows are not whole", "bold red")
        )
    rows += [("away", f"{one['table']}: {one['name']}; comes back with the end of the run", "bold red")
             for one in found["away"]]  # fmt: skip
    rows += [("dump", f"{one['directory']}, {one['taken']}, {one['rows']:,} rows", "") for one in found["backups"]]
    if len(rows) == 1:
        rows.append(("rows", "nothing was ever written here", ""))
    print_page(rows)


def _mapping_of(directory: Path) -> RowMapping:
    from migration.manifest import read

    name = read(directory).mapping
    if name not in MAPPINGS:
        raise RowsError(f"the export's mapping {name} is none of {', '.join(sorted(MAPPINGS))}")
    return MAPPINGS[name]
