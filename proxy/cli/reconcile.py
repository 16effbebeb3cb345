"""`cutover reconcile`: find rows that differ although nobody was told, and heal them."""

from __future__ import annotations

from pathlib import Path

import click

from migration import reconcile as reconciling
from proxy.cli.direction import ends
from proxy.cli.output import print_json, print_table
from proxy.cli.rows import RowsVerb, between, dry_run, into_active, leave, mapped, mapping, print_findings


@click.command(cls=RowsVerb)
@between
@mapped
@dry_run
@into_active
@click.option("--table", "tables", multiple=True, help="Only this table; may be given again.")
@click.option("--settle", default=0.5, show_default=True, type=click.FloatRange(0, 600),
              help="Seconds after which rows that differ are looked at again, before they are healed.")  # fmt: skip
@click.pass_context
def reconcile(
    ctx: click.Context, source: str | None, target: str | None, from_: str | None, to: str | None, config: Path | None,
    name: str, zones: tuple[str, ...], rules: tuple[str, ...], settings: Path | None, dry_run: bool,
    into_active: bool, tables: tuple[str, ...], settle: float, as_json: bool,
) -> None:  # fmt: skip
    """Compare, heal what differs, and compare again. Exit status 1 if something differs still."""
    plan = mapping(name, zones, rules, settings)
    pair = ends(source, target, from_, to, config, writes=True, into_active=into_active)
    done = reconciling.reconcile(*pair, plan, tables=tables, dry_run=dry_run, settle=settle)
    assert done.last is not None
    if as_json:
        print_json(done.document())
    else:
        print_table(("table", "key", "would be" if dry_run else "done"), done.rows, "nothing to heal")
        if not dry_run:
            print_findings([finding for finding in done.last.findings if not finding.note])
    leave(ctx, done.last.ok)
