"""`cutover pin`."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.cli.client import Control
from proxy.cli.options import Verb, changing
from proxy.cli.output import print_json, print_outcome, print_table


@click.command(cls=Verb)
@click.argument("key", required=False)
@click.argument("backend", required=False)
@click.option("--remove", metavar="KEY", help="Let the weights decide about this client again.")
@changing
def pin(
    key: str | None,
    backend: str | None,
    remove: str | None,
    reason: str,
    dry_run: bool,
    url: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Let one client's reads go to BACKEND whatever the weights, or list such clients.

    KEY is what the client is known by, such as the `id` in its token.
    """
    control = Control(url, config)
    if remove is not None:
        if key:
            raise click.UsageError("either KEY BACKEND or --remove KEY")
        asked = {"key": remove, "reason": reason}
        return print_outcome(control.ask("DELETE", "/api/pins", asked, dry_run=int(dry_run)), as_json)
    if key is None:
        return _show(control, as_json)
    if backend is None:
        raise click.UsageError("to which BACKEND?")
    asked = {"key": key, "backend": backend, "reason": reason}
    print_outcome(control.ask("PUT", "/api/pins", asked, dry_run=int(dry_run)), as_json)


def _show(control: Control, as_json: bool) -> None:
    pins = control.get("/api/pins")
    if as_json:
        return print_json(pins)
    print_table(["client", "backend"], sorted(pins["pins"].items()), "nobody is pinned")
