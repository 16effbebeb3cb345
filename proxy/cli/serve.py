"""`cutover serve`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from proxy.cli.client import DEFAULT_CONFIG
from proxy.cli.options import Verb, config_file


@click.command(cls=Verb)
@config_file
@click.option("--only", type=click.Choice(["edge", "control", "shadow"]), help="Run one part; default: all of them.")
@click.pass_context
def serve(ctx: click.Context, config: Path | None, only: str | None) -> None:
    """Run the edge, the shadow and the control until told to stop."""
    ctx.exit(import_module("proxy.supervisor").serve(config or DEFAULT_CONFIG, only) or 0)
