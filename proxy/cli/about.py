"""`cutover version`."""

from __future__ import annotations

import click

from proxy.cli.options import Verb, as_json


@click.command(cls=Verb)
@as_json
def version(as_json: bool) -> None:
    """Say which cutover this is."""
    from proxy.cli.output import print_json
    from proxy.version import version as this

    if as_json:
        print_json({"version": this()})
    else:
        click.echo(this())
