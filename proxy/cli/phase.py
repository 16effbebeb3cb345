"""`cutover start` and `cutover stop`."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.cli.client import Control
from proxy.cli.options import Verb, changing
from proxy.cli.output import print_outcome


@click.command(cls=Verb)
@click.option("--empty", is_flag=True, help="Both sides start equal: nothing needs to be copied.")
@changing
def start(empty: bool, reason: str, dry_run: bool, url: str | None, config: Path | None, as_json: bool) -> None:
    """Begin to copy reads to the standby and compare the answers."""
    asked = {"empty": empty, "reason": reason}
    print_outcome(Control(url, config).ask("POST", "/api/start", asked, dry_run=int(dry_run)), as_json)


@click.command(cls=Verb)
@changing
def stop(reason: str, dry_run: bool, url: str | None, config: Path | None, as_json: bool) -> None:
    """Take everything home to the active backend, and copy nothing."""
    outcome = Control(url, config).ask("POST", "/api/stop", {"reason": reason}, dry_run=int(dry_run))
    print_outcome(outcome, as_json)
