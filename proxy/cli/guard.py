"""`cutover rearm`."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.cli.client import Control
from proxy.cli.options import Verb, reaching
from proxy.cli.output import print_outcome


@click.command(cls=Verb)
@click.option("--reason", required=True, help="What was found and mended; kept in the history.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@reaching
def rearm(reason: str, dry_run: bool, url: str | None, config: Path | None, as_json: bool) -> None:
    """Let the guard act again after it did."""
    outcome = Control(url, config).ask("POST", "/api/rearm", {"reason": reason}, dry_run=int(dry_run))
    print_outcome(outcome, as_json)
