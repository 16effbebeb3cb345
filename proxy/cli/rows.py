"""What the verbs about rows share: their options, their mapping, and how they tell what they found."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import psycopg

from migration.errors import RowsError, Stopped
from migration.findings import Finding, errors
from migration.mapping import RowMapping
from migration.mappings import MAPPINGS
from migration.report import Report
from proxy.cli.direction import declared
from proxy.cli.options import Verb, as_json, config_file
from proxy.cli.output import print_json, print_table
from proxy.config.model import Rows
from proxy.errors import CutoverError

F = TypeVar("F", bound=Callable[..., Any])
SHOWN = 40
DEFAULT = "rotc"
MAPPING = f"How the two correspond.  [default: the configuration's rows.mapping, else {DEFAULT}]"


class RowsVerb(Verb):
    """A verb whose failures are about rows: every finding is told, and the exit status is 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Stopped as stopped:
            as_json = bool(ctx.params.get("as_json"))
            if as_json:
                details = {"findings": [finding.document() for finding in stopped.findings]}
                print_json({"error": "stopped", "message": str(stopped), "code": 1, "details": details})
            else:
                print_findings(errors(stopped.findings))
                click.echo(f"cutover {ctx.info_name}: {stopped}", err=True)
            ctx.exit(1)
        except (RowsError, psycopg.Error) as error:
            if ctx.params.get("as_json"):
                print_json({"error": "failed", "message": str(error), "code": 1, "details": {}})
            else:
                click.echo(f"cutover {ctx.info_name}: {error}", err=True)
            ctx.exit(1)


def between(command: F) -> F:
    """Options that name the two databases; the active backend's is the source unless something else is said."""
    for option in (
        as_json, config_file,
        click.option("--to", "to", help="The backend that rows go to.  [default: the other one]"),
        click.option("--from", "from_", help="The backend that rows come from.  [default: the active one]"),
        click.option("--target", help="The URL of the database that rows go to, instead of a backend's."),
        click.option("--source", help="The URL of the database that rows come from, instead of a backend's."),
    ):  # fmt: skip
        command = option(command)
    return command


def mapped(command: F) -> F:
    """Options that say how the two correspond."""
    for option in (
        click.option("--settings", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                     help="A YAML file with `zones` and `rules`."),
        click.option("--rule", "rules", multiple=True, metavar="TABLE.COLUMN:HAZARD=WAY",
                     help="What to do with what the target cannot represent; `*` for every column."),
        click.option("--zone", "zones", multiple=True, metavar="TABLE.COLUMN=ZONE",
                     help="Whose clock a time without zone was read from; `*` for every column.  [default: UTC]"),
        click.option("--mapping", "name", type=click.Choice(sorted(MAPPINGS)), help=MAPPING),
    ):  # fmt: skip
        command = option(command)
    return command


def reporting(command: F) -> F:
    """Where the report goes."""
    help_ = "Write the report there, as .json and .md.  [default: var/migration/<verb>]"
    return click.option("--report", "place", type=click.Path(path_type=Path), help=help_)(command)


jobs = click.option("--jobs", default=2, show_default=True, type=click.IntRange(1, 32), help="Tables at a time.")
dry_run = click.option("--dry-run", is_flag=True, help="Only say what would happen.")
into_active = click.option("--into-active", is_flag=True, help="Write even over the rows of the active backend.")


def watched() -> bool:
    """Whether a person sees standard error, where progress is shown; what a program reads stays clean."""
    return sys.stderr.isatty()


def mapping(
    name: str | None, zones: tuple[str, ...], rules: tuple[str, ...], settings: Path | None, config: Path | None
) -> RowMapping:
    """The mapping with everything that was said about it: the configuration's `rows`, the file, the command line."""
    said, document = declared(config), _settings(settings)
    if name not in (None, said.mapping):
        said = Rows(name)
    return (
        MAPPINGS[name or said.mapping or DEFAULT]
        .with_zones({**said.zones, **document["zones"], **_pairs("--zone", zones)})
        .with_rules({**said.rules, **document["rules"], **_pairs("--rule", rules)})
    )


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    for pair in given:
        if "=" not in pair:
            raise click.UsageError(f"{option} {pair!r}: expected PLACE=VALUE")
    return {place: value for place, _, value in (pair.rpartition("=") for pair in given)}


def _settings(path: Path | None) -> dict[str, dict[str, str]]:
    if path is None:
        return {"zones": {}, "rules": {}}
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise CutoverError(f"{path} cannot be read: {error}") from error
    unknown = sorted(set(document) - {"zones", "rules"}) if isinstance(document, dict) else ["the whole"]
    parts = {name: document.get(name) or {} for name in ("zones", "rules")} if not unknown else {}
    if unknown or not all(isinstance(part, dict) for part in parts.values()):
        raise CutoverError(f"{path}: expected `zones` and `rules`, each a mapping; not {', '.join(unknown) or 'this'}")
    return {name: {str(k): str(v) for k, v in part.items()} for name, part in parts.items()}


def settings_of(mapping: RowMapping) -> dict[str, Any]:
    """What was set, for the report: zones other than UTC, and rules."""
    places = [(f"{table.name}.{column.name}", column) for table in mapping.tables for column in table.columns]
    zones = {place: column.zone for place, column in places if column.zone != "UTC"}
    rules = {place: dict(column.rules) for place, column in places if column.rules}
    return {"mapping": mapping.name, "zones": zones, "rules": rules}


def tell(report: Report, as_json: bool, place: Path | None) -> None:
    """Print a report and keep it."""
    where = place or Path("var") / "migration" / report.verb
    report.write(where)
    if as_json:
        return print_json(report.document())
    wrong = errors(report.findings)
    print_findings(wrong)
    notes = len(report.findings) - len(wrong)
    result = "nothing lost, nothing changed" if report.ok else f"{len(wrong)} things are wrong"
    click.echo(f"{report.verb}: {result}: {report.rows:,} rows in {report.seconds:.1f} s ({report.speed:,} rows/s)"
               f"{f', {notes} notes' if notes else ''}; all of it in {where.with_suffix('.md')}")  # fmt: skip


def print_findings(findings: list[Finding]) -> None:
    """The first of them, one on a line."""
    if findings:
        rows = [(f.table, f.key or "", f.column or "", f.kind, _said(f)) for f in findings[:SHOWN]]
        print_table(("table", "key", "column", "kind", "what"), rows, "")
    if len(findings) > SHOWN:
        click.echo(f"… and {len(findings) - SHOWN} more")


def _said(finding: Finding) -> str:
    if finding.source is None and finding.target is None:
        return finding.says
    return f"{finding.says}: {json.dumps(finding.source)} → {json.dumps(finding.target)}"


def leave(ctx: click.Context, ok: bool) -> None:
    """Exit with 1 unless everything is right."""
    if not ok:
        ctx.exit(1)
