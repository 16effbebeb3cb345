"""Options that verbs share, and how a verb fails."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from proxy.errors import ConfigError, CutoverError

F = TypeVar("F", bound=Callable[..., Any])


class Verb(click.Command):
    """Says why it failed on standard error, with --json as an object on standard output, and exits with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CutoverError as error:
            told = document(error)
            if ctx.params.get("as_json"):
                click.echo(json.dumps(told, ensure_ascii=False))
            else:
                click.echo(f"cutover {ctx.info_name}: {told['message']}", err=True)
            ctx.exit(1)


def document(error: CutoverError) -> dict[str, Any]:
    """An error for programs, in the shape of the API's."""
    from proxy.cli.client import Failed

    if isinstance(error, Failed):
        return error.document
    details = {"mistakes": list(error.mistakes)} if isinstance(error, ConfigError) else {}
    return {"error": "config" if details else "failed", "message": str(error), "code": 1, "details": details}


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
config_file = click.option(
    "-c",
    "--config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="CUTOVER_CONFIG",
    show_envvar=True,
    help="The configuration.  [default: cutover.yaml]",
)
_url = click.option("--url", envvar="CUTOVER_CONTROL_URL", show_envvar=True, help="Where the control API is.")


def reaching(command: F) -> F:
    """Options of a verb that asks the control API."""
    return _url(config_file(as_json(command)))


def changing(command: F) -> F:
    """Options of a verb that changes something."""
    reason = click.option("--reason", default="", help="Why; kept in the history.")
    dry_run = click.option("--dry-run", is_flag=True, help="Only say what would happen.")
    return reason(dry_run(reaching(command)))


def interactive() -> bool:
    """Whether a person watches."""
    return sys.stdout.isatty()
