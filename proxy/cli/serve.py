"""`cutover serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from proxy.cli.client import DEFAULT_CONFIG
from proxy.cli.options import Verb, config_file


@click.command(cls=Verb)
@config_file
@click.option(
    "--only",
    type=click.Choice(["edge", "replayer", "control", "shadow"]),
    help="Run one part; default: all of them. The journal's writer and the shadow go with the edge.",
)
@click.pass_context
def serve(
    ctx: click.Context, config: Path | None, only: Literal["edge", "replayer", "control", "shadow"] | None
) -> None:
    """Run the edge, the shadow, the replayer and the control until told to stop."""
    from proxy.supervisor import serve as run

    ctx.exit(run(config or DEFAULT_CONFIG, only))
