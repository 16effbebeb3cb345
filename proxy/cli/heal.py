"""`cutover heal TABLE KEY`: one row, and what hangs on it, from the source to the target."""

from __future__ import annotations

from pathlib import Path

import click

from migration import heal as healing
from proxy.cli.direction import ends
from proxy.cli.output import print_json, print_table
from proxy.cli.rows import RowsVerb, between, dry_run, into_active, mapped, mapping, print_findings


@click.command(cls=RowsVerb)
@click.argument("table")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@between
@mapped
@dry_run
@into_active
def heal(
    table: str, keys: tuple[str, ...], source: str | None, target: str | None, from_: str | None, to: str | None,
    config: Path | None, name: str | None, zones: tuple[str, ...], rules: tuple[str, ...], settings: Path | None,
    dry_run: bool, into_active: bool, as_json: bool,
) -> None:  # fmt: skip
    """Make rows of the target equal to the source's. A KEY of several columns is written `1,3`."""
    plan = mapping(name, zones, rules, settings, config)
    wanted = {table: {plan.table(table).key_from(key) for key in keys}}
    pair = ends(source, target, from_, to, config, writes=True, into_active=into_active)
    healed = healing.heal(*pair, plan, wanted, dry_run=dry_run)
    if as_json:
        return print_json(healed.document())
    print_findings(healed.findings)
    print_table(("table", "key", "would be" if dry_run else "done"), healed.rows, "the rows are equal already")
